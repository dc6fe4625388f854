/** The pair in lvs.cf: directors, heartbeat, connection sync, commands. Pure. */
import type {Vip} from '../model.ts';
import type {Reporter} from '../reader.ts';
import type {ImportContext, ImportedPair, ImportedScript} from './imported.ts';
import {quote, type Keys} from './lvs-cf-values.ts';
import {roleScript} from './role-script.ts';
import {isDevice, type Notes} from './words.ts';

export interface PairTools {
  readonly reporter: Reporter;
  readonly notes: Notes;
  readonly context: ImportContext;
  readonly scripts: ImportedScript[];
}

export function parsePair(
  keys: Keys,
  router: Vip | undefined,
  services: readonly Vip[],
  tools: PairTools,
): ImportedPair {
  const vips = [...(router ? [router] : []), ...services.filter((vip) => vip.address !== router?.address)];
  const {reporter, notes, context} = tools;
  const redundant = keys.flag('backup_active', false);
  const [primary, primaryPrivate, backup, backupPrivate] = [
    'primary', 'primary_private', 'backup', 'backup_private',
  ].map((key) => (keys.entry(key)?.value ? keys.address(key) : undefined)); // prettier-ignore
  const isLocal = (address: string | undefined): boolean =>
    context.addresses.some((entry) => entry.address === address);
  const side = context.as ?? (isLocal(backup) && !isLocal(primary) ? 'backup' : 'primary');
  const nodes = !redundant
    ? [context.node]
    : side === 'primary'
      ? [context.node, context.peer]
      : [context.peer, context.node];
  const namesOf = redundant
    ? `ha.cf: node ${nodes.join(' ')}: this machine is assumed to be the ${side}${context.peerKnown ? '' : '; the peer’s name is not in the file (use --peer NAME)'}`
    : `ha.cf: node ${context.node}: a single director`;
  for (const key of ['primary', 'backup', 'primary_private', 'backup_private']) {
    const entry = keys.entry(key);
    if (!entry) continue;
    if (!redundant && key.startsWith('backup'))
      notes.omitted(entry.span, quote(entry), 'backup_active is 0: there is no second director');
    else if (key.endsWith('private')) notes.exact(entry.span, quote(entry), 'ha.cf: ucast, a second path');
    else notes.approximated(entry.span, quote(entry), namesOf);
  }
  keys.exact('backup_active', redundant ? 'ha.cf: two nodes' : 'ha.cf: one node');
  if (
    redundant &&
    backup === undefined &&
    !reporter.diagnostics.some((diagnostic) => diagnostic.severity === 'error')
  )
    reporter.error(
      'missing-value',
      keys.entry('backup_active')?.span ?? reporter.span(0, 1),
      'backup_active is 1 but there is no backup address',
      'add backup = ADDRESS, or write backup_active = 0',
    );

  // Service addresses are on the public interface, the gateway address is on the private one.
  const guess = services[0]?.device ?? 'eth0';
  const deviceOf = (local: string | undefined, otherwise: string): string =>
    context.addresses.find((address) => address.address === local)?.device ?? otherwise;
  const [localAddress, localPrivate, peerAddress, peerPrivate] =
    side === 'primary'
      ? [primary, primaryPrivate, backup, backupPrivate]
      : [backup, backupPrivate, primary, primaryPrivate];
  const port = keys.number('heartbeat_port', 1, 65_535, 539);
  keys.exact('heartbeat_port', 'ha.cf: udpport');
  const media: ImportedPair['media'][number][] = [];
  const add = (local: string | undefined, peer: string | undefined, otherwise: string): void => {
    if (peer === undefined || media.some((medium) => medium.kind === 'ucast' && medium.peer === peer)) return;
    const device = deviceOf(local, otherwise);
    media.push({kind: 'ucast', device, peer, port});
    const entry = keys.entry(
      peer === peerAddress
        ? side === 'primary'
          ? 'backup'
          : 'primary'
        : side === 'primary'
          ? 'backup_private'
          : 'primary_private',
    );
    if (entry && !isLocal(local))
      notes.approximated(
        entry.span,
        quote(entry),
        `ha.cf: ucast ${device} ${peer}: lvs.cf has no interface name, and no interface of this machine has ${local ?? 'this director’s address'}`,
      );
  };
  if (redundant) {
    add(localAddress, peerAddress, guess);
    add(localPrivate, peerPrivate, router?.device ?? guess);
  } else media.push({kind: 'bcast', device: deviceOf(primary, guess), port});

  const keepalive = keys.number('keepalive', 1, 86_400, 2);
  keys.exact('keepalive', 'ha.cf: keepalive');
  const deadtime = keys.number('deadtime', 1, 86_400, 5);
  const dead = keys.entry('deadtime');
  const legal = deadtime > 2 * keepalive;
  if (dead)
    if (legal) notes.exact(dead.span, quote(dead), 'ha.cf: deadtime');
    else
      notes.approximated(
        dead.span,
        quote(dead),
        `ha.cf: deadtime ${2 * keepalive + 1}: it must be longer than twice keepalive`,
      );
  keys.flag('heartbeat', false);
  keys.exact('heartbeat', 'adverts are always sent if there are two nodes');
  return {
    nodes,
    media,
    keepalive: keepalive * 1_000,
    deadtime: (legal ? deadtime : 2 * keepalive + 1) * 1_000,
    // In Piranha a returning primary does not take over from an active backup.
    autoFailback: false,
    groups: [
      {node: nodes[0] ?? context.node, vips, ...parseSync(keys, tools), scripts: writeCommands(keys, tools)},
    ],
    ...parseRest(keys, vips, tools),
  };
}

function parseSync(keys: Keys, {reporter}: PairTools): {sync?: {device: string; id: number}} {
  const wanted = keys.flag('syncdaemon', false);
  const id = keys.number('syncd_id', 0, 255, 0);
  const device = keys.entry('syncd_iface');
  if (device && !isDevice(device.value))
    reporter.error(
      'bad-value',
      device.valueSpan,
      `"${device.value}" is not an interface`,
      'write syncd_iface = eth0',
    );
  for (const key of ['syncdaemon', 'syncd_iface', 'syncd_id'])
    keys.exact(key, wanted ? 'haresources: LVSSyncDaemonSwap' : 'no connection sync');
  return wanted ? {sync: {device: device?.value ?? 'eth0', id}} : {};
}

/** active_cmd and inactive_cmd as one resource script. */
function writeCommands(keys: Keys, {notes, scripts}: PairTools): string[] {
  const [active, inactive] = [keys.entry('active_cmd'), keys.entry('inactive_cmd')];
  const present = [active, inactive].flatMap((entry) => (entry?.value ? [entry] : []));
  for (const entry of [active, inactive])
    if (entry?.value === '') notes.exact(entry.span, quote(entry), 'no command');
  if (present.length === 0) return [];
  scripts.push({
    name: 'resource.d/role-commands',
    text: roleScript('lvs.cf', active?.value, inactive?.value),
  });
  for (const entry of present)
    notes.approximated(
      entry.span,
      quote(entry),
      'resource.d/role-commands: run after the addresses are added, and before they are removed',
    );
  return ['role-commands'];
}

/** Settings without a counterpart in our files, and monitor_links. */
function parseRest(
  keys: Keys,
  vips: readonly Vip[],
  {notes}: PairTools,
): Pick<ImportedPair, 'trackInterfaces'> {
  for (const [key, word] of [
    ['tcp_timeout', 'tcp'],
    ['tcpfin_timeout', 'tcpfin'],
    ['udp_timeout', 'udp'],
  ] as const) {
    const seconds = keys.number(key, 0, 2 ** 31 - 1, 0);
    if (seconds === 0) keys.exact(key, 'the kernel’s value is kept');
    else {
      const entry = keys.entry(key);
      if (entry)
        notes.omitted(
          entry.span,
          quote(entry),
          `hactl does not set the ${word} timeout: run ipvsadm --set TCP TCPFIN UDP at boot`,
        );
    }
  }
  const links = keys.flag('monitor_links', false);
  const linksEntry = keys.entry('monitor_links');
  if (linksEntry)
    if (links) notes.exact(linksEntry.span, quote(linksEntry), 'ha.cf: hactl_track_interface');
    else notes.exact(linksEntry.span, quote(linksEntry), 'links are not tracked');
  keys.flag('hard_shutdown', true);
  const hard = keys.entry('hard_shutdown');
  if (hard)
    notes.approximated(
      hard.span,
      quote(hard),
      'check processes that die are restarted; the table is kept meanwhile',
    );
  return links ? {trackInterfaces: [...new Set(vips.flatMap(({device}) => device ?? []))]} : {};
}
