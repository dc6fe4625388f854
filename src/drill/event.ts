/**
 * A drill: events in their order, each with what must hold while it happens. What is observed is judged here, wherever the
 * drill runs: in namespaces, on virtual machines, on a running pair. Pure.
 */

/** What must hold during an event. Times in milliseconds; what is absent is measured and not judged. */
export interface Expected {
  /** Requests that may be lost: `Infinity` where the event kills what serves them. */
  readonly lost: number;
  /** Do the long-lived connections survive. */
  readonly streamsKept: boolean;
  /** How long both directors may hold the VIP: not at all after a crash, an advert's way there and back in a planned move. */
  readonly both: number;
  /** The longest silence of all streams together. */
  readonly outage?: number;
}

/** What a director needs beside a network for an event; each ground says what it has. */
export type Means =
  /** The device of the service network can be taken off the air. */
  | 'link'
  /** Packets of a kind can be dropped on their way (nftables). */
  | 'filter'
  /** A daemon with all its processes can be stopped and woken. */
  | 'freeze'
  /** A web server can be killed, stopped, made to answer something else. */
  | 'servers'
  /** A file system of the directors can be filled. */
  | 'disk'
  /** Each director has a kernel, a clock and a memory of its own. */
  | 'machine';

/** One event of a drill; `act` does it, waits for its end and may give a note for the report. */
export interface DrillEvent<Scene> {
  readonly name: string;
  readonly expected: Expected;
  readonly act: (scene: Scene) => Promise<string>;
  /** Waits for what the event presupposes; nothing is measured meanwhile. */
  readonly before?: (scene: Scene) => Promise<void>;
}

/** Events that leave the pair as they found it. */
export interface Drill<Scene> {
  /** For `--only`: one word. */
  readonly name: string;
  readonly summary: string;
  /** May it be run on a pair that serves people: nothing fails, and nothing but a planned move happens. */
  readonly safe: boolean;
  /** Part of what is run when nothing is chosen. */
  readonly usual: boolean;
  readonly needs: readonly Means[];
  readonly events: readonly DrillEvent<Scene>[];
}

/** One failed request; `at` is when it began, counted from the beginning of the event. */
export interface FailedRequest {
  readonly at: number;
  readonly error: string;
  readonly port: number;
}

/** What was seen while an event happened. Times in milliseconds. */
export interface Observed {
  /** From the event's beginning to the end of the quiet time behind it. */
  readonly period: number;
  readonly outage: number;
  readonly failed: readonly FailedRequest[];
  readonly broken: readonly {readonly at: number; readonly error: string}[];
  /** Two holders, all in all, and until a crash was over; undefined: the event is no crash. */
  readonly both: number;
  readonly bothInCrash?: number;
}

/** Time after an event until losses are no longer allowed. */
const SETTLE = 500;

/** The requests that began when the event was over for long enough. */
export const lateLosses = (observed: Observed, quiet: number): readonly FailedRequest[] =>
  // Judged by when a request began: one that began before (a SYN that is sent again, say) may fail any time later.
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

/** `expected` as people read it. */
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

/** The drills of a library that were asked for; with no names the usual ones, or all. */
export function choose<Scene>(
  library: readonly Drill<Scene>[],
  wanted: {readonly only: readonly string[]; readonly all: boolean; readonly means: ReadonlySet<Means>},
): {
  readonly chosen: readonly Drill<Scene>[];
  /** Not on this ground, with what it lacks. */
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
