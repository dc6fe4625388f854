/** How the supervisor interprets a haresources line: which resources it runs, and in which order. Pure. */
import type {Resource, ResourceGroup} from '@hactl/config';

/** How a resource is run. */
export type ResourceKind =
  /** The failover engine adds, renews and removes it. */
  | 'address'
  /** Runs on both directors all the time (warm standby): nothing to do at a takeover. */
  | 'ldirectord'
  /** The sync process handles it according to the group's role. */
  | 'sync-daemon'
  /** Started on acquire and stopped on release: scripts, agents, units, and the other built-ins. */
  | 'script';

const addressTypes = new Set(['IPaddr', 'IPaddr2', 'IPv6addr']);

/** The kind of a resource. */
export function resourceKind(resource: Resource): ResourceKind {
  if (addressTypes.has(resource.type)) return 'address';
  if (resource.type === 'ldirectord') return 'ldirectord';
  if (resource.type === 'LVSSyncDaemonSwap') return 'sync-daemon';
  return 'script';
}

/** Whether a resource runs on both directors all the time. */
export type IsWarm = (resource: Resource) => boolean;

const isCold = (resource: Resource, isWarm: IsWarm): boolean =>
  resourceKind(resource) === 'script' && !isWarm(resource);

/** Cold resources before the last address must run before it is announced. */
export function coldBeforeAddress(group: ResourceGroup, isWarm: IsWarm): readonly Resource[] {
  const last = group.resources.map(resourceKind).lastIndexOf('address');
  return group.resources.filter((resource, index) => index < last && isCold(resource, isWarm));
}

/** Cold resources after the last address (or all of them, in a group without an address). */
export function coldAfterAddress(group: ResourceGroup, isWarm: IsWarm): readonly Resource[] {
  const before = new Set(coldBeforeAddress(group, isWarm));
  return group.resources.filter((resource) => isCold(resource, isWarm) && !before.has(resource));
}
