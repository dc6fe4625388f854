/** LVSSyncDaemonSwap lines and roles → the sync process's configuration. Pure. */
import type {Millis} from '@hactl/base';
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
 * A connection is synced with its second packet and every ten seconds, idle or not: with the kernel's defaults (`3 50`) a
 * young or idle one is lost at a takeover. A client that reuses the port of a closed connection starts a new one, also with
 * `gate` and `ipip`, where the director does not see the real server's side of the close: with the kernel's default (1) it
 * goes to the old server for two minutes, even if that is dead.
 */
const sysctls: Readonly<Record<string, string>> = {
  sync_threshold: '0 2',
  sync_refresh_period: '10',
  conn_reuse_mode: '3',
};

/**
 * A UDP client that keeps its port is sent to a failed, removed server until its entry expires, up to five minutes. With this
 * setting its next packet goes to another server. It would also end TCP connections that otherwise continue when the server
 * returns after a short failure: hence only for UDP-only tables.
 */
function servicesWant({ldirectord}: ClusterConfig): Readonly<Record<string, string>> {
  const virtuals = ldirectord.flatMap((file) => file.virtuals);
  const isUdp = virtuals.every(({address}) => address.kind === 'address' && address.protocol === 'udp');
  return virtuals.length > 0 && isUdp ? {expire_nodest_conn: '1'} : {};
}

/** ha.cf and authkeys → how the two sync processes find and authenticate each other. undefined: there is no pair. */
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

/** What the supervisor knows beside its sync process. */
export interface SyncStanding {
  readonly uptime: Millis;
  /** Without a working sync process, or with a peer whose sync process is silent, a director waits this long (hactl_sync_deadline). */
  readonly limit: Millis;
  /** This kernel was in sync a moment ago, under the previous supervisor. */
  readonly trusted: boolean;
  /** The engine hears the peer, and this director has no group. */
  readonly peerServes: boolean;
}

/**
 * Whether connection sync lets this director take a group back, and why not. A sync process that says nothing yet is waited for
 * without a limit: the peer serves, with every connection.
 */
export function syncReadiness(
  wanted: boolean,
  status: SyncStatus | undefined,
  {uptime, limit, trusted, peerServes}: SyncStanding,
): {readonly ready: boolean; readonly reason: string} {
  if (!wanted) return {ready: true, reason: 'no connection sync'};
  if (status?.report) {
    const {inSync, alone, reason} = status.report;
    if (alone && peerServes && !trusted && uptime < limit)
      return {ready: false, reason: 'connection sync: the peer lives, its sync process was not heard yet'};
    return {ready: inSync, reason: `connection sync: ${reason}`};
  }
  if (trusted)
    return {ready: true, reason: 'connection sync: in sync a moment ago, under the previous supervisor'};
  const problem = status?.problem;
  return problem === undefined
    ? {ready: false, reason: 'connection sync: not started yet'}
    : {ready: uptime > limit, reason: problem};
}
