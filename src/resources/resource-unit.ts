/** One resource with its machine (resource-machine.ts), its timer, and its agent. */
import type {Clock} from '@hactl/base';
import {hideArguments, type Resource, type ResourceGroup} from '@hactl/config';
import type {Log} from '../system/log.ts';
import type {Agent} from './resource-agents.ts';
import {
  initialResource,
  nextDue,
  step,
  type Operation,
  type Outcome,
  type ResourceEffect,
  type ResourceEvent,
  type ResourceState,
} from './resource-machine.ts';
import {resourceName, type SupervisedSettings} from './resource-settings.ts';

/** Its configuration. */
export interface Placed {
  readonly group: ResourceGroup;
  readonly vrid: number;
  readonly resource: Resource;
  readonly settings: SupervisedSettings;
}

/** Its displayed state. */
export interface ResourceReport {
  readonly group: string;
  readonly name: string;
  readonly warm: boolean;
  readonly phase: ResourceState['phase'] | 'held';
  readonly reason: string;
  /** Milliseconds in this phase. */
  readonly age: number;
  readonly restarts: number;
  /** Whether its end would be noticed: it is monitored and its status is trusted. */
  readonly watched: boolean;
}

export interface UnitOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** An earlier hactld had started it. */
  readonly inherited: boolean;
  agent(resource: Resource): Agent | string;
  /** It ran, ended, and could not be restarted. */
  lost(reason: string): void;
  /** It started or stopped running. */
  changed(): void;
}

export type Unit = ReturnType<typeof makeUnit>;

const failedOutcome = (error: unknown): Outcome => ({
  ok: false,
  running: false,
  reason: error instanceof Error ? error.message : String(error),
});

/** Idle until `start` or `stop`. */
export function makeUnit(first: Placed, options: UnitOptions) {
  const {clock, log} = options;
  let placed = first;
  let state = initialResource(clock.now(), options.inherited);
  let agent: Agent | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stoppedByOperator = false;
  let problem: string | undefined;
  const waiting: {readonly request: 'start' | 'stop'; readonly done: (outcome: Outcome) => void}[] = [];

  const name = resourceName(first.resource);
  const shownName = hideArguments(name);
  const idle = (): boolean => state.phase === 'unknown' || state.phase === 'stopped';

  function feed(event: ResourceEvent): void {
    const before = idle();
    const [next, effects] = step(placed.settings, state, event, clock.now());
    state = next;
    if (next.phase === 'running') problem = undefined;
    if (idle() !== before) options.changed();
    for (const effect of effects) perform(effect);
    clearTimeout(timer);
    const due = nextDue(state);
    if (due < Infinity)
      timer = setTimeout(() => feed({type: 'tick'}), Math.max(0, Math.ceil(due - clock.now())));
  }

  function perform(effect: ResourceEffect): void {
    switch (effect.type) {
      case 'run':
        void operate(effect.operation, effect.limit).then((outcome) =>
          feed({type: 'done', operation: effect.operation, outcome}),
        );
        return;
      case 'settled': {
        const {ok, reason, request} = effect;
        for (const waiter of waiting.filter((each) => each.request === request)) {
          waiting.splice(waiting.indexOf(waiter), 1);
          waiter.done(ok ? {ok} : {ok, running: false, reason});
        }
        return;
      }
      case 'lost':
        options.lost(effect.reason);
        return;
      case 'log':
        log(effect.level, `resource ${shownName}: ${effect.message}`);
    }
  }

  async function operate(operation: Operation, limit: number): Promise<Outcome> {
    if (!agent) {
      const found = options.agent(placed.resource);
      // Without an agent there is nothing to stop.
      if (typeof found === 'string')
        return operation === 'stop' ? {ok: true} : {ok: false, running: false, reason: found};
      agent = found;
    }
    if (operation !== 'status') log('info', `resource ${shownName}: ${operation}`);
    return agent(operation, limit).catch(failedOutcome);
  }

  return {
    name,
    get placed(): Placed {
      return placed;
    },
    place: (next: Placed): void => {
      placed = next;
    },
    /** Resolves when it runs, is stopped, or failed. */
    ask: (request: 'start' | 'stop'): Promise<Outcome> =>
      new Promise((done) => {
        waiting.push({request, done});
        feed({type: request});
      }),
    /** Queries the resource itself. */
    status: (): Promise<Outcome> => operate('status', placed.settings.statusTimeout),
    /** Whether it is not known to run. */
    get idle(): boolean {
      return idle();
    },
    /** An earlier process started it, and its status is not known yet. */
    get unseen(): boolean {
      return state.phase === 'unknown' && state.inherited;
    },
    get running(): boolean {
      return state.phase === 'running';
    },
    get failed(): boolean {
      return state.phase === 'failed';
    },
    /** Stopped by an operator: stays stopped until the group starts again. */
    get held(): boolean {
      return stoppedByOperator;
    },
    hold: (on: boolean): void => {
      stoppedByOperator = on;
    },
    /** Why it was given up; shown until it runs again. */
    blame: (reason: string): void => {
      problem = reason;
    },
    report: (): ResourceReport => ({
      group: placed.group.name,
      name,
      warm: placed.settings.warm,
      phase: stoppedByOperator ? 'held' : problem === undefined ? state.phase : 'failed',
      reason: problem ?? state.reason,
      age: clock.now() - state.since,
      restarts: state.restarts.length,
      watched:
        state.phase === 'running' && placed.settings.monitor > 0 && (state.seen || placed.settings.exact),
    }),
    end: (): void => clearTimeout(timer),
  };
}
