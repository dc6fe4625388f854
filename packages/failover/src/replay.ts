/**
 * Replay protection. A sender's adverts are accepted in increasing order of (incarnation, sequence); the same advert arrives
 * once on each path, so the order is kept per path, and an advert much older than the newest is refused on every path.
 * Incarnations increase with every start and are kept on disk by the sender; the receiver keeps the highest it has seen, and
 * once a second the sequence too, in its state file, so a recording from before the receiver's restart is refused as well,
 * except for adverts recorded within that second. Pure.
 */
import {fail, ok, type Result} from '@hactl/base';
import type {Advert} from './advert.ts';

/**
 * Step to a new incarnation if the wall clock gives none: more than the claims a process sends on the LAN, whose stamps count
 * up from the incarnation (claim.ts).
 */
const INCARNATION_STEP = 1n << 20n;
export const incarnationAfter = (incarnation: bigint): bigint => incarnation + INCARNATION_STEP;

/** No wall clock gives a later incarnation: the kernel's ends in 2262. 2^44 ms are in 2527. */
const CLOCK_MOST = 2n ** 44n;
/** Above that, an incarnation grows by steps: as many at once as two lost answers take. */
const STEPS_MOST = 2n * INCARNATION_STEP;
/** The stamps of claims have 48 bits; a thousand adverts a second take 8,900 years. */
const NUMBER_MOST = 2n ** 48n;

/**
 * Whether a director can have such an incarnation. `known`: the highest that is known of it. No wall clock is asked: the
 * receiver's may have been set back, or the sender's forward, by any number of years.
 */
export const plausibleIncarnation = (incarnation: bigint, known = 0n): boolean =>
  incarnation < NUMBER_MOST && (incarnation <= CLOCK_MOST || incarnation <= known + STEPS_MOST);

/** What the state file may hold: what a clock gives and 16 million steps above it. */
export const plausibleKept = (incarnation: bigint): boolean => incarnation <= 2n * CLOCK_MOST;

/**
 * Numbers that no director reaches by itself would lock the real ones out, or overflow. `known`: of its sender; `own`: the
 * receiver's incarnation.
 */
export const plausibleAdvert = (
  advert: Pick<Advert, 'incarnation' | 'sequence' | 'echoIncarnation' | 'echoSequence'>,
  known: bigint,
  own: bigint,
): boolean =>
  plausibleIncarnation(advert.incarnation, known) &&
  plausibleIncarnation(advert.echoIncarnation, own) &&
  advert.sequence < NUMBER_MOST &&
  advert.echoSequence < NUMBER_MOST;

export interface ReplayState {
  readonly incarnation: bigint;
  /** The newest sequence on any path. */
  readonly newest: bigint;
  /** The newest on each path. */
  readonly paths: readonly bigint[];
  /** Remembered from an earlier process: nothing up to it is accepted on any path. */
  readonly floor: bigint;
}

export const initialReplay = (incarnation = 0n, floor = 0n): ReplayState => ({
  incarnation,
  newest: floor,
  paths: [],
  floor,
});

/** How many adverts a path may lag behind the newest one; a slower path is useless. */
export const REPLAY_WINDOW = 64n;

/** The state after an accepted advert, or the fault. */
export function acceptSequence(
  state: ReplayState,
  advert: Advert,
): Result<ReplayState, {readonly code: 'replay' | 'stale-incarnation'}> {
  if (advert.incarnation < state.incarnation) return fail({code: 'stale-incarnation'});
  const known = advert.incarnation === state.incarnation ? state : initialReplay(advert.incarnation);
  if (advert.sequence <= (known.paths[advert.path] ?? known.floor)) return fail({code: 'replay'});
  if (advert.sequence + REPLAY_WINDOW < known.newest) return fail({code: 'replay'});
  const paths = Array.from(
    {length: Math.max(known.paths.length, advert.path + 1)},
    (_, path) => known.paths[path] ?? known.floor,
  );
  paths[advert.path] = advert.sequence;
  return ok({
    incarnation: advert.incarnation,
    newest: advert.sequence > known.newest ? advert.sequence : known.newest,
    paths,
    floor: known.floor,
  });
}

/**
 * The state without what was remembered from an earlier process, if this advert proves that it is newer: it echoes the receiver's
 * incarnation, which is `own` only since its start. A state file with too high a sequence would keep it deaf to the peer.
 */
export const withoutFloor = (state: ReplayState, advert: Advert, own: bigint): ReplayState =>
  state.paths.length === 0 &&
  advert.incarnation === state.incarnation &&
  advert.sequence <= state.floor &&
  advert.echoIncarnation === own
    ? initialReplay(state.incarnation)
    : state;
