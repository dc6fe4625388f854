/** How late checks were started recently; older figures are dropped. Pure. */
import {makeLateness, type Instant, type Lateness, type Millis} from '@hactl/base';
import type {Late} from './messages.ts';

/** The window: between one and two of these are remembered. */
const SPAN: Millis = 60_000;

export interface RecentLateness {
  note(late: Millis, now: Instant): void;
  summary(now: Instant): Late;
}

export function makeRecentLateness(start: Instant): RecentLateness {
  let [before, current]: [Lateness, Lateness] = [makeLateness(), makeLateness()];
  let since = start;
  const turn = (now: Instant): void => {
    if (now - since < SPAN) return;
    before = now - since < 2 * SPAN ? current : makeLateness();
    current = makeLateness();
    since = now;
  };
  return {
    note: (late, now) => {
      turn(now);
      current.note(late);
    },
    summary: (now) => {
      turn(now);
      return worstOf([before.summary(), current.summary()]);
    },
  };
}

export interface ServicesLateness {
  note(virtual: string, late: Millis, now: Instant): void;
  /** Forgets the services that are no longer checked. */
  keep(virtuals: ReadonlySet<string>): void;
  /** Of all checks, since the beginning. */
  all(): Late;
  services(now: Instant): Record<string, Late>;
}

/** Of each virtual service. */
export function makeServicesLateness(): ServicesLateness {
  const services = new Map<string, RecentLateness>();
  const all = makeLateness();
  return {
    note: (virtual, late, now) => {
      all.note(late);
      const service = services.get(virtual) ?? makeRecentLateness(now);
      services.set(virtual, service);
      service.note(late, now);
    },
    keep: (virtuals) => {
      for (const virtual of services.keys()) if (!virtuals.has(virtual)) services.delete(virtual);
    },
    all: () => all.summary(),
    services: (now) =>
      Object.fromEntries(Array.from(services, ([virtual, late]) => [virtual, late.summary(now)])),
  };
}

/** The maximum of each figure. */
export const worstOf = (all: readonly Late[]): Late => ({
  p50: Math.max(0, ...all.map(({p50}) => p50)),
  p99: Math.max(0, ...all.map(({p99}) => p99)),
  max: Math.max(0, ...all.map(({max}) => max)),
});
