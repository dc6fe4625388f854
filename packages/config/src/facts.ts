/**
 * A configuration as a list of directives with their values in one spelling, however the files were written: what two
 * directors compare, and what a reload shows. Pure.
 */
import {createHash} from 'node:crypto';
import type {Millis} from '@hactl/base';
import {hideArguments, hideRequest} from './redact.ts';
import type {
  ClusterConfig,
  FallbackServer,
  HaConfig,
  LdirectordConfig,
  Medium,
  RealServer,
  ResourceGroup,
  VerdictSettings,
  VirtualService,
} from './model.ts';

/** What a directive is about: a reload treats them differently, and people look for them in different places. */
export type FactKind = 'setting' | 'interval' | 'group' | 'address' | 'key' | 'service' | 'real' | 'check';

export interface Fact {
  readonly kind: FactKind;
  /** The file it stands in, as read. */
  readonly file: string;
  /** Names it among all facts: `keepalive`, `group 1 IPaddr2 10.0.0.1`, `tcp 10.0.0.1:80 scheduler`. */
  readonly directive: string;
  readonly value: string;
  /** The virtual service that it belongs to. */
  readonly of?: string;
  /** Each director has its own: the two are not compared. */
  readonly own?: true;
  /** The value is a hash, and not to be shown. */
  readonly secret?: true;
  /** What people may see of a secret value: the host of a URL, the first word of a command. */
  readonly shown?: string;
}

export const timeText = (time: Millis): string => (time % 1_000 === 0 ? `${time / 1_000}s` : `${time}ms`);
const onOff = (value: boolean): string => (value ? 'on' : 'off');
const endpoint = (family: 4 | 6, address: string, port: number): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;

/** A virtual service as people name it: `tcp 10.0.0.1:80`, `udp [2001:db8::1]:53`, `fwm 7`. */
export function virtualName({address}: Pick<VirtualService, 'address'>): string {
  if (address.kind === 'fwmark') return address.family === 6 ? `fwm6 ${address.mark}` : `fwm ${address.mark}`;
  return `${address.protocol} ${endpoint(address.family, address.address, address.port)}`;
}

/** Not what it is, only whether it is the same. */
const hashed = (...words: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(words)).digest('hex');

/** Something that may hold a password: compared by its hash, shown without it. */
const guarded = (text: string, shown: string): Pick<Fact, 'value' | 'secret' | 'shown'> =>
  text === shown ? {value: text} : {value: hashed(text), secret: true, shown};

/** A command without its arguments; they often are passwords. */
const commandShown = (command: string): string => {
  const [program = '', ...args] = command.trim().split(/\s+/);
  return args.length === 0 ? program : `${program} …`;
};

/** A URL without user, path and query. */
function urlShown(url: string): string {
  const [, scheme = '', authority = '', path = ''] = /^(\w+):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  const host = authority.split('@').at(-1) ?? '';
  return scheme === '' ? '…' : `${scheme}://${host}${path === '' || path === '/' ? '' : '/…'}`;
}

/** A page without what stands behind its question mark, and without the user of a URL. */
const requestShown = (request: string): string => hideRequest(request, '…');

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
  ];
}

/** Both directors have to agree on these at any moment, or one declares the other dead. */
const intervals = new Set(['keepalive', 'deadtime', 'warntime', 'initdead', 'deadping']);

function haFacts(ha: HaConfig): Fact[] {
  const {hactl} = ha;
  const pair: Readonly<Record<string, string>> = {
    node: ha.nodes.map(({name}) => name).join(' '),
    cluster: ha.cluster,
    keepalive: timeText(ha.keepalive),
    // Before what is computed from it where nothing is written.
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

/** `group 1` is the first line: its place is its number in the adverts, so the order of the lines counts. */
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
    // The files of ldirectord and the interfaces are each director's own: only what is there, and in which order.
    {kind: 'group', file, directive: `${line} resources`, ...guarded(resources, hideArguments(resources))},
  ];
  for (const {type, vip, args} of group.resources) {
    if (vip) {
      // IPaddr or IPaddr2, the address stays the same one: what it is called is in `resources`.
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

function fileFacts(file: LdirectordConfig, number: number): Fact[] {
  const settings: Readonly<Record<string, string | undefined>> = {
    autoreload: onOff(file.autoReload),
    callback: file.callback,
    logfile: file.logFile,
    execute: file.execute.join(' ') || undefined,
    maintenancedir: file.maintenanceDir,
  };
  const {path} = file;
  return [
    {
      kind: 'setting',
      file: path,
      directive: `file ${number} readdquiescent`,
      value: onOff(file.readdQuiescent),
    },
    ...Object.entries(settings).flatMap(([name, value]): Fact[] =>
      value === undefined
        ? []
        : [
            {
              kind: 'setting',
              file: path,
              directive: `file ${number} ${name}`,
              ...guarded(value, name === 'callback' ? commandShown(value) : value),
              own: true,
            },
          ],
    ),
    ...file.virtuals.flatMap((virtual) => virtualFacts(path, virtual)),
  ];
}

/** Directives whose names in the model are other words than in the file. */
const spelled: Readonly<Record<string, string>> = {email: 'emailalert', schedFlags: 'schedflags', ops: 'ops'};
const secrets = new Set(['passwd', 'secret']);
/** What the kernel's table holds of a service; all else of it is of the checks. */
const inKernel = new Set(['scheduler', 'schedFlags', 'persistent', 'netmask', 'ops', 'quiescent']);
const elsewhere = new Set(['span', 'address', 'reals', 'fallback', 'checkType']);

function virtualFacts(file: string, virtual: VirtualService): Fact[] {
  const name = virtualName(virtual);
  const {checkType, fallback} = virtual;
  const base = {file, of: name};
  const facts: Fact[] = [
    {...base, kind: 'service', directive: `virtual ${name}`, value: 'on'},
    {
      ...base,
      kind: 'check',
      directive: `${name} checktype`,
      value: checkType.kind === 'combined' ? String(checkType.connects) : checkType.kind,
    },
  ];
  for (const [key, value] of Object.entries(virtual) as [string, unknown][]) {
    if (elsewhere.has(key) || value === undefined) continue;
    const directive = `${name} ${spelled[key] ?? key.toLowerCase()}`;
    if (secrets.has(key))
      facts.push({...base, kind: 'check', directive, value: hashed(directive, textOf(value)), secret: true});
    else
      facts.push({
        ...base,
        kind: inKernel.has(key) ? 'service' : 'check',
        directive,
        ...(/(timeout|interval)$/i.test(key)
          ? {value: timeText(Number(value))}
          : guarded(textOf(value), shownOf(key, value))),
      });
  }
  const ownPort = virtual.address.kind === 'address' ? virtual.address.port : 0;
  const seen = new Map<string, number>();
  for (const real of virtual.reals) {
    const server = `${name} real ${endpoint(real.address.includes(':') ? 6 : 4, real.address, real.port || ownPort)}`;
    const before = seen.get(server) ?? 0;
    seen.set(server, before + 1);
    facts.push({
      ...base,
      kind: 'real',
      directive: before === 0 ? server : `${server} again ${before}`,
      ...guarded(realText(real), realText(realShown(real))),
    });
  }
  if (fallback)
    facts.push({...base, kind: 'real', directive: `${name} fallback`, value: fallbackText(fallback)});
  return facts;
}

const textOf = (value: unknown): string =>
  typeof value === 'boolean' ? onOff(value) : typeof value === 'string' ? value : JSON.stringify(value);

/** What people may see of a service's setting. */
function shownOf(key: string, value: unknown): string {
  const text = textOf(value);
  if (key === 'request' || key === 'load') return requestShown(text);
  if (key === 'fallbackCommand' || key === 'checkCommand') return commandShown(text);
  if (key === 'sendProgram') return commandShown((value as {command: string}).command);
  // What is sent to log in.
  if (key === 'sendExpect' && /\b(?:auth|pass|login)\b/i.test(text)) return '…';
  return text;
}

/** The same without queries, arguments and log-ins. */
function realShown({check, ...real}: RealServer): RealServer {
  const shown = check && {
    ...check,
    ...(check.request === undefined ? {} : {request: requestShown(check.request)}),
    ...(check.checkCommand === undefined ? {} : {checkCommand: commandShown(check.checkCommand)}),
    ...(check.sendExpect === undefined ? {} : {sendExpect: {send: '…', regex: check.sendExpect.regex}}),
  };
  return {
    ...real,
    ...(real.request === undefined ? {} : {request: requestShown(real.request)}),
    ...(shown === undefined ? {} : {check: shown}),
  };
}

const realText = (real: RealServer): string =>
  [
    real.method,
    `weight ${real.weight}`,
    ...(real.lowerThreshold > 0 ? [`l:${real.lowerThreshold}`] : []),
    ...(real.upperThreshold > 0 ? [`u:${real.upperThreshold}`] : []),
    ...(real.request === undefined ? [] : [`request ${JSON.stringify(real.request)}`]),
    ...(real.receive === undefined ? [] : [`receive ${JSON.stringify(real.receive)}`]),
    ...(real.check === undefined ? [] : [`check ${JSON.stringify(real.check)}`]),
  ].join(' ');

const fallbackText = ({address, port, method, weight}: FallbackServer): string =>
  `${endpoint(address.includes(':') ? 6 : 4, address, port)} ${method} weight ${weight}`;

/** What must be the same on both directors; paths, interfaces, logs and commands are each director's own. */
export const pairFacts = (cluster: ClusterConfig): Fact[] => configFacts(cluster).filter(({own}) => !own);
