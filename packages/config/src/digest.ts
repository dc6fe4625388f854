/** What must be equal on both directors, as one stable text. Pure. */
import type {ClusterConfig, HaConfig} from './model.ts';

/** Values of ha.cf that concern the pair; devices, paths, logs and fencing commands are each director's own. */
const ofPair = (ha: HaConfig) => ({
  keepalive: ha.keepalive,
  deadtime: ha.deadtime,
  warntime: ha.warntime,
  initdead: ha.initdead,
  nodes: ha.nodes.map((node) => node.name),
  autoFailback: ha.autoFailback,
  cluster: ha.cluster,
  ipfail: ha.ipfail,
  vipLease: ha.hactl.vipLease,
  preemptDelay: ha.hactl.preemptDelay,
  holddown: ha.hactl.holddown,
  standbyChecks: ha.hactl.standbyChecks,
  sync: ha.hactl.sync,
  syncPort: ha.hactl.syncPort,
  verdicts: ha.hactl.verdicts,
});

/** The text holds the keys and passwords: hash it, and show it to nobody. */
export function digestCluster(cluster: ClusterConfig): string {
  const {ha, haresources, authkeys, ldirectord} = cluster;
  const groups = haresources.groups.map((group) => ({
    node: group.node,
    resources: group.resources.map(({type, args, vip}) => ({
      type,
      args: vip
        ? [vip.address, vip.prefixLength ?? null]
        : type === 'LVSSyncDaemonSwap'
          ? [args[0]]
          : type === 'ldirectord'
            ? []
            : args,
    })),
  }));
  const files = ldirectord.map(({virtuals, readdQuiescent}) => ({virtuals, readdQuiescent}));
  const keys = authkeys.keys.map(({id, method, secret}) => ({id, method, secret}));
  return JSON.stringify(
    {pair: ha && ofPair(ha), groups, active: authkeys.active, keys, files},
    (key, value: unknown) => (key === 'span' ? undefined : value),
  );
}
