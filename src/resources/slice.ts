/** The groups' resources follow their roles. Pure; resource-machine.ts handles a single resource. */
import type {ResourceGroup} from '@hactl/config';
import type {FromEngine, ToEngine, Transition} from '@hactl/failover';
import type {GroupOutcome} from './group-sequence.ts';
import type {GroupAction} from './resource-runner.ts';

export interface ResourcesState {
  readonly groups: readonly {readonly vrid: number; readonly group: ResourceGroup}[];
  /** The command that fences this machine, without the node's name. */
  readonly fence?: string;
}

export type ResourcesEvent =
  | ({readonly type: 'resources-config'} & ResourcesState)
  | {readonly type: 'prepare'; readonly message: Extract<FromEngine, {type: 'prepare'}>}
  | {readonly type: 'role'; readonly transition: Transition}
  | {
      readonly type: 'scripts-done';
      readonly vrid: number;
      readonly action: GroupAction;
      readonly outcome: GroupOutcome;
    }
  /** A resource cannot be stopped although its group went to the peer. */
  | {readonly type: 'stuck'; readonly reason: string};

export type ResourcesEffect =
  /** In the order of haresources; answered by `scripts-done`. */
  | {readonly type: 'run-scripts'; readonly vrid: number; readonly action: GroupAction}
  | {readonly type: 'to-engine'; readonly message: ToEngine}
  | {
      readonly type: 'fence-self';
      readonly file: string;
      readonly words: readonly string[];
      readonly reason: string;
    }
  /** A fact. */
  | {
      readonly type: 'scripts-ran';
      readonly group: ResourceGroup;
      readonly action: GroupAction;
      readonly outcome: GroupOutcome;
    };

export type ResourcesTurn = [ResourcesState, readonly ResourcesEffect[]];

export function reduceResources(state: ResourcesState, event: ResourcesEvent): ResourcesTurn {
  switch (event.type) {
    case 'resources-config': {
      const {type: _, ...next} = event;
      return [next, []];
    }
    case 'prepare':
      return [state, [{type: 'run-scripts', vrid: event.message.vrid, action: 'start'}]];
    case 'role':
      return onRole(state, event.transition);
    case 'scripts-done':
      return onDone(state, event);
    case 'stuck': {
      const [file, ...words] = state.fence?.split(/\s+/) ?? [];
      return [state, file === undefined ? [] : [{type: 'fence-self', file, words, reason: event.reason}]];
    }
  }
}

function onRole(state: ResourcesState, {vrid, to}: Transition): ResourcesTurn {
  if (to === 'Active') return [state, [{type: 'run-scripts', vrid, action: 'start-late'}]];
  // Also if an earlier engine, or an earlier supervisor, held it.
  if (to === 'Backup') return [state, [{type: 'run-scripts', vrid, action: 'stop'}]];
  return [state, []];
}

function onDone(
  state: ResourcesState,
  {vrid, action, outcome}: Extract<ResourcesEvent, {type: 'scripts-done'}>,
): ResourcesTurn {
  const group = state.groups.find((group) => group.vrid === vrid)?.group;
  const facts: readonly ResourcesEffect[] = group ? [{type: 'scripts-ran', group, action, outcome}] : [];
  if (action !== 'start') return [state, facts];
  const {ok, reason} = outcome;
  return [state, [...facts, {type: 'to-engine', message: {type: 'prepared', vrid, ok, reason}}]];
}
