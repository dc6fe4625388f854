import {PROTOCOL_VERSION} from '../../control/protocol.ts';
import {ask, ControlError} from '../../control/client.ts';
import type {EventQuery, EventsAnswer} from '../../control/events.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {renderWhy, type WhyView} from '../render/render-why.ts';
import {makeTimeline, timelineKinds, type Side} from '../render/timeline.ts';
import {parseSince} from '../render/when.ts';
import {jsonText} from '../render/shown.ts';
import {ASK_LIMIT_MS, ASK_PEER_LIMIT_MS} from '../../system/limits.ts';

/** How far back the last change is searched, in events of its kinds. */
const EVENTS = 2_000;
/** Maximum round trips for comparing the clocks; one shorter than this, in ms, is good enough. */
const CLOCK_LOOKS = 8;
const CLOCK_ENOUGH = 5;

export interface WhyOptions {
  readonly before?: string;
  readonly json?: boolean;
}

/** Queries a director's journal. */
export type AskEvents = (query: EventQuery) => Promise<EventsAnswer>;

/**
 * How far the other's wall clock is ahead. The answer was made between request and response: take the midpoint; the
 * uncertainty is half of the round trip.
 */
export async function compareClocks(
  askPeer: AskEvents,
  now: () => number,
): Promise<{ahead: number; uncertain: number}> {
  let best = {ahead: 0, uncertain: Infinity};
  for (let look = 0; look < CLOCK_LOOKS && best.uncertain > CLOCK_ENOUGH; look += 1) {
    const asked = now();
    // oxlint-disable-next-line no-await-in-loop -- questions at the same time would disturb one another.
    const {wall} = await askPeer({limit: 0});
    const heard = now();
    // A wall clock has whole milliseconds.
    const uncertain = (heard - asked) / 2 + 1;
    if (uncertain < best.uncertain) best = {ahead: wall - (asked + heard) / 2, uncertain};
  }
  return best;
}

/** Most pairs have synchronised clocks: a difference within the uncertainty counts as none. */
const orNone = ({ahead, uncertain}: {ahead: number; uncertain: number}) => ({
  ahead: Math.abs(ahead) <= uncertain ? 0 : ahead,
  uncertain,
});

/** The other side's journal, or why there is none. */
export async function otherSide(
  askPeer: AskEvents,
  now: () => number,
): Promise<Side | {readonly problem: string} | undefined> {
  try {
    const clocks = orNone(await compareClocks(askPeer, now));
    const {node, events} = await askPeer({kinds: timelineKinds, limit: EVENTS});
    return {node, events, ...clocks};
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    if (error.code === 'no-pair') return undefined;
    return {
      problem: error.code === 'unknown-command' ? 'the peer runs a hactl without a journal' : error.message,
    };
  }
}

/** `hactl why`: the timeline of the last change. Exit status 1: there is none. */
export async function why(socket: string, options: WhyOptions): Promise<number> {
  const {before} = options;
  const until = before === undefined ? undefined : parseSince(before, Date.now());
  if (before !== undefined && until === undefined)
    throw new CliError(
      exit.config,
      `--before ${before}: not a time; write 90s, 10m, 2h, 1d, 14:05 or "2026-11-21 14:05" (UTC)`,
    );
  const askLocal: AskEvents = (query) => ask(socket, {command: 'events', ...query}, ASK_LIMIT_MS);
  const askPeer: AskEvents = (query) =>
    ask(socket, {command: 'peer', ask: {command: 'events', ...query}}, ASK_PEER_LIMIT_MS);

  const answer = await askLocal({kinds: timelineKinds, limit: EVENTS});
  const peer = await otherSide(askPeer, Date.now);
  const alone = peer === undefined ? (await askLocal({limit: EVENTS})).events : answer.events;
  const sides: Side[] = [{node: answer.node, events: alone, ahead: 0, uncertain: 0}];
  if (peer && 'events' in peer) sides.push(peer);
  const story = makeTimeline(sides, until);
  if (!story) {
    process.stderr.write('hactl: the journal knows of no change\n');
    return exit.failed;
  }
  const others = await askLocal({kinds: ['check', 'table'], since: story.lines[0]?.wall ?? story.wall});
  const end = story.lines.at(-1)?.wall ?? story.wall;
  const view: WhyView = {
    story,
    now: Date.now(),
    node: answer.node,
    ...(peer ? {peer} : {}),
    others: peer === undefined ? 0 : others.events.filter(({wall}) => wall <= end).length,
  };
  if (options.json) process.stdout.write(jsonText({version: PROTOCOL_VERSION, ...toJson(view)}) + '\n');
  else {
    const {stdout} = process;
    // The last line of the screen is the prompt's.
    const rows = stdout.isTTY ? stdout.rows - 1 : Infinity;
    stdout.write(renderWhy(view, stdout.columns ?? 100, rows, paintFor(stdout)));
  }
  return exit.ok;
}

/** The document of `--json`: without the peer's whole journal. */
function toJson({peer, ...told}: WhyView) {
  if (!peer || 'problem' in peer) return peer ? {...told, peer} : told;
  const {node, ahead, uncertain} = peer;
  return {...told, peer: {node, ahead, uncertain}};
}
