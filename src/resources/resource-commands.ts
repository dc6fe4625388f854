/** `hactl resource`: every resource of haresources with its state, and an operator's start and stop. */
import {groupIds, hideArguments, type ResourceGroup} from '@hactl/config';
import type {Role} from '@hactl/failover';
import type {Command, ResourceOutcome, ResourceStatus} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import type {ResourceRunner} from './resource-runner.ts';
import {resourceName} from './resource-settings.ts';
import {resourceKind} from './resources.ts';

export interface Scene {
  readonly groups: readonly ResourceGroup[];
  readonly roles: ReadonlyMap<number, Role>;
  /** Our addresses that are on an interface now. */
  readonly held: ReadonlySet<string>;
  /** Roles of the kernel's sync daemons. */
  readonly daemons: readonly string[];
  readonly runner: ResourceRunner;
}

/** Resources of every kind, in the order of haresources. */
export function listResources({groups, roles, held, daemons, runner}: Scene): ResourceStatus[] {
  const reports = runner.list();
  const ids = groupIds(groups);
  return groups.flatMap((group, index) => {
    const active = roles.get(ids[index] ?? 0) === 'Active';
    return group.resources.map((resource): ResourceStatus => {
      const kind = resourceKind(resource);
      const base = {group: group.name, name: resourceName(resource), kind, active};
      switch (kind) {
        case 'address': {
          const isAssigned = held.has(resource.vip?.address ?? '');
          return {...base, warm: false, state: isAssigned ? 'running' : 'stopped', reason: ''};
        }
        case 'ldirectord':
          return {...base, warm: true, state: 'running', reason: 'checks and table on both directors'};
        case 'sync-daemon': {
          const state = daemons.length > 0 ? 'running' : 'stopped';
          return {...base, warm: true, state, reason: daemons.join(', ')};
        }
        case 'script': {
          const report = reports.find((report) => report.group === group.name && report.name === base.name);
          if (!report) return {...base, warm: false, state: 'unknown', reason: ''};
          const {warm, phase, reason, age, restarts, watched} = report;
          return {...base, warm, state: phase, reason, age, restarts, watched};
        }
      }
    });
  });
}

/** A resource without its arguments, which may be passwords, for output. */
const shownResource = (resource: ResourceStatus): ResourceStatus => ({
  ...resource,
  group: hideArguments(resource.group),
  name: hideArguments(resource.name),
});

/**
 * Executes one command. Refuses an unknown name, or a start where the group is not held; a name may be given as it is
 * displayed.
 */
export async function resourceCommand(
  command: Command<'resource'>,
  scene: Scene,
): Promise<readonly ResourceStatus[] | ResourceOutcome> {
  if (command.action === 'list') return listResources(scene).map(shownResource);
  const outcome = await operate(command, scene);
  return {
    ...outcome,
    name: hideArguments(outcome.name),
    ...(outcome.resource ? {resource: shownResource(outcome.resource)} : {}),
  };
}

async function operate(
  command: Exclude<Command<'resource'>, {action: 'list'}>,
  scene: Scene,
): Promise<ResourceOutcome> {
  const {action, name: asked} = command;
  const {runner} = scene;
  const all = listResources(scene);
  const matching = all.filter((resource) =>
    [resource.name, hideArguments(resource.name), resource.name.split('::')[0]].includes(asked),
  );
  const [first] = matching;
  if (!first)
    throw new CommandError('unknown-resource', `haresources has no resource ${hideArguments(asked)}`);
  if (matching.length > 1)
    throw new CommandError(
      'ambiguous-resource',
      `${asked} may be ${matching.map(({name}) => hideArguments(name)).join(' or ')}: write the whole name`,
    );
  const {name, kind} = first;
  if (kind !== 'script') {
    if (action === 'status')
      return {ok: first.state === 'running', name, reason: first.reason, resource: first};
    throw new CommandError(
      'not-separate',
      kind === 'address'
        ? `${hideArguments(name)} goes with its group: hactl standby, hactl takeover`
        : `${hideArguments(name)} is part of hactld: it runs on both directors all the time`,
    );
  }
  if (action === 'start' && !runner.mayStart(name))
    throw new CommandError(
      'not-here',
      `${hideArguments(name)} is cold and its group is not here: hactl takeover brings the group`,
    );
  const outcome = await (action === 'status' ? runner.status(name) : runner.operate(name, action));
  const after = listResources(scene).find((resource) => resource.name === name) ?? first;
  return {ok: outcome.ok, name, reason: outcome.ok ? after.reason : outcome.reason, resource: after};
}
