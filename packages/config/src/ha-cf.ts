/** ha.cf → the model. Pure. */
import {ipv4, ipv6, portNumber} from './addresses.ts';
import {nearest, type Diagnostic} from './diagnostic.ts';
import type {HaConfig, Medium, Mode, Span} from './model.ts';
import {linesOf, Reporter} from './reader.ts';
import {parseBoolean, parseTime} from './units.ts';

interface Word {
  readonly text: string;
  readonly span: Span;
}

/** Accepted, and of no use here: said why. */
const explained: Readonly<Record<string, string>> = {
  use_logd: 'hactl logs by itself',
  conn_logd_time: 'hactl logs by itself',
  syslogmsgfmt: 'hactl logs by itself',
  apiauth: 'the control socket is for root and its group',
  compression: 'adverts are small and not compressed',
  compression_threshold: 'adverts are small and not compressed',
  traditional_compression: 'adverts are small and not compressed',
  msgfmt: 'adverts have a format of their own (docs/protocol.md)',
  hbgenmethod: 'the incarnation is kept in the state directory',
  uuidfrom: 'nodes are known by their names',
  coredumps: 'use the service manager for core dumps',
  coreroot: 'use the service manager for core dumps',
  memreserve: 'memory is locked as it is used',
  max_rexmit_delay: 'every advert is complete: nothing is sent again',
  log_badpack: 'refused datagrams are counted in hactl status',
  env: 'not passed on',
  hopfudge: 'adverts do not leave the segment',
};

const refusedWords: Readonly<Record<string, string>> = {
  serial:
    'serial heartbeats are not supported: use a second network path (bcast, mcast or ucast on another interface)',
  baud: 'serial heartbeats are not supported: remove the line',
  hbaping: 'fibre-channel ping nodes are not supported: use ping or ping_group',
};

const times = ['keepalive', 'deadtime', 'warntime', 'initdead', 'deadping'] as const;
const ownTimes = {
  hactl_lease: 'vipLease',
  hactl_preempt_delay: 'preemptDelay',
  hactl_holddown: 'holddown',
  hactl_sync_deadline: 'syncDeadline',
} as const;

const known = [
  ...times, ...Object.keys(ownTimes), ...Object.keys(explained), ...Object.keys(refusedWords), 'udpport', 'bcast',
  'udp', 'mcast', 'mcast6', 'ucast', 'ucast6', 'node', 'ping', 'ping_group', 'auto_failback', 'nice_failback',
  'logfile', 'debugfile', 'logfacility', 'debug', 'respawn', 'failfast', 'watchdog', 'stonith', 'stonith_host', 'crm',
  'pacemaker', 'autojoin', 'cluster', 'realtime', 'rtprio', 'hactl_fence', 'hactl_drill', 'hactl_standby_checks',
  'hactl_sync', 'hactl_sync_port', 'hactl_ipvs',
]; // prettier-ignore

const DEFAULT_PORT = 694;
const DEFAULT_SYNC_PORT = 8_849;
const KERNEL_SYNC_PORT = 8_848;
const syncModes: readonly HaConfig['hactl']['sync'][] = ['multicast', 'relay', 'relay-encrypted'];

/** Parses one file. */
export function parseHaCf(
  source: {readonly path: string; readonly text: string},
  options: {readonly mode: Mode},
): {model: HaConfig; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode);
  const time: Partial<Record<(typeof times)[number], number>> = {};
  const timeSpans: Partial<Record<(typeof times)[number], Span>> = {};
  const own = {
    vipLease: 3_000,
    preemptDelay: 0,
    holddown: 0,
    standbyChecks: true,
    sync: 'multicast' as HaConfig['hactl']['sync'],
    syncPort: DEFAULT_SYNC_PORT,
    syncDeadline: 30_000,
  };
  const ipvs: Record<string, string> = {};
  const text: {
    logFile?: string;
    debugFile?: string;
    logFacility?: string;
    watchdog?: string;
    fence?: string;
    drillSchedule?: string;
  } = {};
  const media: Medium[] = [];
  const nodes: {span: Span; name: string}[] = [];
  const pings: string[] = [];
  const pingGroups: {name: string; members: string[]}[] = [];
  const respawns: {span: Span; user: string; command: string[]; failfast: boolean}[] = [];
  const stonith: {span: Span; from: string; words: string[]}[] = [];
  const apiauth: {client: string; words: string[]}[] = [];
  let [port, cluster, debug, realtime, rtPriority, ipfail]: [
    number,
    string,
    number,
    boolean,
    number,
    boolean,
  ] = [DEFAULT_PORT, 'linux-ha', 0, true, 50, false];
  let autoFailback: HaConfig['autoFailback'] | undefined;
  let hopfudge = 1;

  for (const line of linesOf(source.text)) {
    const content = line.text.split('#')[0] ?? '';
    const words: Word[] = [...content.matchAll(/\S+/g)].map((match) => ({
      text: match[0],
      span: reporter.span(line.start + match.index, line.start + match.index + match[0].length),
    }));
    const [head, ...rest] = words;
    if (!head) continue;
    const name = head.text;
    const whole = reporter.span(head.span.start, (words.at(-1) ?? head).span.end);
    const [first] = rest;
    const value = first?.text ?? '';
    const remainder = rest.map((word) => word.text).join(' ');
    const wrong = (message: string, help: string, at: Span = first?.span ?? whole): void =>
      reporter.error('bad-value', at, message, help);
    const wants = (form: string, count = 1): boolean => {
      if (rest.length >= count) return true;
      reporter.error('missing-value', whole, `${name} needs more words`, `the form is: ${name} ${form}`);
      return false;
    };
    const takeTime = (): number | undefined => {
      if (!wants('TIME')) return undefined;
      const taken = parseTime(value);
      if (taken === undefined)
        wrong(`"${value}" is not a time`, 'a number of seconds, or with a unit: 2, 2s, 200ms');
      return taken;
    };
    const takeBoolean = (): boolean | undefined => {
      if (!wants('on|off')) return undefined;
      const taken = parseBoolean(value);
      if (taken === undefined) wrong(`"${value}" is neither on nor off`, `write ${name} on or ${name} off`);
      return taken;
    };

    if ((times as readonly string[]).includes(name)) {
      const key = name as (typeof times)[number];
      const taken = takeTime();
      if (taken !== undefined && taken <= 0)
        wrong(`${name} must be longer than 0`, 'write a time such as 2 or 200ms');
      else if (taken !== undefined) {
        time[key] = taken;
        timeSpans[key] = first?.span ?? whole;
      }
      continue;
    }
    if (name in ownTimes) {
      const taken = takeTime();
      if (taken === undefined) continue;
      if (name === 'hactl_lease' && taken % 1_000 !== 0)
        wrong(
          'a lease is a whole number of seconds',
          'the kernel counts leases in seconds: hactl_lease 3, or 0 for none',
        );
      else own[ownTimes[name as keyof typeof ownTimes]] = taken;
      continue;
    }
    if (name in refusedWords) {
      reporter.error('refused-directive', head.span, `${name} is not supported`, refusedWords[name] ?? '');
      continue;
    }
    if (name in explained) {
      if (name === 'apiauth' && first)
        apiauth.push({client: value, words: rest.slice(1).map((word) => word.text)});
      if (name === 'hopfudge') hopfudge = Number(value) || hopfudge;
      reporter.add('notice', 'ignored-directive', head.span, `${name} has no effect`, explained[name]);
      continue;
    }
    switch (name) {
      case 'udpport': {
        const number = portNumber(value);
        if (!wants('PORT')) break;
        if (number === undefined || number === 0)
          wrong(`"${value}" is not a port`, 'a number from 1 to 65535');
        else {
          if (media.some((one) => one.kind !== 'mcast'))
            reporter.add(
              'warning',
              'late-udpport',
              whole,
              'udpport setting must precede media statements',
              'it holds for the bcast and ucast lines below it only: move it up',
            );
          port = number;
        }
        break;
      }
      case 'udp':
      case 'bcast':
        if (wants('DEVICE…'))
          for (const word of rest) media.push({kind: 'bcast', span: whole, device: word.text, port});
        break;
      case 'ucast':
      case 'ucast6': {
        if (!wants('DEVICE PEER-ADDRESS', 2)) break;
        const peer = ipv4(rest[1]?.text ?? '') ?? ipv6(rest[1]?.text ?? '');
        if (peer === undefined)
          reporter.error(
            'bad-address',
            rest[1]?.span ?? whole,
            `"${rest[1]?.text}" is not an address`,
            `${name} DEVICE PEER-ADDRESS`,
          );
        else media.push({kind: 'ucast', span: whole, device: value, peer, port});
        break;
      }
      case 'mcast':
      case 'mcast6':
        if (wants('DEVICE GROUP PORT TTL LOOP', 5)) takeMcast(rest, whole, media, reporter);
        break;
      case 'node':
        if (wants('NAME…'))
          for (const word of rest) nodes.push({span: word.span, name: word.text.toLowerCase()});
        break;
      case 'ping':
        if (wants('ADDRESS…'))
          for (const word of rest) {
            const address = ipv4(word.text) ?? ipv6(word.text);
            if (address === undefined)
              reporter.error('bad-address', word.span, `"${word.text}" is not an address`, 'ping ADDRESS…');
            else pings.push(address);
          }
        break;
      case 'ping_group':
        if (wants('NAME ADDRESS…', 2))
          pingGroups.push({name: value, members: rest.slice(1).map((word) => word.text)});
        break;
      case 'auto_failback':
      case 'nice_failback':
        if (value === 'legacy' && name === 'auto_failback') autoFailback = 'legacy';
        else {
          const taken = takeBoolean();
          if (taken === undefined) break;
          if (name === 'nice_failback')
            reporter.add(
              'warning',
              'deprecated',
              head.span,
              'nice_failback is the old, opposite name',
              `write auto_failback ${taken ? 'off' : 'on'}`,
            );
          autoFailback = (name === 'auto_failback') === taken ? 'on' : 'off';
        }
        break;
      case 'logfile':
        if (wants('PATH')) text.logFile = value;
        break;
      case 'debugfile':
        if (wants('PATH')) text.debugFile = value;
        break;
      case 'logfacility':
        if (wants('FACILITY|none') && value !== 'none') text.logFacility = value;
        break;
      case 'debug':
        debug = Number(value) || 0;
        break;
      case 'respawn':
      case 'failfast': {
        if (!wants('USER /PATH ARGUMENTS…', 2)) break;
        const [user, ...command] = rest.map((word) => word.text);
        if ((command[0] ?? '').endsWith('/ipfail')) {
          ipfail = true;
          reporter.add(
            'notice',
            'builtin-ipfail',
            rest[1]?.span ?? whole,
            'ipfail is built in',
            'the path is not used and need not exist',
          );
        } else if (!(command[0] ?? '').startsWith('/'))
          wrong(
            'the program of a respawn line is an absolute path',
            `${name} USER /PATH ARGUMENTS…`,
            rest[1]?.span,
          );
        else respawns.push({span: whole, user: user ?? '', command, failfast: name === 'failfast'});
        break;
      }
      case 'watchdog':
        text.watchdog = value;
        break;
      case 'stonith':
        stonith.push({span: whole, from: '*', words: rest.map((word) => word.text)});
        break;
      case 'stonith_host':
        if (wants('FROM TYPE PARAMETERS…', 2))
          stonith.push({span: whole, from: value, words: rest.slice(1).map((word) => word.text)});
        break;
      case 'crm':
      case 'pacemaker':
        if (parseBoolean(value) !== false)
          reporter.error(
            'refused-directive',
            whole,
            `${name} ${value}: a cluster resource manager is not supported`,
            `write ${name} off, or remove the line: haresources decides`,
          );
        break;
      case 'autojoin':
        if (value !== 'none')
          reporter.error(
            'refused-directive',
            whole,
            `autojoin ${value} conflicts with haresources`,
            'write autojoin none',
          );
        break;
      case 'cluster':
        if (wants('NAME')) cluster = value;
        break;
      case 'realtime':
        realtime = takeBoolean() ?? realtime;
        break;
      case 'rtprio': {
        const number = Number(value);
        if (Number.isInteger(number) && number >= 1 && number <= 99) rtPriority = number;
        else wrong(`"${value}" is not a real-time priority`, 'a number from 1 to 99');
        break;
      }
      case 'hactl_fence':
        if (wants('/PATH ARGUMENTS…')) text.fence = remainder;
        break;
      case 'hactl_drill':
        if (wants('MINUTE HOUR DAY MONTH WEEKDAY', 5)) text.drillSchedule = remainder;
        break;
      case 'hactl_standby_checks':
        own.standbyChecks = takeBoolean() ?? own.standbyChecks;
        break;
      case 'hactl_sync': {
        const mode = syncModes.find((one) => one === value);
        if (mode) own.sync = mode;
        else wrong(`"${value}" is no way to sync`, `one of ${syncModes.join(', ')}`);
        break;
      }
      case 'hactl_sync_port': {
        const port = Number(value);
        if (Number.isInteger(port) && port >= 1 && port <= 65_535 && port !== KERNEL_SYNC_PORT)
          own.syncPort = port;
        else
          wrong(`"${value}" is no port for it`, 'a number from 1 to 65535, not 8848 (the kernel has that)');
        break;
      }
      case 'hactl_ipvs':
        if (!wants('NAME VALUE', 2)) break;
        if (/^[a-z_]+$/.test(value))
          ipvs[value] = rest
            .slice(1)
            .map((word) => word.text)
            .join(' ');
        else wrong(`"${value}" is no setting of IPVS`, 'a file of /proc/sys/net/ipv4/vs, as sync_threshold');
        break;
      default: {
        const near = nearest(name, known);
        if (
          near !== undefined &&
          near === name.toLowerCase() &&
          reporter.repair(
            'misspelled',
            head.span,
            `directive names are written in lower case: ${name}`,
            near,
            [{span: head.span, replacement: near}],
          )
        )
          reporter.add(
            'notice',
            'ignored-directive',
            whole,
            'this line is not used until the name is mended',
            'hactl check-config --fix mends it',
          );
        else
          reporter.error(
            'unknown-directive',
            head.span,
            `unknown directive ${name}`,
            near === undefined ? 'docs/configuration.md lists every directive' : `did you mean ${near}?`,
          );
      }
    }
  }

  const keepalive = time.keepalive ?? 1_000;
  const deadtime = time.deadtime ?? 30_000;
  const warntime = time.warntime ?? deadtime / 2;
  const initdead = time.initdead ?? (deadtime > 10_000 ? deadtime : deadtime < 6_000 ? 12_000 : 2 * deadtime);
  const order = (key: (typeof times)[number], message: string, help: string): void => {
    const span = timeSpans[key] ?? timeSpans.deadtime ?? timeSpans.keepalive;
    if (span) reporter.error('interval-order', span, message, help);
  };
  if (deadtime <= 2 * keepalive)
    order(
      'deadtime',
      `deadtime (${deadtime} ms) must be longer than twice keepalive (${keepalive} ms)`,
      'one lost advert must not count as a death',
    );
  if (warntime > deadtime)
    order(
      'warntime',
      `warntime (${warntime} ms) must be shorter than deadtime (${deadtime} ms)`,
      'the warning would come after the peer is already declared dead',
    );
  if (initdead < deadtime)
    order(
      'initdead',
      `initdead (${initdead} ms) must not be shorter than deadtime (${deadtime} ms)`,
      'a node that boots must not be declared dead sooner than a running one',
    );
  const start = reporter.span(0, Math.max(1, source.text.indexOf('\n')));
  if (media.length === 0)
    reporter.error(
      'no-media',
      start,
      'no heartbeat media: nothing says where adverts go',
      'add bcast DEVICE, mcast DEVICE GROUP PORT TTL LOOP, or ucast DEVICE ADDRESS',
    );
  if (nodes.length === 0)
    reporter.error(
      'no-nodes',
      start,
      'no node line',
      'add node NAME for each director, as uname -n prints it',
    );
  if (autoFailback === undefined && nodes.length > 1)
    reporter.add(
      'warning',
      'deprecated',
      start,
      'auto_failback is not set: heartbeat then means legacy',
      'write auto_failback on or auto_failback off',
    );

  return {
    model: {
      path: source.path,
      keepalive,
      deadtime,
      warntime,
      initdead,
      deadping: time.deadping ?? deadtime,
      media,
      nodes,
      autoFailback: autoFailback ?? 'legacy',
      pings,
      pingGroups,
      ipfail,
      respawns,
      cluster,
      hopfudge,
      ...(text.logFile === undefined ? {} : {logFile: text.logFile}),
      ...(text.debugFile === undefined ? {} : {debugFile: text.debugFile}),
      ...(text.logFacility === undefined ? {} : {logFacility: text.logFacility}),
      debug,
      realtime,
      rtPriority,
      ...(text.watchdog === undefined ? {} : {watchdog: text.watchdog}),
      stonith,
      apiauth,
      hactl: {
        ...own,
        ipvs,
        ...(text.fence === undefined ? {} : {fence: text.fence}),
        ...(text.drillSchedule === undefined ? {} : {drillSchedule: text.drillSchedule}),
      },
    },
    diagnostics: reporter.diagnostics,
  };
}

function takeMcast(rest: readonly Word[], whole: Span, media: Medium[], reporter: Reporter): void {
  const [device, group, port, ttl, loop] = rest;
  const address = ipv4(group?.text ?? '') ?? ipv6(group?.text ?? '');
  const multicast =
    address !== undefined &&
    (address.includes(':') ? /^ff/i.test(address) : /^2(2[4-9]|3\d)\./.test(address));
  const number = portNumber(port?.text ?? '');
  const hops = Number(ttl?.text);
  const bad = (word: Word | undefined, message: string, help: string): void =>
    reporter.error('bad-value', word?.span ?? whole, message, help);
  if (!multicast)
    return bad(
      group,
      `"${group?.text}" is not a multicast group`,
      'IPv4 groups are 224.0.0.0 to 239.255.255.255, IPv6 groups start with ff',
    );
  if (number === undefined || number === 0)
    return bad(port, `"${port?.text}" is not a port`, 'a number from 1 to 65535');
  if (!Number.isInteger(hops) || hops < 0 || hops > 255)
    return bad(ttl, `"${ttl?.text}" is not a time to live`, 'a number from 0 to 255; 1 stays on the segment');
  if (loop?.text !== '0' && loop?.text !== '1')
    return bad(loop, `"${loop?.text}" is not a loop flag`, '0 or 1; 0 unless you know better');
  media.push({
    kind: 'mcast',
    span: whole,
    device: device?.text ?? '',
    group: address,
    port: number,
    ttl: hops,
    loop: loop.text === '1',
  });
}
