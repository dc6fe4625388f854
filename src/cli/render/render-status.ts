/** `hactl status` as text. Pure: the same snapshot always gives the same lines. */
import {syncReportLines} from './render-sync.ts';
import type {PathStatus} from '@hactl/failover';
import type {OrderView, StatusSnapshot, VirtualStatus} from '../../control/protocol.ts';
import {clip, duration, table} from './table.ts';
import {shown} from './shown.ts';
import {dateTime} from './when.ts';

/** How a word is highlighted: the caller chooses colours or nothing (NO_COLOR, a pipe). */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  strong(text: string): string;
  /** What is less important. */
  faint(text: string): string;
  /** What belongs to the other director. */
  other(text: string): string;
}

/** No colour at all. */
export const plain: Paint = {
  good: (t) => t,
  bad: (t) => t,
  warn: (t) => t,
  strong: (t) => t,
  faint: (t) => t,
  other: (t) => t,
};

/** A status older than this is no longer valid. */
const STALE_ENGINE = 3_000;

const indent = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`));

/** The snapshot as a screen of text, at most `width` columns. */
export function renderStatus(snapshot: StatusSnapshot, width: number, paint: Paint = plain): string {
  const status = shown(snapshot);
  const lines: string[] = [];
  const section = (title: string, body: readonly string[]): void => {
    if (body.length > 0)
      lines.push('', paint.strong(title), ...indent(body.map((line) => clip(line, width - 2))));
  };

  lines.push(
    paint.strong(`${status.node}`) +
      `: up ${duration(status.uptime)}, hactl ${status.daemonVersion}, configuration ${status.configDir}`,
  );
  const problems = [...status.problems];
  if (status.configProblem) problems.push(status.configProblem);
  for (const problem of problems) lines.push(paint.bad('! ') + clip(problem, width - 2));

  const {engine} = status;
  if (engine) {
    if ((status.engineAge ?? 0) > STALE_ENGINE)
      lines.push(
        paint.bad('! ') + `the failover engine was last heard ${duration(status.engineAge ?? 0)} ago`,
      );
    section('Groups', groupLines(status, paint));
    section('Peers and paths', peerLines(status, paint));
  }
  section(
    'Virtual services',
    status.virtuals.flatMap((virtual) => virtualLines(virtual)),
  );
  section('Orders for real servers', orderLines(status.orders ?? []));
  if (!status.ipvs.available && status.ipvs.problem)
    section('IPVS', [`not available: ${status.ipvs.problem}`]);
  section('Connection sync', syncLines(status));
  section(
    'Processes',
    table(
      status.processes.map((process) => [
        process.name,
        process.state,
        process.pid === undefined ? '-' : `pid ${process.pid}`,
        [
          ...(process.restarts === 0
            ? []
            : [`restarted ${process.restarts} times, last: ${process.lastExit ?? ''}`]),
          ...(process.spare === undefined ? [] : [`spare ${process.spare}`]),
        ].join('; '),
      ]),
    ),
  );
  section(
    'Last transitions',
    status.transitions
      .slice(-5)
      .toReversed()
      .flatMap((transition) => {
        return [
          `${dateTime(transition.wall)}  ${transition.from} -> ${transition.to}  ${transition.group}`,
          `  ${transition.reason}`,
        ];
      }),
  );
  return lines.join('\n') + '\n';
}

function groupLines(status: StatusSnapshot, paint: Paint): string[] {
  const {engine} = status;
  if (!engine) return [];
  const lines: string[] = [];
  for (const group of engine.groups) {
    const role = group.role === 'Active' ? paint.good(group.role) : group.role;
    const elsewhere = engine.peers.map((peer) => {
      const remote = peer.groups.find((candidate) => candidate.vrid === group.vrid);
      const text = remote && peer.state !== 'unknown' ? remote.role : 'role unknown';
      return `${peer.name} ${peer.state === 'dead' ? `dead (was ${text})` : text}`;
    });
    lines.push(`${group.name}: ${role} here${elsewhere.length > 0 ? `; ${elsewhere.join(', ')}` : ''}`);
    for (const vip of group.vips) {
      const lease = vip.leaseLeft === undefined ? '' : `, lease ${duration(vip.leaseLeft)}`;
      lines.push(`  ${vip.address} dev ${vip.device}: ${vip.held ? `held here${lease}` : 'not here'}`);
    }
  }
  const lease =
    engine.vipLease > 0
      ? `leased for ${duration(engine.vipLease)}, renewed every ${duration(engine.vipRenewal)}`
      : 'not leased';
  lines.push(`addresses ${lease}; ready: ${status.ready.ready ? 'yes' : 'no'} (${status.ready.reason})`);
  return lines;
}

/** A path that is deaf because of its filter must not look like an unplugged cable. */
const droppedText = ({hears, dropped}: PathStatus): string =>
  hears || dropped === 0
    ? ''
    : `${dropped} datagrams dropped: of another cluster, by way of a router, or not adverts at all`;

function peerLines(status: StatusSnapshot, paint: Paint): string[] {
  const {engine} = status;
  if (!engine) return [];
  const ago = (value: number | undefined): string =>
    value === undefined ? 'never' : `${duration(value)} ago`;
  const lines = engine.peers.map((peer) => {
    const digest =
      peer.configDigest && peer.configDigest !== '' && !status.configDigest.startsWith(peer.configDigest)
        ? '; ITS CONFIGURATION DIFFERS'
        : '';
    return `${peer.name}: ${peer.state}, heard ${ago(peer.lastHeardAgo)}${peer.ready === false ? ', not ready' : ''}${digest}`;
  });
  lines.push(
    ...table(
      engine.paths.map((path) => [
        path.name,
        path.hears ? 'hears' : 'deaf',
        path.heard ? 'is heard' : 'is not heard',
        `last ${ago(path.lastHeardAgo)}`,
        path.error ?? droppedText(path),
      ]),
    ),
  );
  for (const ping of engine.pings)
    lines.push(`ping ${ping.name}: ${ping.answers ? 'answers' : paint.bad('does not answer')}`);
  const faults = Object.entries(engine.counters).filter(
    ([code, count]) => count > 0 && code.startsWith('fault-'),
  );
  if (faults.length > 0)
    lines.push(`refused datagrams: ${faults.map(([code, count]) => `${code.slice(6)} ${count}`).join(', ')}`);
  const {p50, p99, max} = engine.lateness;
  lines.push(
    `engine ${engine.realtime}; its timers are late by ${p50.toFixed(1)} ms (p50), ${p99.toFixed(1)} (p99), ${max.toFixed(1)} at most`,
  );
  return lines;
}

/** Checks are begun in slots of 50 ms; a machine that is merely busy adds as much. */
const LATE = 200;

const lateText = ({checkLateness: late}: VirtualStatus): string =>
  late === undefined || late.p99 < LATE ? '' : ` (checks are late: p99 ${Math.round(late.p99)} ms)`;

function virtualLines(virtual: VirtualStatus): string[] {
  const persistent = virtual.persistent === undefined ? '' : ` persistent ${virtual.persistent}`;
  const missing = virtual.inKernel ? '' : ' (NOT in the kernel)';
  const rows = virtual.reals.map((real) => [
    `  -> ${real.name}`,
    real.method,
    real.weight === undefined ? 'out' : String(real.weight),
    String(real.activeConnections),
    String(real.inactiveConnections),
    real.check,
    `${real.checkedAgo === undefined ? '' : `${duration(real.checkedAgo)} ago: `}${real.reason}${real.quarantined ? ' (in quarantine)' : ''}`,
  ]);
  return [
    `${virtual.name} ${virtual.scheduler}${persistent}${missing}${lateText(virtual)}`,
    ...table(
      [['  -> real', 'method', 'weight', 'active', 'inact', 'check', 'last check'], ...rows],
      [2, 3, 4],
    ),
  ];
}

/** Operators' overrides with who, when and why; also the output of `hactl maintenance list`. */
export const orderLines = (orders: readonly OrderView[]): string[] =>
  shown(orders).map((order) => {
    const kind = {
      drain: 'drained',
      weight: `weight ${order.weight ?? 0}`,
      maintenance: 'in maintenance',
      'maintenance-file': 'in maintenance by a file in maintenancedir',
    }[order.kind];
    const who = order.who === undefined ? '' : ` by ${order.who}`;
    const when = order.when === undefined ? '' : `, ${dateTime(order.when).slice(0, 16)} UTC`;
    const why = order.reason === undefined ? '' : `: ${order.reason}`;
    const none = order.reals.length === 0 ? ' (no such real server is configured now)' : '';
    return `${order.target} ${kind}${who}${when}${why}${none}`;
  });

function syncLines(status: StatusSnapshot): string[] {
  const lines = status.sync.daemons.map(
    (daemon) => `${daemon.role} on ${daemon.interface}, syncid ${daemon.syncid}`,
  );
  if (status.sync.report) lines.push(...syncReportLines(status.sync.report));
  if (status.sync.problem) lines.push(status.sync.problem);
  return lines;
}
