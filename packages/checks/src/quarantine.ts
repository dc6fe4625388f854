/**
 * Decides which real servers are checked in quarantine: in a separate process, at a lower priority and with a CPU
 * budget. A check that exceeds its allowance is interrupted and repeated there, without a verdict in between; its
 * server leaves when its checks have been cheap for a while. An expensive check need not be hostile (a large page, a
 * costly expression): quarantine changes no verdict. Pure.
 */
import type {Instant, Millis} from '@hactl/base';

export interface Cost {
  /** CPU time of this thread, as far as it was measured exactly; divided by the processor's slowness before it is compared. */
  readonly cpu: Millis;
  /** Octets received. */
  readonly octets: number;
}

/** The allowance of a check outside quarantine. An ordinary one takes 0.05 ms, one with a full TLS handshake 2 ms. */
export const ALLOWANCE: Cost = {cpu: 15, octets: 1 << 19};
/** A check below this is cheap; between the two limits nothing changes. */
const CHEAP: Cost = {cpu: 5, octets: 1 << 17};
/** Cheap checks in a row, and the time they must span, before a server leaves quarantine. */
const CHEAP_CHECKS = 5;
const CHEAP_FOR: Millis = 60_000;
/** The time doubles with each return to quarantine, up to this. */
const CHEAP_FOR_MOST: Millis = 16 * CHEAP_FOR;
/** After this time outside quarantine, a server's relapses are forgotten. */
const FORGIVEN_AFTER: Millis = 10 * CHEAP_FOR;

export interface Confinement {
  readonly confined: boolean;
  /** How often it entered quarantine. */
  readonly times: number;
  /** The processor's slowness (pace.ts) when it entered: in quarantine there are no ordinary checks to compare with. */
  readonly slowness: number;
  /** When it was released, if it is not confined. */
  readonly releasedAt?: Instant;
  /** Cheap checks in a row, and when the first of them ended. */
  readonly cheap: number;
  readonly cheapSince: Instant;
}

const free: Confinement = {confined: false, times: 0, slowness: 1, cheap: 0, cheapSince: 0};

/** Confined for the first time. */
export const confinedAt = (now: Instant, slowness = 1): Confinement => ({
  ...free,
  confined: true,
  times: 1,
  slowness,
  cheapSince: now,
});

export const exceeds = (cost: Cost, limit: Cost): boolean =>
  cost.cpu > limit.cpu || cost.octets > limit.octets;

/** The state after a check with this cost, scaled to a fast processor. When `confined` changes, the caller moves the server. */
export function afterCheck(
  before: Confinement | undefined,
  cost: Cost,
  now: Instant,
  slowness = 1,
): Confinement | undefined {
  if (!before?.confined) {
    if (!exceeds(cost, ALLOWANCE)) return before;
    const forgiven = before?.releasedAt === undefined || now - before.releasedAt > FORGIVEN_AFTER;
    return {...confinedAt(now, slowness), times: (forgiven ? 0 : before.times) + 1};
  }
  if (exceeds(cost, CHEAP)) return before.cheap === 0 ? before : {...before, cheap: 0};
  const cheap = before.cheap + 1;
  const cheapSince = before.cheap === 0 ? now : before.cheapSince;
  const needed = Math.min(CHEAP_FOR_MOST, CHEAP_FOR * 2 ** (before.times - 1));
  if (cheap < CHEAP_CHECKS || now - cheapSince < needed) return {...before, cheap, cheapSince};
  return {...free, times: before.times, releasedAt: now};
}

/** Describes the exceeded part of the cost. */
export const costWords = ({cpu, octets}: Cost): string =>
  octets > ALLOWANCE.octets
    ? `its answer is larger than ${ALLOWANCE.octets >> 10} KiB`
    : `its check takes more than ${Math.min(Math.floor(cpu), ALLOWANCE.cpu)} ms of CPU time`;

/** The CPU budget of a quarantine process: a token bucket. */
export interface Bucket {
  readonly left: Millis;
  readonly at: Instant;
}

/** The share of a processor, the bucket's size and its maximum debt. */
const BUDGET_SHARE = 0.5;
const BUDGET_MOST: Millis = 500;

export const fullBucket = (now: Instant): Bucket => ({left: BUDGET_MOST, at: now});

/** The bucket after this use. Checks start while something is left. */
export const afterUse = ({left, at}: Bucket, used: Millis, now: Instant): Bucket => ({
  left: Math.max(-BUDGET_MOST, Math.min(BUDGET_MOST, left + (now - at) * BUDGET_SHARE) - used),
  at: now,
});
