/** LVSSyncDaemonSwap lines and roles → what the sync process is told. Pure. */
import type {ResourceGroup} from '@hactl/config';
import type {Role} from '@hactl/failover';
import type {SyncGroup} from '@hactl/sync';
import {resourceKind} from './resources.ts';

/** `LVSSyncDaemonSwap::master[::iface[::syncid]]`, heartbeat's defaults eth0 and 0. */
export function syncGroups(groups: readonly ResourceGroup[], roles: ReadonlyMap<number, Role>): SyncGroup[] {
  return groups.flatMap((group, index) =>
    group.resources
      .filter((resource) => resourceKind(resource) === 'sync-daemon')
      .map(({args: [, device, syncid]}) => ({
        active: roles.get(index + 1) === 'Active',
        interface: device ?? 'eth0',
        syncid: Number(syncid ?? 0),
      })),
  );
}
