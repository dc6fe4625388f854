/** What a line of haresources means to the supervisor: which resources are ours, in which order they run. Pure. */
import type {Resource, ResourceGroup} from '@hactl/config';

/** How a resource is run. */
export type ResourceKind =
  /** The failover engine adds, renews and removes it. */
  | 'address'
  /** Runs on both directors all the time (warm standby): nothing to do at a takeover. */
  | 'ldirectord'
  /** The sync process follows the group's role. */
  | 'sync-daemon'
  /** Started on acquire and stopped on release: scripts, agents, units, and what is built in beside the above. */
  | 'script';

const addressTypes = new Set(['IPaddr', 'IPaddr2', 'IPv6addr']);

/** Which of the four kinds a resource is. */
export function resourceKind(resource: Resource): ResourceKind {
  if (addressTypes.has(resource.type)) return 'address';
  if (resource.type === 'ldirectord') return 'ldirectord';
  if (resource.type === 'LVSSyncDaemonSwap') return 'sync-daemon';
  return 'script';
}

/** Is a resource one that runs on both directors all the time. */
export type IsWarm = (resource: Resource) => boolean;

const isCold = (resource: Resource, isWarm: IsWarm): boolean =>
  resourceKind(resource) === 'script' && !isWarm(resource);

/** Cold resources that stand before the last address must run before it is announced. */
export function coldBeforeAddress(group: ResourceGroup, isWarm: IsWarm): readonly Resource[] {
  const last = group.resources.map(resourceKind).lastIndexOf('address');
  return group.resources.filter((resource, index) => index < last && isCold(resource, isWarm));
}

/** Cold resources behind the last address (or all of them, in a group without an address). */
export function coldAfterAddress(group: ResourceGroup, isWarm: IsWarm): readonly Resource[] {
  const before = new Set(coldBeforeAddress(group, isWarm));
  return group.resources.filter((resource) => isCold(resource, isWarm) && !before.has(resource));
}
