/**
 * Which real servers are checked in quarantine: in a process apart from all others, at a lower priority and with a budget
 * of CPU. A check that costs more than its allowance is interrupted and made anew there, without a verdict in between; its
 * server comes back when its checks have been cheap for a while. What is expensive may be quite honest (a large page, a
 * costly expression): quarantine changes no verdict. Pure.
 */
import type {Instant, Millis} from '@hactl/base';

export interface Cost {
  /** CPU time of this thread, as far as it was measured exactly; divided by the processor's slowness where it is judged. */
  readonly cpu: Millis;
  /** Octets received. */
  readonly octets: number;
}

/** What a check may cost beside others. An ordinary one takes 0.05 ms, one with a full TLS handshake 2 ms. */
export const ALLOWANCE: Cost = {cpu: 15, octets: 1 << 19};
/** A check is cheap below this; between the two nothing changes. */
const CHEAP: Cost = {cpu: 5, octets: 1 << 17};
/** Cheap checks in a row, over at least so long, before a server leaves quarantine. */
const CHEAP_CHECKS = 5;
const CHEAP_FOR: Millis = 60_000;
/** The time doubles with each return to quarantine, up to this. */
const CHEAP_FOR_MOST: Millis = 16 * CHEAP_FOR;
/** A server that stayed out of quarantine for so long has a clean record. */
const FORGIVEN_AFTER: Millis = 10 * CHEAP_FOR;

export interface Confinement {
  readonly confined: boolean;
  /** How often it came into quarantine. */
  readonly times: number;
  /** Of the processor, when it came (pace.ts): in quarantine nothing ordinary is there to compare with. */
  readonly slowness: number;
  /** When it was released, where it is not confined. */
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

/** After a check that cost so much, as on a fast processor. Whoever sees `confined` change moves the server. */
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

/** In words: what of a cost is remarkable. */
export const costWords = ({cpu, octets}: Cost): string =>
  octets > ALLOWANCE.octets
    ? `its answer has more than ${ALLOWANCE.octets >> 10} KiB`
    : `its check takes more than ${Math.min(Math.floor(cpu), ALLOWANCE.cpu)} ms of CPU time`;

/** CPU time that the process of a quarantine may use: a bucket that fills steadily. */
export interface Bucket {
  readonly left: Millis;
  readonly at: Instant;
}

/** Share of a processor, how much may be saved up, and how deep the debt can be. */
const BUDGET_SHARE = 0.5;
const BUDGET_MOST: Millis = 500;

export const fullBucket = (now: Instant): Bucket => ({left: BUDGET_MOST, at: now});

/** The bucket after the process used so much. Checks begin while something is left. */
export const afterUse = ({left, at}: Bucket, used: Millis, now: Instant): Bucket => ({
  left: Math.max(-BUDGET_MOST, Math.min(BUDGET_MOST, left + (now - at) * BUDGET_SHARE) - used),
  at: now,
});
