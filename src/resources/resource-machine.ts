/**
 * One resource: started, monitored, restarted when it ended, stopped. Pure: `step` decides the next operation; one runs at a
 * time, and the driver (resource-unit.ts) reports its end.
 */
import type {Instant, Millis} from '@hactl/base';

export interface ResourceSettings {
  readonly startTimeout: Millis;
  readonly stopTimeout: Millis;
  readonly statusTimeout: Millis;
  /** Monitor interval of a running resource; 0: never. */
  readonly monitor: Millis;
  readonly restarts: {readonly count: number; readonly within: Millis};
  /** Pause between two attempts to stop it. */
  readonly stopPause: Millis;
  /** Whether the first status after a start is trusted: not for scripts, some of which never print "running". */
  readonly exact: boolean;
}

export type Operation = 'status' | 'start' | 'stop';

/** The result of an operation. `running: false` is an answer of `status`; for `start` and `stop` only `ok` counts. */
export type Outcome =
  {readonly ok: true} | {readonly ok: false; readonly running: boolean; readonly reason: string};

export type Phase =
  /** Not yet queried. `inherited`: an earlier hactld had started it. */
  'unknown' | 'stopped' | 'probing' | 'starting' | 'running' | 'restarting' | 'stopping' | 'failed';

export interface ResourceState {
  readonly phase: Phase;
  readonly inherited: boolean;
  readonly wanted: boolean;
  readonly since: Instant;
  /** The operation in progress. */
  readonly busy?: Operation;
  readonly monitorAt: Instant;
  /** Whether a status has reported it running since its first start here: then its status is trusted. */
  readonly seen: boolean;
  /** Whether the missing "running" was logged. */
  readonly doubted: boolean;
  /** Times of its restarts, for the limit. */
  readonly restarts: readonly Instant[];
  readonly stopTries: number;
  readonly retryAt: Instant;
  readonly reason: string;
}

export type ResourceEvent =
  | {readonly type: 'start'}
  | {readonly type: 'stop'}
  | {readonly type: 'done'; readonly operation: Operation; readonly outcome: Outcome}
  | {readonly type: 'tick'};

export type ResourceEffect =
  | {readonly type: 'run'; readonly operation: Operation; readonly limit: Millis}
  /** The answer to `start` or `stop`. */
  | {
      readonly type: 'settled';
      readonly request: 'start' | 'stop';
      readonly ok: boolean;
      readonly reason: string;
    }
  /** It ran, ended, and could not be restarted. */
  | {readonly type: 'lost'; readonly reason: string}
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info'; readonly message: string};

/** heartbeat's HA_STOPRETRYMAX. */
const STOP_TRIES = 10;

export const initialResource = (now: Instant, inherited: boolean): ResourceState => ({
  phase: 'unknown',
  inherited,
  wanted: false,
  since: now,
  monitorAt: Infinity,
  seen: false,
  doubted: false,
  restarts: [],
  stopTries: 0,
  retryAt: Infinity,
  reason: '',
});

/** The next deadline. */
export const nextDue = (state: ResourceState): Instant =>
  state.busy === undefined ? Math.min(state.monitorAt, state.retryAt) : Infinity;

/** Applies one event. */
export function step(
  settings: ResourceSettings,
  state: ResourceState,
  event: ResourceEvent,
  now: Instant,
): readonly [ResourceState, readonly ResourceEffect[]] {
  const turn: Turn = {settings, now, effects: []};
  return [take(turn, state, event), turn.effects];
}

function take(turn: Turn, state: ResourceState, event: ResourceEvent): ResourceState {
  switch (event.type) {
    case 'start':
      return onStart(turn, state);
    case 'stop':
      return onStop(turn, state);
    case 'done':
      return onDone(turn, state, event.operation, event.outcome);
    case 'tick':
      return onTick(turn, state);
  }
}

/** One step under construction. */
interface Turn {
  readonly settings: ResourceSettings;
  readonly now: Instant;
  readonly effects: ResourceEffect[];
}

const limitOf = (settings: ResourceSettings, operation: Operation): Millis =>
  ({start: settings.startTimeout, stop: settings.stopTimeout, status: settings.statusTimeout})[operation];

function run(turn: Turn, from: ResourceState, operation: Operation, phase: Phase): ResourceState {
  turn.effects.push({type: 'run', operation, limit: limitOf(turn.settings, operation)});
  return {...from, phase, busy: operation, monitorAt: Infinity, retryAt: Infinity};
}

function enter({now}: Turn, from: ResourceState, phase: Phase, reason: string): ResourceState {
  const {busy: _, ...rest} = from;
  return {...rest, phase, since: now, reason, monitorAt: Infinity, retryAt: Infinity};
}

const settled = (turn: Turn, request: 'start' | 'stop', ok: boolean, reason: string): void =>
  void turn.effects.push({type: 'settled', request, ok, reason});

const log = (turn: Turn, level: 'error' | 'warn' | 'info', message: string): void =>
  void turn.effects.push({type: 'log', level, message});

const runs = (turn: Turn, from: ResourceState, reason: string): ResourceState => ({
  ...enter(turn, from, 'running', reason),
  monitorAt: turn.settings.monitor > 0 ? turn.now + turn.settings.monitor : Infinity,
});

function stopped(turn: Turn, from: ResourceState, reason: string): ResourceState {
  settled(turn, 'stop', true, reason);
  return {
    ...enter(turn, from, 'stopped', reason),
    inherited: false,
    stopTries: 0,
    restarts: [],
    seen: false,
    doubted: false,
  };
}

function lost(turn: Turn, from: ResourceState, reason: string): ResourceState {
  turn.effects.push({type: 'lost', reason});
  // Answers a start requested during the restart.
  settled(turn, 'start', false, reason);
  return enter(turn, from, 'failed', reason);
}

/** It should run and does not: restart it, or give it up. */
function recover(turn: Turn, from: ResourceState, reason: string): ResourceState {
  const recent = from.restarts.filter((at) => turn.now - at < turn.settings.restarts.within);
  if (recent.length >= turn.settings.restarts.count) {
    const often = recent.length === 1 ? 'once' : `${recent.length} times`;
    const text = `${reason}; restarted ${often}, which is the limit`;
    return {...lost(turn, from, text), restarts: recent};
  }
  log(turn, 'warn', `${reason}: restarting it (${recent.length + 1} of ${turn.settings.restarts.count})`);
  return run(turn, {...from, restarts: [...recent, turn.now], since: turn.now, reason}, 'stop', 'restarting');
}

function doubt(turn: Turn, from: ResourceState, reason: string): ResourceState {
  if (!from.doubted) log(turn, 'warn', reason);
  return {...from, doubted: true, reason, monitorAt: turn.now + turn.settings.monitor};
}

function onStart(turn: Turn, state: ResourceState): ResourceState {
  const next = {...state, wanted: true};
  // A stop that waits for another operation is overtaken by a start; one in progress is not.
  if (!state.wanted && state.busy !== undefined && state.phase !== 'stopping')
    settled(turn, 'stop', false, 'a start came before it was done');
  switch (state.phase) {
    case 'running':
      settled(turn, 'start', true, 'runs already');
      return next;
    case 'unknown':
    case 'stopped':
    case 'failed':
      return run(
        turn,
        {...next, since: turn.now, restarts: [], seen: false, doubted: false},
        'status',
        'probing',
      );
    default:
      return next;
  }
}

function onStop(turn: Turn, state: ResourceState): ResourceState {
  const next = {...state, wanted: false};
  if (state.wanted && ['probing', 'starting', 'restarting', 'stopping'].includes(state.phase))
    settled(turn, 'start', false, 'a stop came before it was done');
  switch (state.phase) {
    case 'stopped':
      return stopped(turn, next, state.reason);
    case 'unknown':
      return run(turn, next, 'status', 'probing');
    case 'failed':
    case 'running':
      // Wait for a status in progress.
      return state.busy === undefined
        ? run(turn, {...next, since: turn.now, stopTries: 0}, 'stop', 'stopping')
        : next;
    default:
      return next;
  }
}

function onDone(turn: Turn, state: ResourceState, operation: Operation, outcome: Outcome): ResourceState {
  const {busy, ...idle} = state;
  if (busy !== operation) return state;
  const reason = outcome.ok ? '' : outcome.reason;
  if (!idle.wanted && state.phase !== 'stopping') return unwanted(turn, idle, operation, outcome);
  switch (state.phase) {
    case 'probing':
      if (!outcome.ok) return run(turn, idle, 'start', 'starting');
      settled(turn, 'start', true, 'was running');
      return {...runs(turn, idle, 'was running'), seen: true};
    case 'starting':
      if (outcome.ok) {
        settled(turn, 'start', true, 'started');
        return runs(turn, idle, 'started');
      }
      if (idle.restarts.length > 0) return recover(turn, idle, `start: ${reason}`);
      settled(turn, 'start', false, reason);
      return enter(turn, idle, 'failed', `start: ${reason}`);
    case 'running':
      if (outcome.ok)
        return {
          ...idle,
          seen: true,
          doubted: false,
          reason: idle.doubted ? 'started' : idle.reason,
          monitorAt: turn.now + turn.settings.monitor,
        };
      if (idle.seen || turn.settings.exact) return recover(turn, idle, reason);
      // A daemon may take a while until its script sees it: query again.
      return doubt(turn, idle, `its status does not say that it runs (${reason}): not watched until it does`);
    case 'restarting':
      if (outcome.ok) return run(turn, idle, 'start', 'starting');
      return lost(turn, idle, `cannot be stopped for the restart: ${reason}`);
    case 'stopping':
      return stopTried(turn, idle, outcome);
    default:
      return idle;
  }
}

/** The operation started before the stop was requested. */
function unwanted(turn: Turn, idle: ResourceState, operation: Operation, outcome: Outcome): ResourceState {
  if (operation === 'stop' && outcome.ok) return stopped(turn, idle, 'stopped');
  if (idle.phase !== 'probing')
    return run(turn, {...idle, since: turn.now, stopTries: 0}, 'stop', 'stopping');
  if (!outcome.ok) return stopped(turn, idle, 'was not running');
  if (idle.inherited) return run(turn, {...idle, since: turn.now, stopTries: 0}, 'stop', 'stopping');
  // As in heartbeat's verifyallidle, do not stop what we did not start.
  log(turn, 'error', 'is running but was not started by hactl: disable it at boot');
  return stopped(turn, idle, 'running, but not started by hactl');
}

function stopTried(turn: Turn, idle: ResourceState, outcome: Outcome): ResourceState {
  if (outcome.ok) {
    const next = stopped(turn, idle, 'stopped');
    return idle.wanted ? run(turn, next, 'status', 'probing') : next;
  }
  const tries = idle.stopTries + 1;
  if (tries < STOP_TRIES) {
    log(turn, 'warn', `stop: ${outcome.reason}: retrying (${tries} of ${STOP_TRIES})`);
    return {...idle, stopTries: tries, retryAt: turn.now + turn.settings.stopPause};
  }
  settled(turn, 'stop', false, outcome.reason);
  return {...enter(turn, idle, 'failed', `stop: ${outcome.reason}`), stopTries: 0};
}

function onTick(turn: Turn, state: ResourceState): ResourceState {
  if (state.busy !== undefined) return state;
  if (turn.now >= state.retryAt) return run(turn, state, 'stop', 'stopping');
  return turn.now >= state.monitorAt ? run(turn, state, 'status', 'running') : state;
}
