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
  /** A script that is started on acquire and stopped on release. */
  | 'script';

const addressTypes = new Set(['IPaddr', 'IPaddr2', 'IPv6addr']);

/** Which of the four kinds a resource is. */
export function resourceKind(resource: Resource): ResourceKind {
  if (addressTypes.has(resource.type)) return 'address';
  if (resource.type === 'ldirectord') return 'ldirectord';
  if (resource.type === 'LVSSyncDaemonSwap') return 'sync-daemon';
  return 'script';
}

/** Acquire order: left to right. */
export const startOrder = (group: ResourceGroup): readonly Resource[] => group.resources;

/** Release order: right to left. */
export const stopOrder = (group: ResourceGroup): readonly Resource[] => [...group.resources].reverse();

/** Scripts that stand before the last address must run before it is announced. */
export function scriptsBeforeAddress(group: ResourceGroup): readonly Resource[] {
  const kinds = group.resources.map(resourceKind);
  const last = kinds.lastIndexOf('address');
  return group.resources.filter((_, index) => kinds[index] === 'script' && index < last);
}

/** Scripts that stand behind the last address (or all of them, in a group without an address). */
export function scriptsAfterAddress(group: ResourceGroup): readonly Resource[] {
  const before = new Set(scriptsBeforeAddress(group));
  return group.resources.filter((resource) => resourceKind(resource) === 'script' && !before.has(resource));
}
