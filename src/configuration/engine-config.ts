/** heartbeat's configuration → the failover engine's configuration. Pure. */
import {
  groupIds,
  hideArguments,
  stonithCommand,
  type ClusterConfig,
  type HaConfig,
  type ResourceGroup,
  type ResourceRule,
  type Vip,
} from '@hactl/config';
import type {EngineConfig, EngineGroup, EnginePath, EngineVip} from '@hactl/failover';
import {settingsOf} from '../resources/resource-settings.ts';
import {shownCommand} from '../system/shown.ts';
import {coldBeforeAddress} from '../resources/resources.ts';

/** findif's answer for an address written without prefix length or device. */
export type FindInterface = (
  address: string,
  family: 4 | 6,
) => {readonly device: string; readonly prefixLength: number} | undefined;

export interface EngineConfigInput {
  readonly ha: HaConfig;
  readonly cluster: ClusterConfig;
  readonly node: string;
  readonly digest: string;
  readonly stateDir: string;
  readonly findInterface: FindInterface;
}

/** An address that fits no interface: nothing changes until the operator names one. */
export interface UnplacedVip {
  readonly address: string;
  readonly group: string;
}

const locate = (vip: Vip, find: FindInterface): EngineVip | undefined => {
  const {device, prefixLength} = vip;
  const found =
    device === undefined || prefixLength === undefined ? find(vip.address, vip.family) : undefined;
  const onDevice = device ?? found?.device;
  const length = prefixLength ?? found?.prefixLength;
  if (onDevice === undefined || length === undefined) return undefined;
  return {
    family: vip.family,
    address: vip.address,
    prefixLength: length,
    device: onDevice,
    ...(vip.label === undefined ? {} : {label: vip.label}),
    ...(vip.broadcast === undefined ? {} : {broadcast: vip.broadcast}),
  };
};

const paths = (ha: HaConfig): EnginePath[] =>
  ha.media.map((medium) => {
    const {span: _, ...path} = medium;
    return path;
  });

/** One engine group for each line of haresources, identified by its content, not by its line number. */
export function engineGroups(
  groups: readonly ResourceGroup[],
  find: FindInterface,
  rules: readonly ResourceRule[],
): {groups: EngineGroup[]; unplaced: UnplacedVip[]} {
  const unplaced: UnplacedVip[] = [];
  const ids = groupIds(groups);
  const made = groups.map((group, index): EngineGroup => {
    const vips: EngineVip[] = [];
    for (const resource of group.resources) {
      if (!resource.vip) continue;
      const placed = locate(resource.vip, find);
      if (placed) vips.push(placed);
      else unplaced.push({address: resource.vip.address, group: hideArguments(group.name)});
    }
    return {
      vrid: ids[index] ?? 0,
      name: hideArguments(group.name),
      preferredNode: group.node,
      vips,
      cold: coldBeforeAddress(group, (resource) => settingsOf(resource, rules).warm).length > 0,
    };
  });
  return {groups: made, unplaced};
}

/** Names a fencing device by its type, a command by its program. */
const fenceName = ({hactl, stonith}: HaConfig): string =>
  hactl.fence === undefined
    ? `stonith ${[...new Set(stonith.map(({words: [type = '']}) => type))].join(', ')}`
    : shownCommand(hactl.fence);

/** The whole engine configuration, or the addresses that fit no interface. */
export function engineConfig(input: EngineConfigInput): {
  config: EngineConfig;
  unplaced: readonly UnplacedVip[];
} {
  const {ha, cluster} = input;
  const {groups, unplaced} = engineGroups(
    cluster.haresources.groups,
    input.findInterface,
    ha.hactl.resources,
  );
  const fence = ha.hactl.fence ?? stonithCommand(ha.stonith, input.node);
  const config: EngineConfig = {
    cluster: ha.cluster,
    node: input.node,
    nodes: ha.nodes.map((node) => node.name),
    keepalive: ha.keepalive,
    deadtime: ha.deadtime,
    warntime: ha.warntime,
    initdead: ha.initdead,
    autoFailback: ha.autoFailback,
    preemptDelay: ha.hactl.preemptDelay,
    holddown: ha.hactl.holddown,
    vipLease: ha.hactl.vipLease,
    groups,
    paths: paths(ha),
    keys: cluster.authkeys.keys.map(({id, method, secret}) => ({id, method, secret})),
    signingKey: cluster.authkeys.active,
    configDigest: input.digest,
    realtime: ha.realtime,
    rtPriority: ha.rtPriority,
    pings: ha.pings,
    pingGroups: ha.pingGroups,
    ipfail: ha.ipfail,
    deadping: ha.deadping,
    trackInterfaces: ha.hactl.trackInterfaces,
    stateDir: input.stateDir,
    ...(fence === undefined ? {} : {fence, fenceName: fenceName(ha)}),
    ...(ha.watchdog === undefined ? {} : {watchdog: ha.watchdog}),
  };
  return {config, unplaced};
}
