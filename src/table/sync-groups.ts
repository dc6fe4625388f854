/** LVSSyncDaemonSwap lines and roles → what the sync process is told. Pure. */
import {groupIds, type ClusterConfig, type ResourceGroup} from '@hactl/config';
import type {Role} from '@hactl/failover';
import type {SyncGroup, SyncSettings, SyncStatus} from '@hactl/sync';
import {resourceKind} from '../resources/resources.ts';

/** `LVSSyncDaemonSwap::master[::iface[::syncid]]`, heartbeat's defaults eth0 and 0. */
export function syncGroups(groups: readonly ResourceGroup[], roles: ReadonlyMap<number, Role>): SyncGroup[] {
  const ids = groupIds(groups);
  return groups.flatMap((group, index) =>
    group.resources
      .filter((resource) => resourceKind(resource) === 'sync-daemon')
      .map(({args: [, device, syncid]}) => ({
        active: roles.get(ids[index] ?? 0) === 'Active',
        interface: device ?? 'eth0',
        syncid: Number(syncid ?? 0),
      })),
  );
}

/**
 * A connection is sent with its second packet and every ten seconds, idle or not: with the kernel's own settings (`3 50`)
 * a young or an idle one is lost at a takeover. A client that comes from the port of a connection that it has
 * ended is a new one, also with `gate` and `ipip`, where the director does not see the real server's end of it: with the kernel's
 * own setting (1) it is sent where that went for two minutes, also when nobody is there any more.
 */
const sysctls: Readonly<Record<string, string>> = {
  sync_threshold: '0 2',
  sync_refresh_period: '10',
  conn_reuse_mode: '3',
};

/**
 * A client of UDP that keeps its port is sent to a server that failed and left the table until its entry runs out, up to five
 * minutes. With this setting its next packet goes to another server. It would end TCP connections too, which otherwise
 * go on when the server is back after a short failure: so where there is UDP only.
 */
function servicesWant({ldirectord}: ClusterConfig): Readonly<Record<string, string>> {
  const virtuals = ldirectord.flatMap((file) => file.virtuals);
  const isUdp = virtuals.every(({address}) => address.kind === 'address' && address.protocol === 'udp');
  return virtuals.length > 0 && isUdp ? {expire_nodest_conn: '1'} : {};
}

/** ha.cf and authkeys → how the two sync processes find and believe each other. undefined: there is no pair. */
export function syncSettings(
  cluster: ClusterConfig,
  node: string,
  stateDir: string,
): SyncSettings | undefined {
  const {ha, authkeys} = cluster;
  if (!ha || ha.nodes.length < 2) return undefined;
  const {sync, syncPort, syncDelay, syncDeadline, ipvs} = ha.hactl;
  const lasting = {...servicesWant(cluster), ...ipvs};
  return {
    mode: sync === 'multicast' ? 'multicast' : 'relay',
    port: syncPort,
    cluster: ha.cluster,
    node,
    secret: authkeys.keys.find(({id}) => id === authkeys.active)?.secret ?? '',
    accepted: authkeys.keys.map(({secret}) => secret),
    delay: syncDelay,
    deadline: syncDeadline,
    // The pulse pushes the record of the handshake's last packet; without it the second packet's is the first to go.
    sysctls: {...sysctls, ...(syncDelay > 0 ? {sync_threshold: '1 0'} : {}), ...lasting},
    lasting,
    stateDir,
  };
}

/**
 * Whether the sync lets this director take a group back, and why not. `uptime` in ms; after `limit` without a word of the
 * own sync process it goes on without. `trusted`: this kernel was in sync a moment ago, under a supervisor before this.
 */
export function syncReadiness(
  wanted: boolean,
  status: SyncStatus | undefined,
  uptime: number,
  limit: number,
  trusted: boolean,
): {readonly ready: boolean; readonly reason: string} {
  if (!wanted) return {ready: true, reason: 'no connection sync'};
  if (status?.report)
    return {ready: status.report.inSync, reason: `connection sync: ${status.report.reason}`};
  if (trusted) return {ready: true, reason: 'connection sync: in sync a moment ago, before this supervisor'};
  return {ready: uptime > limit, reason: status?.problem ?? 'connection sync: not started yet'};
}
