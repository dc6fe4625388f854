/** The resources of one group: started left to right, stopped right to left, one after another. */
import {hideArguments, type Resource} from '@hactl/config';
import type {Log} from '../system/log.ts';
import type {Unit} from './resource-unit.ts';
import {coldAfterAddress, coldBeforeAddress} from './resources.ts';

export interface GroupOutcome {
  readonly ok: boolean;
  readonly reason: string;
}

export interface SequencePorts {
  readonly log: Log;
  readonly failed: (unit: Unit, reason: string) => void;
  /** A resource cannot be stopped although the group went to the peer. */
  readonly stuck: (reason: string) => void;
}

/** `start`: the resources before the addresses; `start-late`: those after them. Stops at the first failure. */
export async function startInOrder(
  units: readonly Unit[],
  action: 'start' | 'start-late',
  ports: SequencePorts,
): Promise<GroupOutcome> {
  const [group] = units.map(({placed}) => placed.group);
  if (!group) return {ok: true, reason: 'no resources to start'};
  const isWarm = (resource: Resource): boolean =>
    units.some(({placed}) => placed.resource === resource && placed.settings.warm);
  const order = (action === 'start' ? coldBeforeAddress : coldAfterAddress)(group, isWarm);
  const started: Unit[] = [];
  for (const unit of units.filter(({placed}) => order.includes(placed.resource))) {
    unit.hold(false);
    // oxlint-disable-next-line no-await-in-loop -- the order of haresources is a promise.
    const outcome = await unit.ask('start');
    if (outcome.ok) {
      started.push(unit);
      continue;
    }
    ports.failed(unit, outcome.reason);
    // Before the address nothing serves yet: undo what was started. After it the rest keeps serving.
    // oxlint-disable-next-line no-await-in-loop -- the last of the loop.
    await stopInOrder(action === 'start' ? [...started, unit] : [unit], false, ports);
    return {ok: false, reason: `${unit.name}: ${outcome.reason}`};
  }
  return {ok: true, reason: `${started.length} resources run`};
}

/** Stops all, even after one that cannot be stopped. `released`: the group went to the peer. */
export async function stopInOrder(
  units: readonly Unit[],
  released: boolean,
  {log, stuck}: SequencePorts,
): Promise<GroupOutcome> {
  const left: string[] = [];
  for (const unit of units.toReversed()) {
    // oxlint-disable-next-line no-await-in-loop -- right to left, one after another.
    const outcome = await unit.ask('stop');
    if (outcome.ok) continue;
    const reason = `resource ${hideArguments(unit.name)} cannot be stopped: ${outcome.reason}`;
    left.push(reason);
    log('error', `${reason}. It may run on both directors now: stop it manually`);
    if (released) stuck(reason);
  }
  return left.length === 0 ? {ok: true, reason: 'stopped'} : {ok: false, reason: left.join('; ')};
}
