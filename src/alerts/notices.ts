/** What webhooks and commands receive: changes of real servers and groups, collected, rate-limited, and cut to a digest. Pure. */
import type {Instant, Millis} from '@hactl/base';
import type {CheckState} from '@hactl/checks';
import type {Transition} from '@hactl/failover';
import {destinationOf, realName, virtualName} from '../table/services.ts';
import type {VirtualView} from '../table/views.ts';

/** One change as in the JSON. Times are for people: wall clock, ISO 8601. */
export type Notice =
  | {
      readonly type: 'real';
      readonly time: string;
      readonly virtual: string;
      readonly real: string;
      readonly from: CheckState;
      readonly to: 'up' | 'down';
      readonly reason: string;
      readonly service?: string;
    }
  | {readonly type: 'fallback'; readonly time: string; readonly virtual: string; readonly active: boolean}
  | {
      readonly type: 'transition';
      readonly time: string;
      readonly group: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    }
  /** A scheduled drill did not run because the pair is unhealthy, or one of its steps failed. */
  | {readonly type: 'drill'; readonly time: string; readonly reason: string};

/** How many real servers of a virtual service are up; part of every message. */
export interface Census {
  readonly virtual: string;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
}

/** The last known state of real servers and fallbacks. */
export interface NoticeMemory {
  readonly states: ReadonlyMap<string, CheckState>;
  readonly fallbacks: ReadonlyMap<string, boolean>;
}

export const nothingKnown: NoticeMemory = {states: new Map(), fallbacks: new Map()};

/**
 * The changes since the last call. At the start a real server that is down is reported, one that is up is not; nor is one
 * removed from the configuration. Changes to services that the other director speaks for are only remembered.
 */
export function noticeStep(
  memory: NoticeMemory,
  views: readonly VirtualView[],
  wall: number,
): {memory: NoticeMemory; notices: Notice[]} {
  const time = new Date(wall).toISOString();
  const states = new Map<string, CheckState>();
  const fallbacks = new Map<string, boolean>();
  const notices: Notice[] = [];
  for (const {virtual, reals, inFallback, acting} of views) {
    if (virtual.checkType.kind === 'off') continue;
    const name = virtualName(virtual);
    const service = virtual.serviceName === undefined ? {} : {service: virtual.serviceName};
    for (const view of reals) {
      const from = memory.states.get(view.id) ?? 'unknown';
      const to = view.state === 'unknown' ? from : view.state;
      states.set(view.id, to);
      if (to === from || to === 'unknown' || (from === 'unknown' && to === 'up')) continue;
      const real = realName(destinationOf(virtual, view.real));
      if (acting)
        notices.push({type: 'real', time, virtual: name, real, from, to, reason: view.reason, ...service});
    }
    const before = memory.fallbacks.get(name) ?? false;
    const active = inFallback ?? before;
    fallbacks.set(name, active);
    if (acting && active !== before) notices.push({type: 'fallback', time, virtual: name, active});
  }
  return {memory: {states, fallbacks}, notices};
}

export const noticeOfTransition = ({group, from, to, reason, wall}: Transition): Notice => ({
  type: 'transition',
  time: new Date(wall).toISOString(),
  group,
  from,
  to,
  reason,
});

export const censusOf = (views: readonly VirtualView[]): Census[] =>
  views.map(({virtual, reals}) => {
    const count = (state: CheckState): number => reals.filter((real) => real.state === state).length;
    return {virtual: virtualName(virtual), up: count('up'), down: count('down'), unknown: count('unknown')};
  });

/** Changes within this time are batched into one message. */
export const COLLECT: Millis = 1_000;
/** Maximum number of changes listed one by one; beyond it, the first ones and the counts. */
export const LISTED = 20;

/** The messages waiting for one receiver. */
export interface Waiting {
  readonly notices: readonly Notice[];
  /** Everything that happened, including what is no longer listed. */
  readonly total: number;
  readonly downs: number;
  readonly ups: number;
  readonly dueAt: Instant;
  readonly sentAt?: Instant;
}

export const nothingWaits: Waiting = {notices: [], total: 0, downs: 0, ups: 0, dueAt: Infinity};

const countOf = (notices: readonly Notice[], to: 'up' | 'down'): number =>
  notices.filter((notice) => notice.type === 'real' && notice.to === to).length;

/** Puts changes in the queue; transitions are never cut from it. */
export function wait(waiting: Waiting, notices: readonly Notice[], now: Instant, gap: Millis): Waiting {
  if (notices.length === 0) return waiting;
  const {sentAt, total} = waiting;
  const dueAt =
    total > 0 ? waiting.dueAt : Math.max(now + COLLECT, sentAt === undefined ? now : sentAt + gap);
  const room = LISTED - waiting.notices.filter((notice) => notice.type === 'real').length;
  const fitting = new Set(notices.filter((notice) => notice.type === 'real').slice(0, Math.max(0, room)));
  const listed = notices.filter((notice) => notice.type !== 'real' || fitting.has(notice));
  return {
    ...waiting,
    notices: [...waiting.notices, ...listed],
    total: total + notices.length,
    downs: waiting.downs + countOf(notices, 'down'),
    ups: waiting.ups + countOf(notices, 'up'),
    dueAt,
  };
}

/** The document of version 1 (docs/json.md). */
export interface Message {
  readonly version: 1;
  readonly node: string;
  readonly time: string;
  /** One sentence, for chats and telephones. */
  readonly summary: string;
  readonly changes: number;
  /** Real server changes that are not in `notices`. */
  readonly omitted: number;
  readonly notices: readonly Notice[];
  readonly virtuals: readonly Census[];
}

function sentence(notice: Notice): string {
  switch (notice.type) {
    case 'real':
      return `${notice.real} of ${notice.virtual} is ${notice.to}: ${notice.reason}`;
    case 'fallback':
      return `${notice.virtual} ${notice.active ? 'is served by its fallback' : 'is served by its real servers again'}`;
    case 'transition':
      return `${notice.group}: ${notice.from} -> ${notice.to}: ${notice.reason}`;
    case 'drill':
      return `the scheduled drill failed: ${notice.reason.replaceAll(/\s*\n\s*/g, ' / ')}`;
  }
}

/** One message from everything that waits. */
export function compose(waiting: Waiting, node: string, wall: number, census: readonly Census[]): Message {
  const {notices, total, downs, ups} = waiting;
  const [first] = notices.toSorted(
    (left, right) => Number(left.type === 'real') - Number(right.type === 'real'),
  );
  const up = census.reduce((sum, census) => sum + census.up, 0);
  const all = census.reduce((sum, census) => sum + census.up + census.down + census.unknown, 0);
  const counts = [...(downs > 0 ? [`${downs} down`] : []), ...(ups > 0 ? [`${ups} up`] : [])].join(', ');
  const many = `${total} changes (real servers: ${counts || 'none'}; ${up} of ${all} are up now)`;
  const summary = first === undefined ? '' : total === 1 ? sentence(first) : `${many}: ${sentence(first)}`;
  return {
    version: 1,
    node,
    time: new Date(wall).toISOString(),
    summary: `${node}: ${summary}`,
    changes: total,
    omitted: total - notices.length,
    notices,
    virtuals: census,
  };
}
