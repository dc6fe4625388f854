/** The journal: what happens → the events that are kept. Remembers only what it needs to detect a change. Pure. */
import type {Instant, Millis, Moment} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {ResourceGroup} from '@hactl/config';
import type {EngineStatus, FromEngine, PathStatus, Transition} from '@hactl/failover';
import type {Operation} from '@hactl/ipvs';
import type {SyncStatus} from '@hactl/sync';
import type {Drift} from '../table/entries.ts';
import type {Refusal} from '../table/refusals.ts';
import type {EventDraft} from '../control/events.ts';
import {
  ofDeath,
  ofCertificate,
  ofDrift,
  ofEngineEvent,
  ofOperation,
  ofRefusal,
  ofScripts,
  transitionDraft,
  ofUnfit,
  ofVerdict,
} from './drafts.ts';

export interface JournalState {
  readonly engine?: EngineStatus;
  readonly sync?: SyncStatus;
  readonly ready?: boolean;
  /** Per kind of fault: the count already reported, and when. */
  readonly faults: ReadonlyMap<string, {readonly at: Instant; readonly count: number}>;
}

/** The events that the journal records. */
export type Happening =
  | {readonly type: 'engine'; readonly message: FromEngine}
  | {readonly type: 'sync-status'; readonly status: SyncStatus}
  | {readonly type: 'child-died'; readonly name: string; readonly how: string}
  | {readonly type: 'transition'; readonly transition: Transition}
  | {
      readonly type: 'readiness-changed';
      readonly readiness: {readonly ready: boolean; readonly reason: string};
    }
  | {readonly type: 'unfit'; readonly reason: string}
  | {readonly type: 'certificate-ends'; readonly report: CheckReport}
  | {readonly type: 'verdict-changed'; readonly report: CheckReport; readonly first: boolean}
  | {readonly type: 'table-changed'; readonly operation: Operation}
  | {readonly type: 'table-drifted'; readonly drift: readonly Drift[]}
  | {readonly type: 'entry-refused'; readonly refusal: Refusal}
  | {readonly type: 'entry-accepted'; readonly refusal: Refusal}
  | {
      readonly type: 'scripts-ran';
      readonly group: ResourceGroup;
      readonly action: string;
      readonly outcome: {readonly ok: boolean; readonly reason: string};
    };

export type JournalTurn = [JournalState, readonly EventDraft[]];

/** Rejected datagrams may come by the thousand: at most one event per kind of fault in this time. */
const FAULT_EVERY: Millis = 60_000;

export const initialJournal: JournalState = {faults: new Map()};

export function reduceJournal(state: JournalState, what: Happening, moment: Moment): JournalTurn {
  switch (what.type) {
    case 'engine':
      return onEngine(state, what.message, moment);
    case 'sync-status':
      return onSync(state, what.status);
    case 'readiness-changed':
      return onReadiness(state, what.readiness);
    case 'child-died':
      return [state, [ofDeath(what.name, what.how)]];
    case 'transition':
      return [state, [transitionDraft(what.transition)]];
    case 'unfit':
      return [state, [ofUnfit(what.reason)]];
    case 'verdict-changed':
      // The first round reports every server: the table's events cover those that are up.
      return [state, what.first && what.report.state !== 'down' ? [] : [ofVerdict(what.report)]];
    case 'certificate-ends':
      return [state, [ofCertificate(what.report)]];
    case 'table-changed':
      return [state, [ofOperation(what.operation)]];
    case 'table-drifted':
      return [state, [ofDrift(what.drift)]];
    case 'entry-refused':
      return [state, [ofRefusal(what.refusal, false)]];
    case 'entry-accepted':
      return [state, [ofRefusal(what.refusal, true)]];
    case 'scripts-ran':
      return [state, ofScripts(what.group, what.action, what.outcome)];
  }
}

function onEngine(state: JournalState, message: FromEngine, moment: Moment): JournalTurn {
  if (message.type === 'event') return [state, [ofEngineEvent(message)]];
  if (message.type === 'status') return onStatus(state, message.status, moment);
  if (message.type !== 'ready') return [state, []];
  // A new engine's paths start over: their first state is not a change.
  const {engine: _, ...rest} = state;
  return [rest, []];
}

/** Compares each engine status with the previous one. */
function onStatus(state: JournalState, status: EngineStatus, {now, wall}: Moment): JournalTurn {
  const peers = status.peers.map((peer) => peer.name).join(', ') || 'the peer';
  const paths = status.paths.flatMap((path) => {
    const before = state.engine?.paths.find((previous) => previous.name === path.name);
    const {lastHeardAgo} = path;
    // The engine knows when the path fell silent; it is noticed only now.
    const lastHeard = lastHeardAgo === undefined ? {} : {lastHeard: Math.round(wall - lastHeardAgo)};
    return (before ? pathEvent(path, before, peers) : []).map((draft) => ({
      ...draft,
      data: {...draft.data, ...lastHeard},
    }));
  });
  const [faults, refused] = faultEvents(state.faults, status, now);
  return [{...state, engine: status, faults}, [...paths, ...refused]];
}

function pathEvent(path: PathStatus, before: PathStatus, peers: string): EventDraft[] {
  const {name} = path;
  const draft = (level: 'warn' | 'info', text: string, data = {}): EventDraft[] => [
    {kind: 'path', level, subject: name, text: `${name}: ${text}`, data},
  ];
  if (path.error !== before.error && path.error !== undefined) return draft('warn', path.error);
  if (before.hears && !path.hears) return draft('warn', `deaf: nothing comes from ${peers}`, {hears: false});
  if (!before.hears && path.hears) return draft('info', `${peers} is heard`, {hears: true});
  if (path.hears && before.heard && !path.heard)
    return draft('warn', `${peers} does not hear this director on it`, {heard: false});
  if (path.hears && before.hears && !before.heard && path.heard)
    return draft('info', `${peers} hears this director on it`, {heard: true});
  return [];
}

function faultEvents(
  before: JournalState['faults'],
  {counters}: EngineStatus,
  now: Instant,
): [JournalState['faults'], EventDraft[]] {
  const faults = new Map(before);
  const drafts = Object.entries(counters).flatMap(([code, count]): EventDraft[] => {
    const last = faults.get(code);
    if (!code.startsWith('fault-') || count === (last?.count ?? 0)) return [];
    // A new engine counts from the start.
    const seen = last === undefined || count < last.count ? 0 : last.count;
    if (last !== undefined && now - last.at < FAULT_EVERY) {
      if (seen !== last.count) faults.set(code, {...last, count: seen});
      return [];
    }
    faults.set(code, {at: now, count});
    const text = `heartbeat datagrams rejected: ${code.slice(6)} ${count - seen}, ${count} in all`;
    return [{kind: 'path', level: 'warn', subject: code, text, data: {count}}];
  });
  return [faults, drafts];
}

function onSync(state: JournalState, status: SyncStatus): JournalTurn {
  const {report, problem} = status;
  const before = state.sync?.report;
  const draft = (level: 'warn' | 'info', text: string): EventDraft => ({
    kind: 'sync',
    level,
    subject: 'sync',
    text: `connection sync: ${text}`,
  });
  const problems = problem !== undefined && problem !== state.sync?.problem ? [draft('warn', problem)] : [];
  const next = {...state, sync: status};
  if (report && report.phase !== before?.phase) {
    const level = report.phase === 'deadline' ? 'warn' : 'info';
    const data = {phase: report.phase, here: report.here, missing: report.missingHere};
    return [next, [...problems, {...draft(level, `${report.phase}: ${report.reason}`), data}]];
  }
  if (report && before && report.peer !== before.peer)
    return [
      next,
      [...problems, draft('info', `the peer's process is ${report.peer ? 'heard' : 'not heard any more'}`)],
    ];
  return [next, problems];
}

/** Only changes between ready and not ready: the reason for waiting changes with every check. */
function onReadiness(
  state: JournalState,
  {ready, reason}: {readonly ready: boolean; readonly reason: string},
): JournalTurn {
  if (ready === state.ready) return [state, []];
  const next = {...state, ready};
  if (state.ready === undefined && !ready) return [next, []];
  const text = ready ? `may take over by choice: ${reason}` : `must not take over by choice: ${reason}`;
  return [next, [{kind: 'ready', level: 'info', subject: 'ready', text, data: {ready}}]];
}
