/**
 * A drill: a sequence of events with expectations. Observations are checked here, wherever the drill runs: in namespaces, on
 * virtual machines, on a running pair. Pure.
 */

/** Expectations of an event. Times in milliseconds; absent values are measured but not checked. */
export interface Expected {
  /** Maximum lost requests: `Infinity` if the event kills their servers. */
  readonly lost: number;
  /** Whether the long-lived connections must survive. */
  readonly streamsKept: boolean;
  /** How long both directors may hold the VIP: 0 after a crash, an advert's round trip in a planned move. */
  readonly both: number;
  /** Longest time without a reply on any stream. */
  readonly outage?: number;
}

/** Abilities that an event needs besides a network; each site declares its own. */
export type Means =
  /** The device of the service network can be disconnected. */
  | 'link'
  /** Matching packets can be dropped (nftables). */
  | 'filter'
  /** A daemon with all its processes can be stopped and resumed. */
  | 'freeze'
  /** A web server can be killed, stopped, or made to give another answer. */
  | 'servers'
  /** A file system of the directors can be filled. */
  | 'disk'
  /** Each director has its own kernel, clock and memory. */
  | 'machine';

/** One event of a drill; `act` triggers it, waits for its end and may return a note for the report. */
export interface DrillEvent<Scene> {
  readonly name: string;
  readonly expected: Expected;
  readonly act: (scene: Scene) => Promise<string>;
  /** Waits for the event's preconditions; not measured. */
  readonly before?: (scene: Scene) => Promise<void>;
}

/** Events that together restore the pair's initial state. */
export interface Drill<Scene> {
  /** One word, for `--only`. */
  readonly name: string;
  readonly summary: string;
  /** Whether it may run on a production pair: no failures, only planned moves. */
  readonly safe: boolean;
  /** Whether it is part of the default selection. */
  readonly usual: boolean;
  readonly needs: readonly Means[];
  readonly events: readonly DrillEvent<Scene>[];
}

/** A failed request; `at` is its start, counted from the start of the event. */
export interface FailedRequest {
  readonly at: number;
  readonly error: string;
  readonly port: number;
}

/** Observations during an event. Times in milliseconds. */
export interface Observed {
  /** From the start of the event to the end of the quiet time after it. */
  readonly period: number;
  readonly outage: number;
  readonly failed: readonly FailedRequest[];
  readonly broken: readonly {readonly at: number; readonly error: string}[];
  /** Time with two holders, in total and until a crash was over; undefined: the event is no crash. */
  readonly both: number;
  readonly bothInCrash?: number;
}

/** Time after an event until losses are no longer allowed. */
const SETTLE = 500;

/** Requests started long enough after the event. */
export const lateLosses = (observed: Observed, quiet: number): readonly FailedRequest[] =>
  // By start time: a request started earlier (such as one with a retransmitted SYN) may fail at any later time.
  observed.failed.filter(({at}) => at > observed.period - quiet + SETTLE);

/** All violated expectations, as sentences. `quiet`: the time after an event in which nothing may happen. */
export function failuresOf(expected: Expected, observed: Observed, quiet: number): string[] {
  const {outage, failed, broken, both, bothInCrash} = observed;
  const failures: string[] = [];
  if (failed.length > expected.lost)
    failures.push(`${failed.length} requests lost: ${JSON.stringify(failed.slice(0, 3))}`);
  const late = expected.lost > 0 ? lateLosses(observed, quiet) : [];
  if (late.length > 0) failures.push(`requests lost after recovery: ${JSON.stringify(late)}`);
  if (expected.streamsKept && broken.length > 0)
    failures.push(`streams broken: ${JSON.stringify(broken.slice(0, 3))}`);
  if (bothInCrash !== undefined && bothInCrash > 0)
    failures.push(`two directors held the VIP for ${bothInCrash.toFixed(0)} ms after the crash`);
  if (both > expected.both) failures.push(`two directors held the VIP for ${both.toFixed(0)} ms`);
  if (expected.outage !== undefined && outage > expected.outage)
    failures.push(`silent for ${outage.toFixed(0)} ms, at most ${expected.outage} expected`);
  return failures;
}

/** Describes `expected`. */
export function expectedText({lost, streamsKept, both, outage}: Expected): string {
  const words = [
    lost === Infinity
      ? 'requests may be lost'
      : lost === 0
        ? 'no request lost'
        : `at most ${lost} requests lost`,
    streamsKept ? 'streams kept' : 'streams may break',
    both === Infinity
      ? 'two holders possible'
      : both === 0
        ? 'one holder'
        : `two holders for ${both} ms at most`,
  ];
  return [...words, ...(outage === undefined ? [] : [`silent for ${outage} ms at most`])].join(', ');
}

/** Selects drills of a library by name; without names the default ones, or all. */
export function choose<Scene>(
  library: readonly Drill<Scene>[],
  wanted: {readonly only: readonly string[]; readonly all: boolean; readonly means: ReadonlySet<Means>},
): {
  readonly chosen: readonly Drill<Scene>[];
  /** Drills impossible on this site, with the abilities it lacks. */
  readonly left: readonly {readonly name: string; readonly lacks: readonly Means[]}[];
  readonly unknown: readonly string[];
} {
  const names = new Set(library.map(({name}) => name));
  const unknown = wanted.only.filter((name) => !names.has(name));
  const asked = library.filter(({name, usual}) =>
    wanted.only.length > 0 ? wanted.only.includes(name) : wanted.all || usual,
  );
  const lacks = (drill: Drill<Scene>): readonly Means[] =>
    drill.needs.filter((need) => !wanted.means.has(need));
  return {
    chosen: asked.filter((drill) => lacks(drill).length === 0),
    left: asked
      .filter((drill) => lacks(drill).length > 0)
      .map((drill) => ({name: drill.name, lacks: lacks(drill)})),
    unknown,
  };
}
