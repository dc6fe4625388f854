/**
 * A configuration as a list of directives with their values in one spelling, however the files were written: what two
 * directors compare, and what a reload shows. Pure.
 */
import {timeText, onOff, hashed, guarded, commandShown, urlShown, withoutWords, type Fact} from './fact.ts';
import {fileFacts} from './ldirectord-facts.ts';
import {hideArguments} from './redact.ts';
import type {ClusterConfig, HaConfig, Medium, ResourceGroup, VerdictSettings} from './model.ts';

/** Every directive in force, in the order in which people read the files. */
export function configFacts(cluster: ClusterConfig): Fact[] {
  const {ha, haresources, authkeys, ldirectord} = cluster;
  return [
    ...(ha ? haFacts(ha) : []),
    ...haresources.groups.flatMap((group, index) => groupFacts(haresources.path, group, index + 1)),
    ...(ha
      ? [{kind: 'key' as const, file: authkeys.path, directive: 'auth', value: String(authkeys.active)}]
      : []),
    ...authkeys.keys.map(({id, method, secret}): Fact => ({
      kind: 'key',
      file: authkeys.path,
      directive: `key ${id}`,
      value: hashed(method, secret),
      secret: true,
    })),
    ...ldirectord.flatMap((file, index) => fileFacts(file, index + 1)),
  ].map(withoutWords);
}

/** Both directors must agree on these at all times, or one declares the other dead. */
const intervals = new Set(['keepalive', 'deadtime', 'warntime', 'initdead', 'deadping']);

function haFacts(ha: HaConfig): Fact[] {
  const {hactl} = ha;
  const pair: Readonly<Record<string, string>> = {
    node: ha.nodes.map(({name}) => name).join(' '),
    cluster: ha.cluster,
    keepalive: timeText(ha.keepalive),
    // Before the defaults that are computed from it.
    deadtime: timeText(ha.deadtime),
    warntime: timeText(ha.warntime),
    initdead: timeText(ha.initdead),
    deadping: timeText(ha.deadping),
    auto_failback: ha.autoFailback,
    'respawn ipfail': onOff(ha.ipfail),
    hactl_lease: timeText(hactl.vipLease),
    hactl_preempt_delay: timeText(hactl.preemptDelay),
    hactl_holddown: timeText(hactl.holddown),
    hactl_standby_checks: onOff(hactl.standbyChecks),
    hactl_sync: hactl.sync,
    hactl_sync_port: String(hactl.syncPort),
    hactl_sync_delay: hactl.syncDelay === 0 ? 'off' : timeText(hactl.syncDelay),
    hactl_sync_deadline: timeText(hactl.syncDeadline),
    hactl_peer_port: String(hactl.peerPort),
    ...verdictValues(hactl.verdicts),
  };
  const settings: Readonly<Record<string, string | undefined>> = {
    logfile: ha.logFile,
    debugfile: ha.debugFile,
    logfacility: ha.logFacility,
    realtime: onOff(ha.realtime),
    rtprio: String(ha.rtPriority),
    watchdog: ha.watchdog,
    hactl_drill: hactl.drillSchedule,
    hactl_push: hactl.push === undefined ? 'with sha256 keys' : onOff(hactl.push),
    hactl_peer: hactl.peerAddresses.join(' ') || undefined,
    hactl_track_interface: hactl.trackInterfaces.join(' ') || undefined,
    hactl_admin_group: hactl.adminGroup,
    hactl_read_group: hactl.readGroup,
    hactl_check_user: hactl.checkUser,
    hactl_script_user: hactl.scriptUser,
    hactl_alert_gap: hactl.alerts && timeText(hactl.alerts.gap),
  };
  const fact = (directive: string, value: string): Fact => ({
    kind: intervals.has(directive) ? 'interval' : 'setting',
    file: ha.path,
    directive,
    value,
  });
  const mine = (directive: string, value: string): Fact => ({...fact(directive, value), own: true});
  return [
    ...Object.entries(pair).map(([directive, value]) => fact(directive, value)),
    ...Object.entries(hactl.ipvs).map(([name, value]) => fact(`hactl_ipvs ${name}`, value)),
    ...ha.media.map((medium) => mine(mediumName(medium), 'on')),
    ...ha.pings.map((address) => mine(`ping ${address}`, 'on')),
    ...ha.pingGroups.map(({name, members}) => mine(`ping_group ${name}`, members.join(' '))),
    ...ha.respawns.map(({user, command}, index): Fact => ({
      ...mine(`respawn ${user} ${command[0] ?? ''} (${index + 1})`, ''),
      ...guarded(command.join(' '), commandShown(command.join(' '))),
    })),
    ...(hactl.fence === undefined
      ? []
      : [{...mine('hactl_fence', ''), ...guarded(hactl.fence, commandShown(hactl.fence))}]),
    ...ha.stonith.map(({from, words}, index): Fact => ({
      ...mine(`stonith_host ${from} ${words[0] ?? ''} (${index + 1})`, hashed(...words)),
      secret: true,
    })),
    ...hactl.trackScripts.map(({every, words}, index): Fact => ({
      ...mine(`hactl_track_script ${words[0] ?? ''} (${index + 1})`, ''),
      ...guarded(
        `${timeText(every)} ${words.join(' ')}`,
        `${timeText(every)} ${commandShown(words.join(' '))}`,
      ),
    })),
    ...(hactl.alerts?.webhooks ?? []).map(({url, token}, index): Fact => ({
      ...mine(`hactl_webhook ${urlShown(url)} (${index + 1})`, hashed(url, token ?? '')),
      secret: true,
      shown: urlShown(url),
    })),
    ...(hactl.otlp ? [hactl.otlp] : []).map(({url, token}): Fact => ({
      ...mine(`hactl_otlp ${urlShown(url)}`, hashed(url, token ?? '')),
      secret: true,
      shown: urlShown(url),
    })),
    ...(hactl.alerts?.commands ?? []).map((words, index): Fact => ({
      ...mine(`hactl_alert_command ${words[0] ?? ''} (${index + 1})`, ''),
      ...guarded(words.join(' '), commandShown(words.join(' '))),
    })),
    ...hactl.resources.map(({match, ...rule}, index) =>
      fact(`hactl_resource ${match} (${index + 1})`, JSON.stringify(rule)),
    ),
    ...Object.entries(settings).flatMap(([directive, value]) =>
      value === undefined ? [] : [mine(directive, value)],
    ),
  ];
}

function verdictValues(verdicts: VerdictSettings | undefined): Readonly<Record<string, string>> {
  if (!verdicts) return {};
  const {rise, damping, slowStart, quorum, dynamicWeight, certDays} = verdicts;
  return {
    hactl_rise: String(rise),
    ...(damping
      ? {hactl_flap_damping: `${damping.suppress} ${damping.reuse} ${timeText(damping.halfLife)}`}
      : {}),
    hactl_slow_start: timeText(slowStart),
    ...(quorum ? {hactl_quorum: `${quorum.count}${quorum.percent ? '%' : ''}`} : {}),
    hactl_dynamic_weight: onOff(dynamicWeight),
    hactl_cert_days: String(certDays),
  };
}

function mediumName(medium: Medium): string {
  if (medium.kind === 'bcast') return `bcast ${medium.device} port ${medium.port}`;
  return medium.kind === 'ucast'
    ? `ucast ${medium.device} ${medium.peer} port ${medium.port}`
    : `mcast ${medium.device} ${medium.group} ${medium.port} ${medium.ttl} ${medium.loop ? 1 : 0}`;
}

/** `group 1` is the first line. The order of the lines is compared too: it numbers the groups in the adverts. */
function groupFacts(file: string, group: ResourceGroup, number: number): Fact[] {
  const line = `group ${number}`;
  const words = group.resources.map(({type, vip, args}) =>
    vip
      ? `${type}::${vip.address}`
      : type === 'ldirectord' || type === 'LVSSyncDaemonSwap'
        ? type
        : [type, ...args].join('::'),
  );
  const resources = words.join(' ');
  const facts: Fact[] = [
    {kind: 'group', file, directive: `${line} node`, value: group.node},
    // Names of ldirectord's files and of interfaces are local to each director: only the resources and their order are compared.
    {kind: 'group', file, directive: `${line} resources`, ...guarded(resources, hideArguments(resources))},
  ];
  for (const {type, vip, args} of group.resources) {
    if (vip) {
      // IPaddr or IPaddr2, it is the same address; the resource's type is in `resources`.
      const directive = `${line} ${vip.address}`;
      facts.push({
        kind: 'address',
        file,
        directive: `${directive} prefix`,
        value: String(vip.prefixLength ?? 'by the route'),
      });
      const where = [vip.label ?? vip.device ?? 'by the route', vip.broadcast ?? ''].join(' ').trim();
      facts.push({kind: 'address', file, directive: `${directive} interface`, value: where, own: true});
    } else if (type === 'LVSSyncDaemonSwap') {
      facts.push({kind: 'group', file, directive: `${line} ${type}`, value: args[0] ?? ''});
      facts.push({
        kind: 'group',
        file,
        directive: `${line} ${type} interface`,
        value: args.slice(1).join(' '),
        own: true,
      });
    } else if (type === 'ldirectord')
      facts.push({
        kind: 'group',
        file,
        directive: `${line} ldirectord::${args.join('::')}`,
        value: 'on',
        own: true,
      });
  }
  return facts;
}

/** What must be the same on both directors; paths, interfaces, logs and commands are local to each director. */
export const pairFacts = (cluster: ClusterConfig): Fact[] => configFacts(cluster).filter(({own}) => !own);
