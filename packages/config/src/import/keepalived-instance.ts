/** vrrp_instance of keepalived.conf, and the keywords without a counterpart. Pure. */
import type {Vip} from '../model.ts';
import {parseAddresses, type Addresses} from './keepalived-addresses.ts';
import {
  argumentOf,
  blockOf,
  flagOf,
  ignored,
  numberOf,
  quoteStatement,
  readable,
  type Block,
  type Read,
  type Tools,
} from './keepalived-block.ts';
import {parseElection, type Election} from './keepalived-election.ts';
import type {Statement} from './keepalived-lines.ts';
import {convertNotify} from './keepalived-notify.ts';
import type {VrrpTools} from './keepalived-tools.ts';
import {parseTracked, type Tracked} from './keepalived-track.ts';
import {isDevice, newNotes, type Notes} from './words.ts';

export interface Instance extends Election {
  readonly statement: Statement;
  readonly name: string;
  /** VRRP version 3: the skew is a fraction of the advert interval. */
  readonly isThird: boolean;
  readonly device: string;
  readonly peers: readonly string[];
  readonly vips: readonly Vip[];
  readonly id: number;
  readonly secret?: string;
  readonly script?: string;
  readonly tracked: Tracked;
  readonly syncLine?: Statement;
  readonly isMailed: boolean;
  readonly notes: Notes;
}

/** heartbeat's default port and the multicast group of its examples. */
export const PORT = 694;
export const GROUP = '225.0.0.1';

/** Keywords of vrrp_instance and vrrp_sync_group without a counterpart. */
export const unused: Readonly<Record<string, string>> = {
  virtual_routes: 'routes do not move with the addresses: use a script in resource.d',
  virtual_rules: 'rules do not move with the addresses: use a script in resource.d',
  track_file: 'a file’s content is not tracked: write a script for hactl_track_script',
  track_bfd: 'hactl has no BFD support',
  track_group: 'hactl does not manage static addresses',
  use_vmac: 'addresses move by gratuitous ARP, without a virtual MAC',
  'vmac_*': 'addresses move by gratuitous ARP, without a virtual MAC',
  use_ipvlan: 'addresses are assigned to the interface itself',
  version: 'hactl uses its own protocol instead of VRRP',
  'garp_*': 'hactl repeats gratuitous ARP on its own schedule',
  'notify_*': 'hactl has no such event: scripts run when the group starts and when it stops',
  strict_mode: 'hactl uses its own protocol instead of VRRP',
  mcast_src_ip: 'adverts are sent from the interface’s address',
  unicast_src_ip: 'adverts are sent from the interface’s address',
  accept: 'the director always accepts packets to the addresses',
  no_accept: 'the director always accepts packets to the addresses: its own services answer on them',
  native_ipv6: 'the address sets the family',
  global_tracking: 'tracking applies to the whole director',
  sync_group_tracking_weight: 'tracking applies to the whole director',
  debug: 'set the log level in ha.cf: debug',
};

/** Keywords that the user should know about before the switch. */
export const serious: ReadonlySet<string> = new Set([
  'virtual_routes',
  'virtual_rules',
  'track_file',
  'track_bfd',
  'use_vmac',
  'notify_fault',
  'notify_stop',
  'no_accept',
]);

export function parseInstance(statement: Statement, outer: VrrpTools): Instance {
  const notes = newNotes();
  const tools: VrrpTools = {...outer, notes};
  const name = argumentOf(statement);
  const block = blockOf(statement.block ?? [], tools);
  const id = block.last('virtual_router_id');
  if (id)
    notes.omitted(id.span, quoteStatement(id), 'not needed: adverts carry the cluster name and are signed');
  const device = parseDevice(block.last('interface'), statement, tools);
  const native = block.last('native_ipv6');
  if (native) notes.exact(native.span, quoteStatement(native), unused['native_ipv6'] ?? '');
  const addresses = parseAddresses(block, device, tools);
  const {peers, vips} = addresses;
  if (peers.length === 0)
    notes.approximated(
      block.last('interface')?.span ?? statement.span,
      quoteStatement(block.last('interface') ?? statement),
      `ha.cf: mcast ${device} ${GROUP}: adverts use another group and port`,
    );
  const secret = parseAuthentication(block.last('authentication'), tools);
  const isThird = parseVersion(block, addresses, native, tools);
  const election = parseElection(block, isThird, tools);
  const script = convertNotify(block, name, 'INSTANCE', tools, election.priority);
  const tracked = parseTracked(statement, block, tools);
  const loose = block.last('dont_track_primary');
  if (loose)
    notes.exact(loose.span, quoteStatement(loose), 'ha.cf: the interface is not in hactl_track_interface');
  const syncLine = block.last('lvs_sync_daemon_interface');
  const isMailed = parseAlert(block, tools);
  block.finish(unused, 'hactl has no such setting', serious);
  notes.exact(
    statement.span,
    quoteStatement(statement),
    vips.length > 0 ? 'haresources: one line' : 'no addresses: nothing in haresources',
  );
  return {
    statement,
    name,
    ...election,
    isThird,
    device,
    peers,
    vips,
    id: numberOf(id, 1, 255, tools, true) ?? 0,
    ...(secret === undefined ? {} : {secret}),
    ...(script === undefined ? {} : {script}),
    tracked: {
      ...tracked,
      interfaces: [
        ...(loose ? [] : [device]),
        ...addresses.devices,
        ...tracked.interfaces.filter((name) => name !== device),
      ],
    },
    ...(syncLine ? {syncLine} : {}),
    isMailed,
    notes,
  };
}

/**
 * Is it VRRP 3? With IPv6 it is, unless a line above the first address sets 2. The first version line counts; native_ipv6
 * overrides it.
 */
function parseVersion(
  block: Block,
  {family, by}: Addresses,
  native: Statement | undefined,
  tools: VrrpTools,
): boolean {
  const versions = readable(block, ['version'], (line) => numberOf(line, 2, 3, tools), tools);
  for (const {line} of versions)
    tools.notes.omitted(line.span, quoteStatement(line), unused['version'] ?? '');
  const indexOf = (line: Statement | undefined): number => (line ? block.statements.indexOf(line) : Infinity);
  const isLate = ({line, value}: Read<number>): boolean =>
    value === 2 && family === 6 && indexOf(line) > indexOf(by);
  const first = versions.find((version) => !isLate(version));
  if (native && family === 6) return true;
  if (family === 6) return first?.value !== 2 || tools.defaults.isStrict;
  return first ? first.value === 3 : tools.defaults.isThird;
}

/** Does the instance send mail about role changes? If so, its haresources line has MailTo. */
function parseAlert(block: Block, tools: VrrpTools): boolean {
  const {notes, defaults} = tools;
  const line = block.last('smtp_alert');
  const isWanted = line ? flagOf(line, tools) !== false : defaults.isMailed;
  const has = isWanted && defaults.mailTo.length > 0;
  if (line)
    if (has)
      notes.approximated(line.span, quoteStatement(line), 'haresources: MailTo, through the local sendmail');
    else
      notes.omitted(
        line.span,
        quoteStatement(line),
        isWanted ? 'no mail is sent: there is no notification_email' : 'no mail is sent, as here',
      );
  return has;
}

function parseDevice(line: Statement | undefined, statement: Statement, tools: Tools): string {
  const {notes} = tools;
  const device = argumentOf(line);
  if (line && isDevice(device)) {
    notes.exact(line.span, quoteStatement(line), 'ha.cf and haresources: the interface');
    return device;
  }
  if (line)
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `"${device}" is not an interface`,
      'eth0 is written: correct the name in ha.cf and haresources',
      tools,
    );
  notes.changed(
    (line ?? statement).span,
    quoteStatement(line ?? statement),
    'no usable interface name: eth0 is written',
  );
  return 'eth0';
}

function parseAuthentication(line: Statement | undefined, tools: Tools): string | undefined {
  if (!line) return undefined;
  const {notes} = tools;
  const block = blockOf(line.block ?? [], tools);
  const [type, pass] = [block.last('auth_type'), block.last('auth_pass')];
  block.finish({}, 'authkeys has a number, a method and a key');
  const secret = argumentOf(pass);
  // In authkeys a # ends the key, and there are no quotes.
  const usable = /^[^\s#]+$/.test(secret);
  if (type)
    notes.approximated(
      type.span,
      quoteStatement(type),
      'authkeys: every advert is signed with SHA-256; the key itself is never sent',
    );
  if (pass)
    if (usable)
      notes.approximated(
        pass.span,
        'auth_pass …',
        'authkeys: 1 sha256 with this password; keepalived sent it in clear text: change it on both directors',
      );
    else notes.omitted(pass.span, 'auth_pass …', 'not a valid key for authkeys: a generated key is written');
  notes.exact(line.span, quoteStatement(line), 'authkeys');
  return pass && usable ? secret : undefined;
}
