/**
 * The current weight of a real server: configured, from its check, from an operator's override, reduced during slow start.
 * Pure.
 */
import type {Instant, Millis} from '@hactl/base';
import type {CheckReport, WantedWeight} from '@hactl/checks';
import type {VerdictSettings, VirtualService} from '@hactl/config';
import {checkId} from './services.ts';

const WEIGHT_MAX = 65_535;
/** Number of weight steps of slow start: each is a change of the kernel's table. */
const STEPS = 10;

const wished = (configured: number, wish: WantedWeight): number =>
  Math.min(WEIGHT_MAX, wish.percent ? Math.round((configured * wish.value) / 100) : wish.value);

/** When a real server returned; undefined: it has served all along. Absent: it does not serve, or its state is unknown. */
export type Warmth = ReadonlyMap<string, {readonly serves: boolean; readonly since?: Instant}>;

export interface Weights {
  /** Only those that differ from the configured ones. */
  readonly weights: ReadonlyMap<string, number>;
  readonly warmth: Warmth;
  /** When a real server in slow start gets more weight. */
  readonly nextAt?: Instant;
}

/** The share of its weight after `age` of slow start, in whole steps, never zero. */
const share = (age: Millis, slowStart: Millis): number =>
  Math.min(1, (Math.floor((age / slowStart) * STEPS) + 1) / STEPS);

/** The current weights. `settings` undefined: only overrides count. */
export function weightsNow(input: {
  readonly virtuals: readonly VirtualService[];
  readonly reports: ReadonlyMap<string, CheckReport>;
  readonly ordered: ReadonlyMap<string, number>;
  readonly settings: VerdictSettings | undefined;
  readonly warmth: Warmth;
  readonly now: Instant;
}): Weights {
  const {settings, now, ordered, warmth} = input;
  if (!settings || !(settings.dynamicWeight || settings.slowStart > 0))
    return {weights: ordered, warmth: new Map()};
  const {slowStart} = settings;
  const weights = new Map(ordered);
  const next = new Map<string, {serves: boolean; since?: Instant}>();
  const steps: Instant[] = [];
  for (const virtual of input.virtuals)
    for (const real of virtual.reals) {
      const id = checkId(virtual, real);
      const report = input.reports.get(id);
      const wish = settings.dynamicWeight ? report?.weight : undefined;
      const base = ordered.get(id) ?? (wish ? wished(real.weight, wish) : real.weight);
      if (base !== real.weight) weights.set(id, base);
      if (slowStart === 0 || report === undefined || report.state === 'unknown') continue;
      const before = warmth.get(id);
      const serves = report.state === 'up' && base > 0;
      const since = serves && before ? (before.serves ? before.since : now) : undefined;
      const warm = since === undefined || now - since >= slowStart;
      next.set(id, {serves, ...(warm ? {} : {since})});
      if (warm) continue;
      weights.set(id, Math.max(1, Math.round(base * share(now - since, slowStart))));
      const step = slowStart / STEPS;
      steps.push(since + (Math.floor((now - since) / step) + 1) * step);
    }
  // No spread into arguments: there may be ten thousand.
  const nextAt = steps.reduce((earliest, at) => Math.min(earliest, at), Infinity);
  return {weights, warmth: next, ...(nextAt < Infinity ? {nextAt} : {})};
}

/** With a fallback server and fewer real servers than the quorum: the fallback serves alone. */
export function belowQuorum(
  virtual: VirtualService,
  serving: number,
  quorum: VerdictSettings['quorum'] | undefined,
): boolean {
  const total = virtual.reals.length;
  if (!quorum || !virtual.fallback || total === 0) return false;
  const needed = quorum.percent ? Math.ceil((total * quorum.count) / 100) : Math.min(total, quorum.count);
  return serving < needed;
}
