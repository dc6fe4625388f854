/** Piranha's lvs.cf (the behaviour of pulse, lvsd and nanny 0.8.6). Pure. */
import {prefixLength} from '../addresses.ts';
import type {ForwardMethod, Vip} from '../model.ts';
import {Reporter} from '../reader.ts';
import type {
  ImportContext,
  Imported,
  ImportedPair,
  ImportedScript,
  ImportSource,
  Parsed,
} from './imported.ts';
import {splitLvsCf} from './lvs-cf-lines.ts';
import {keysOf, quote, type Keys} from './lvs-cf-values.ts';
import {takeLvsVirtual} from './lvs-cf-virtual.ts';
import {isDevice, notebook, shellWord, type Notebook} from './words.ts';

const globalKeys = [
  'serial_no', 'primary', 'primary_private', 'primary_shared', 'backup', 'backup_private', 'backup_shared',
  'backup_active', 'heartbeat', 'heartbeat_port', 'keepalive', 'deadtime', 'service', 'network', 'nat_router',
  'nat_nmask', 'rsh_command', 'sync', 'debug_level', 'reservation_conflict_action', 'syncdaemon', 'syncd_iface',
  'syncd_id', 'tcp_timeout', 'tcpfin_timeout', 'udp_timeout', 'active_cmd', 'inactive_cmd', 'monitor_links',
  'hard_shutdown', 'ipvsadm',
]; // prettier-ignore

const unused: Readonly<Record<string, string>> = {
  serial_no: 'hactl compares the files themselves',
  rsh_command: 'copy the files to the other director yourself',
  sync: 'copy the files to the other director yourself',
  debug_level: 'the log is chosen in ha.cf: debug',
  reservation_conflict_action: 'it concerns shared disks',
  primary_shared: 'it concerns shared disks',
  backup_shared: 'it concerns shared disks',
  ipvsadm: 'the kernel is asked directly, without ipvsadm',
};

const methods: Readonly<Record<string, ForwardMethod>> = {nat: 'masq', direct: 'gate', tunnel: 'ipip'};

export function parseLvsCf(source: ImportSource, context: ImportContext): Parsed {
  const reporter = new Reporter(source.path, 'lenient');
  const book = notebook();
  const scripts: ImportedScript[] = [];
  const file = splitLvsCf(source.text, reporter);
  const keys = keysOf(file, reporter, book);
  for (const [key, reason] of Object.entries(unused)) {
    const entry = keys.take(key);
    if (entry) book.not(entry.span, quote(entry), reason);
  }
  const service = keys.take('service');
  if (service)
    if (service.value === 'lvs') book.exact(service.span, quote(service), 'virtual services');
    else if (service.value === 'fos')
      reporter.error(
        'refused-directive',
        service.valueSpan,
        'failover services (fos) are not virtual services',
        'import the part with service = lvs, and write the programs as resources of haresources',
      );
    else
      reporter.error(
        'bad-value',
        service.valueSpan,
        `service is lvs or fos, not "${service.value}"`,
        'write service = lvs',
      );
  const network = keys.take('network');
  const method = methods[network?.value ?? 'nat'];
  if (network)
    if (method) book.exact(network.span, quote(network), `ldirectord.cf: ${method} behind every real server`);
    else
      reporter.error(
        'bad-value',
        network.valueSpan,
        `network is nat, direct or tunnel, not "${network.value}"`,
        'write network = direct',
      );

  const taken = file.blocks
    .filter((block) => block.kind === 'virtual')
    .flatMap(
      (block) =>
        takeLvsVirtual(block, {
          method: method ?? 'masq',
          resolve: context.resolve,
          reporter,
          book,
          scripts,
        }) ?? [],
    );
  for (const block of file.blocks.filter((one) => one.kind === 'failover'))
    book.not(
      block.span,
      `failover ${block.name}`,
      'failover services run programs: write them as resources of haresources',
    );
  const vips: Vip[] = [];
  const router = takeRouter(keys, method === 'masq', reporter, book);
  if (router) vips.push(router);
  for (const {vip} of taken) if (vip && !vips.some((other) => other.address === vip.address)) vips.push(vip);
  const pair = takePair(keys, vips, {reporter, book, context, scripts});
  keys.finish(globalKeys);
  for (const {virtual} of taken)
    book.exact(
      virtual.span,
      `virtual ${virtual.comment}`,
      'ldirectord.cf: a virtual service; the name is its comment',
    );
  if (taken.length === 0 && reporter.diagnostics.length === 0)
    book.not(file.span, 'virtual', 'there is no active virtual service: pulse would not start');
  const imported: Imported = {
    kind: 'lvs.cf',
    pair,
    virtuals: taken.map((one) => one.virtual),
    scripts,
    notes: book.notes,
  };
  return {imported, diagnostics: reporter.diagnostics, sources: new Map([[source.path, source]])};
}

/** The gateway address of the servers behind NAT: it moves with the services. */
function takeRouter(keys: Keys, nat: boolean, reporter: Reporter, book: Notebook): Vip | undefined {
  const entry = keys.take('nat_router');
  const mask = keys.take('nat_nmask');
  if (!entry || entry.value === '' || !nat) {
    for (const one of [entry, mask])
      if (one)
        if (one === mask && !entry) book.not(one.span, quote(one), 'there is no nat_router');
        else if (nat) book.exact(one.span, quote(one), 'no gateway address');
        else book.not(one.span, quote(one), 'it is used with network = nat only');
    return undefined;
  }
  const alias = keys.alias('nat_router');
  const length = prefixLength(mask?.value ?? '255.255.255.0', 4);
  if (mask)
    if (length === undefined)
      reporter.error(
        'bad-value',
        mask.valueSpan,
        `"${mask.value}" is not a netmask`,
        'write nat_nmask = 255.255.255.0',
      );
    else book.exact(mask.span, quote(mask), 'haresources: the prefix length of the gateway address');
  if (!alias) return undefined;
  book.exact(entry.span, quote(entry), 'haresources: an address of the group');
  return {family: 4, prefixLength: length ?? 24, ...alias};
}

interface Tools {
  readonly reporter: Reporter;
  readonly book: Notebook;
  readonly context: ImportContext;
  readonly scripts: ImportedScript[];
}

function takePair(keys: Keys, vips: readonly Vip[], tools: Tools): ImportedPair {
  const {reporter, book, context} = tools;
  const redundant = keys.flag('backup_active', false);
  const [primary, primaryPrivate, backup, backupPrivate] = [
    'primary', 'primary_private', 'backup', 'backup_private',
  ].map((key) => (keys.take(key)?.value ? keys.address(key) : undefined)); // prettier-ignore
  const isLocal = (address: string | undefined): boolean =>
    context.addresses.some((one) => one.address === address);
  const side = context.as ?? (isLocal(backup) && !isLocal(primary) ? 'backup' : 'primary');
  const nodes = !redundant
    ? [context.node]
    : side === 'primary'
      ? [context.node, context.peer]
      : [context.peer, context.node];
  const namesOf = redundant
    ? `ha.cf: node ${nodes.join(' ')}: this machine is taken for the ${side}${context.peerKnown ? '' : '; the other’s name is not in the file (--peer NAME)'}`
    : `ha.cf: node ${context.node}: one director alone`;
  for (const key of ['primary', 'backup', 'primary_private', 'backup_private']) {
    const entry = keys.take(key);
    if (!entry) continue;
    if (!redundant && key.startsWith('backup'))
      book.not(entry.span, quote(entry), 'backup_active is 0: there is no other director');
    else if (key.endsWith('private')) book.exact(entry.span, quote(entry), 'ha.cf: ucast, a second path');
    else book.approximated(entry.span, quote(entry), namesOf);
  }
  keys.exact('backup_active', redundant ? 'ha.cf: two nodes' : 'ha.cf: one node');
  if (redundant && backup === undefined && !reporter.diagnostics.some((one) => one.severity === 'error'))
    reporter.error(
      'missing-value',
      keys.take('backup_active')?.span ?? reporter.span(0, 1),
      'backup_active is 1, and there is no backup address',
      'add backup = ADDRESS, or write backup_active = 0',
    );

  const guess = vips[0]?.device ?? 'eth0';
  const deviceOf = (own: string | undefined, otherwise: string): string =>
    context.addresses.find((one) => one.address === own)?.device ?? otherwise;
  const [own, ownPrivate, other, otherPrivate] =
    side === 'primary'
      ? [primary, primaryPrivate, backup, backupPrivate]
      : [backup, backupPrivate, primary, primaryPrivate];
  const port = keys.number('heartbeat_port', 1, 65_535, 539);
  keys.exact('heartbeat_port', 'ha.cf: udpport');
  const media: ImportedPair['media'][number][] = [];
  const add = (local: string | undefined, peer: string | undefined, otherwise: string): void => {
    if (peer === undefined || media.some((one) => one.kind === 'ucast' && one.peer === peer)) return;
    const device = deviceOf(local, otherwise);
    media.push({kind: 'ucast', device, peer, port});
    const entry = keys.take(
      peer === other
        ? side === 'primary'
          ? 'backup'
          : 'primary'
        : side === 'primary'
          ? 'backup_private'
          : 'primary_private',
    );
    if (entry && !isLocal(local))
      book.approximated(
        entry.span,
        quote(entry),
        `ha.cf: ucast ${device} ${peer}: lvs.cf does not name the interface, and no interface here has ${local ?? 'this director’s address'}`,
      );
  };
  if (redundant) {
    add(own, other, guess);
    add(ownPrivate, otherPrivate, vips.find((vip) => vip.device !== guess)?.device ?? guess);
  } else media.push({kind: 'bcast', device: deviceOf(primary, guess), port});

  const keepalive = keys.number('keepalive', 1, 86_400, 2);
  keys.exact('keepalive', 'ha.cf: keepalive');
  const deadtime = keys.number('deadtime', 1, 86_400, 5);
  const dead = keys.take('deadtime');
  const legal = deadtime > 2 * keepalive;
  if (dead)
    if (legal) book.exact(dead.span, quote(dead), 'ha.cf: deadtime');
    else
      book.approximated(
        dead.span,
        quote(dead),
        `ha.cf: deadtime ${2 * keepalive + 1}: it must be longer than twice keepalive`,
      );
  keys.flag('heartbeat', false);
  keys.exact('heartbeat', 'adverts are sent whenever there are two nodes');
  return {
    nodes,
    media,
    keepalive: keepalive * 1_000,
    deadtime: (legal ? deadtime : 2 * keepalive + 1) * 1_000,
    // A primary that comes back does not take the services from an active backup.
    autoFailback: false,
    groups: [
      {node: nodes[0] ?? context.node, vips, ...takeSync(keys, tools), scripts: takeCommands(keys, tools)},
    ],
    ...takeRest(keys, tools),
  };
}

function takeSync(keys: Keys, {reporter}: Tools): {sync?: {device: string; id: number}} {
  const wanted = keys.flag('syncdaemon', false);
  const id = keys.number('syncd_id', 0, 255, 0);
  const device = keys.take('syncd_iface');
  if (device && !isDevice(device.value))
    reporter.error(
      'bad-value',
      device.valueSpan,
      `"${device.value}" is not an interface`,
      'write syncd_iface = eth0',
    );
  for (const key of ['syncdaemon', 'syncd_iface', 'syncd_id'])
    keys.exact(key, wanted ? 'haresources: LVSSyncDaemonSwap' : 'no synchronisation of connections');
  return wanted ? {sync: {device: device?.value ?? 'eth0', id}} : {};
}

/** active_cmd and inactive_cmd as one resource script. */
function takeCommands(keys: Keys, {book, scripts}: Tools): string[] {
  const [active, inactive] = [keys.take('active_cmd'), keys.take('inactive_cmd')];
  const present = [active, inactive].flatMap((entry) => (entry?.value ? [entry] : []));
  for (const entry of [active, inactive])
    if (entry?.value === '') book.exact(entry.span, quote(entry), 'no command');
  if (present.length === 0) return [];
  scripts.push({
    name: 'resource.d/role-commands',
    text: roleScript('lvs.cf', active?.value, inactive?.value),
  });
  for (const entry of present)
    book.approximated(
      entry.span,
      quote(entry),
      'resource.d/role-commands: run after the addresses are up, and before they go',
    );
  return ['role-commands'];
}

/** A resource of heartbeat's kind around two commands. What is running is remembered in a file. */
export function roleScript(origin: string, start: string | undefined, stop: string | undefined): string {
  const state = '/run/hactl-$(basename "$0")';
  return [
    '#!/bin/sh',
    `# Written by hactl import from ${origin}.`,
    `state="${state}"`,
    'case "$1" in',
    `start) ${start ?? ':'}`,
    '  status=$?; [ $status -eq 0 ] && : > "$state"; exit $status ;;',
    `stop) ${stop ?? ':'}`,
    '  status=$?; rm -f "$state"; exit $status ;;',
    'status) if [ -e "$state" ]; then echo running; else echo stopped; fi ;;',
    `*) echo ${shellWord('usage: start|stop|status')} >&2; exit 2 ;;`,
    'esac',
    '',
  ].join('\n');
}

/** Settings without an effect on the files. */
function takeRest(keys: Keys, {book}: Tools): Record<never, never> {
  for (const [key, word] of [
    ['tcp_timeout', 'tcp'],
    ['tcpfin_timeout', 'tcpfin'],
    ['udp_timeout', 'udp'],
  ] as const) {
    const seconds = keys.number(key, 0, 2 ** 31 - 1, 0);
    if (seconds === 0) keys.exact(key, 'the kernel’s own value stays');
    else {
      const entry = keys.take(key);
      if (entry)
        book.not(
          entry.span,
          quote(entry),
          `hactl does not set the ${word} timeout: ipvsadm --set TCP TCPFIN UDP at boot time`,
        );
    }
  }
  const links = keys.flag('monitor_links', false);
  const linksEntry = keys.take('monitor_links');
  if (linksEntry)
    if (links)
      book.not(linksEntry.span, quote(linksEntry), 'a director does not give up for a lost link of its own');
    else book.exact(linksEntry.span, quote(linksEntry), 'links are not watched');
  keys.flag('hard_shutdown', true);
  const hard = keys.take('hard_shutdown');
  if (hard)
    book.approximated(hard.span, quote(hard), 'checks that die are started again; the table stays meanwhile');
  return {};
}
