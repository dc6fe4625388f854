/** vrrp_instance of keepalived.conf, as far as a pair of directors knows what it says. Pure. */
import {ipv4, ipv6, prefixLength} from '../addresses.ts';
import type {Vip} from '../model.ts';
import type {ImportContext, ImportedScript} from './imported.ts';
import {
  argumentOf,
  blockOf,
  flagOf,
  nameOf,
  numberOf,
  quoteStatement,
  timeOf,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {takeNotify} from './keepalived-notify.ts';
import {isDevice} from './words.ts';

export interface VrrpTools extends Tools {
  readonly context: ImportContext;
  readonly scripts: ImportedScript[];
}

export interface Instance {
  readonly statement: Statement;
  readonly name: string;
  readonly isOurs: boolean;
  readonly isHeld: boolean;
  readonly advert: number;
  readonly down: number;
  readonly delay?: number;
  readonly device: string;
  readonly peers: readonly string[];
  readonly vips: readonly Vip[];
  readonly id: number;
  readonly secret?: string;
  readonly script?: string;
}

/** heartbeat's own port and the multicast group of its examples. */
export const PORT = 694;
export const GROUP = '225.0.0.1';
/** Of Master_Down_Interval: three adverts missed, and a skew. */
const MISSED = 3;

/** Words of vrrp_instance and vrrp_sync_group that have no counterpart. */
export const unused: Readonly<Record<string, string>> = {
  virtual_routes: 'routes do not move with the addresses: use a script in resource.d',
  virtual_rules: 'rules do not move with the addresses: use a script in resource.d',
  track_script: 'a director does not give up for a script’s verdict',
  track_interface: 'a director does not give up for a lost link of its own',
  track_file: 'a director does not give up for a file’s content',
  track_process: 'a director does not give up for a missing process',
  track_bfd: 'there is no BFD',
  track_group: 'static addresses are not managed',
  dont_track_primary: 'links are not tracked',
  use_vmac: 'addresses move with gratuitous ARP; there is no virtual MAC',
  'vmac_*': 'addresses move with gratuitous ARP; there is no virtual MAC',
  use_ipvlan: 'addresses are on the interface itself',
  version: 'the pair speaks a protocol of its own',
  'garp_*': 'announcements are repeated in a rhythm of hactl’s own',
  'notify_*': 'there is no such moment: a script is run when the group comes and when it goes',
  smtp_alert: 'transitions are not mailed yet: use MailTo in haresources',
  strict_mode: 'the pair speaks a protocol of its own',
  mcast_src_ip: 'adverts leave with the interface’s address',
  unicast_src_ip: 'adverts leave with the interface’s address',
  accept: 'addresses are ordinary addresses and accept packets',
  native_ipv6: 'the family is that of the address',
  lvs_sync_daemon_interface: 'write lvs_sync_daemon in global_defs',
  global_tracking: 'nothing is tracked',
  sync_group_tracking_weight: 'nothing is tracked',
  debug: 'the log is chosen in ha.cf: debug',
};

export function takeInstance(statement: Statement, tools: VrrpTools): Instance {
  const {book, reporter, context} = tools;
  const name = argumentOf(statement);
  if (name === '')
    reporter.error(
      'missing-value',
      statement.span,
      'a vrrp_instance needs a name',
      'write vrrp_instance NAME {',
    );
  const block = blockOf(statement.block ?? [], tools);
  const [state, priority, interfaceLine, id] = ['state', 'priority', 'interface', 'virtual_router_id'].map(
    (key) => block.last(key),
  );
  const level = numberOf(priority, 1, 255, tools) ?? 100;
  const nopreempt = block.last('nopreempt');
  const stateWord = argumentOf(state).toUpperCase();
  if (state && stateWord !== 'MASTER' && stateWord !== 'BACKUP')
    reporter.error(
      'bad-value',
      state.words[1]?.span ?? state.span,
      `state is MASTER or BACKUP, not "${argumentOf(state)}"`,
      'write state MASTER',
    );
  const isOurs =
    stateWord === 'MASTER' || ((stateWord !== 'BACKUP' || nopreempt !== undefined) && level > 100);
  const preferred = isOurs ? context.node : context.peer;
  const other = context.peerKnown ? '' : `; the other director’s name is not in the file (--peer NAME)`;
  if (state)
    book.exact(state.span, quoteStatement(state), `haresources: the group prefers ${preferred}${other}`);
  if (priority)
    book.approximated(
      priority.span,
      quoteStatement(priority),
      `haresources: the group prefers ${preferred}; there are no numbers`,
    );
  if (id)
    book.not(id.span, quoteStatement(id), 'adverts name the cluster and are signed: there is no router id');
  const device = takeDevice(interfaceLine, statement, tools);
  const hold = nopreempt && flagOf(nopreempt, tools) !== false;
  if (nopreempt) book.exact(nopreempt.span, quoteStatement(nopreempt), 'ha.cf: auto_failback off');
  const delayLine = block.last('preempt_delay');
  const delay = timeOf(delayLine, tools);
  if (delayLine) book.exact(delayLine.span, quoteStatement(delayLine), 'ha.cf: hactl_preempt_delay');
  const advertLine = block.last('advert_int');
  const advert = Math.max(1, timeOf(advertLine, tools) ?? 1_000);
  const missedLine = block.last('down_timer_adverts');
  const missed = numberOf(missedLine, 1, 100, tools) ?? MISSED;
  if (missedLine) book.exact(missedLine.span, quoteStatement(missedLine), 'ha.cf: deadtime');
  const isThird = argumentOf(block.statements.find((one) => nameOf(one) === 'version')) === '3';
  const skew = ((256 - level) / 256) * (isThird ? advert : 1_000);
  // The engine wants more than two missed adverts.
  const down = Math.max(Math.ceil(missed * advert + skew), 2 * advert + 1);
  if (advertLine)
    book.exact(
      advertLine.span,
      quoteStatement(advertLine),
      `ha.cf: keepalive; deadtime ${down} ms is VRRP’s master down interval for this priority`,
    );
  const peerLine = block.last('unicast_peer');
  const peers = takePeers(peerLine, tools);
  if (!peerLine)
    book.approximated(
      interfaceLine?.span ?? statement.span,
      quoteStatement(interfaceLine ?? statement),
      `ha.cf: mcast ${device} ${GROUP}: adverts have a group and a port of their own`,
    );
  const secret = takeAuthentication(block.last('authentication'), tools);
  const lines = block.all('virtual_ipaddress', 'virtual_ipaddress_excluded');
  for (const line of lines) book.exact(line.span, quoteStatement(line), 'haresources: IPaddr2 and IPv6addr');
  const vips = lines.flatMap((line) =>
    (line.block ?? []).flatMap((one) => takeVip(one, device, tools) ?? []),
  );
  const script = takeNotify(block, name, 'INSTANCE', tools, level);
  block.finish(unused, 'hactl has no such setting');
  book.exact(
    statement.span,
    quoteStatement(statement),
    vips.length > 0 ? 'haresources: one line' : 'no addresses: nothing in haresources',
  );
  return {
    statement,
    name,
    isOurs,
    isHeld: hold === true,
    advert,
    down,
    ...(delay === undefined ? {} : {delay}),
    device,
    peers,
    vips,
    id: numberOf(id, 1, 255, tools) ?? 0,
    ...(secret === undefined ? {} : {secret}),
    ...(script === undefined ? {} : {script}),
  };
}

function takeDevice(line: Statement | undefined, statement: Statement, {book, reporter}: Tools): string {
  const device = argumentOf(line);
  if (line && isDevice(device)) {
    book.exact(line.span, quoteStatement(line), 'ha.cf and haresources: the interface');
    return device;
  }
  if (line)
    reporter.error(
      'bad-value',
      line.words[1]?.span ?? line.span,
      `"${device}" is not an interface`,
      'write interface eth0',
    );
  else book.approximated(statement.span, quoteStatement(statement), 'it names no interface: eth0 is written');
  return 'eth0';
}

function takePeers(line: Statement | undefined, {book, reporter}: Tools): string[] {
  if (!line) return [];
  const peers: string[] = [];
  for (const one of line.block ?? []) {
    const [word] = one.words;
    const address = ipv4(word?.text ?? '') ?? ipv6(word?.text ?? '');
    if (address === undefined)
      reporter.error(
        'bad-address',
        word?.span ?? one.span,
        `"${word?.text ?? ''}" is not an address`,
        'unicast_peer { ADDRESS }',
      );
    else if (peers.length > 0)
      book.not(one.span, quoteStatement(one), 'a pair has two directors: the first peer is the other one');
    else {
      book.exact(one.span, quoteStatement(one), 'ha.cf: ucast');
      peers.push(address);
    }
  }
  book.exact(line.span, quoteStatement(line), 'ha.cf: ucast');
  return peers;
}

function takeAuthentication(line: Statement | undefined, tools: Tools): string | undefined {
  if (!line) return undefined;
  const {book} = tools;
  const block = blockOf(line.block ?? [], tools);
  const [type, pass] = [block.last('auth_type'), block.last('auth_pass')];
  block.finish({}, 'authkeys has a number, a method and a key');
  const secret = argumentOf(pass);
  // authkeys ends a key at # and knows no quotes.
  const usable = /^[^\s#]+$/.test(secret);
  if (type)
    book.approximated(
      type.span,
      quoteStatement(type),
      'authkeys: every advert is signed with SHA-256; the key itself is never sent',
    );
  if (pass)
    if (usable)
      book.approximated(
        pass.span,
        'auth_pass …',
        'authkeys: 1 sha256 with this password; keepalived sent it over the network in clear: change it on both directors',
      );
    else book.not(pass.span, 'auth_pass …', 'authkeys cannot hold such a key: a generated one is written');
  book.exact(line.span, quoteStatement(line), 'authkeys');
  return pass && usable ? secret : undefined;
}

function takeVip(line: Statement, device: string, {book, reporter}: Tools): Vip | undefined {
  const [first, ...rest] = line.words;
  const [host = '', mask] = (first?.text ?? '').split('/');
  const address = ipv4(host) ?? ipv6(host);
  if (address === undefined) {
    reporter.error(
      'bad-address',
      first?.span ?? line.span,
      `"${host}" is not an address`,
      'virtual_ipaddress { ADDRESS/LENGTH dev INTERFACE }',
    );
    return undefined;
  }
  const family = address.includes(':') ? 6 : 4;
  const length = mask === undefined ? (family === 4 ? 32 : 128) : prefixLength(mask, family);
  if (length === undefined) {
    reporter.error(
      'bad-value',
      first?.span ?? line.span,
      `"${mask}" is not a prefix length`,
      `a number from 1 to ${family === 4 ? 32 : 128}`,
    );
    return undefined;
  }
  const words = rest.map((word) => word.text);
  const behind = (...names: string[]): string | undefined => {
    const at = words.findIndex((word) => names.includes(word));
    return at === -1 ? undefined : words[at + 1];
  };
  const [own, label, broadcast] = [behind('dev'), behind('label'), behind('brd', 'broadcast')];
  if (own !== undefined && !isDevice(own)) {
    reporter.error('bad-value', line.span, `"${own}" is not an interface`, 'ADDRESS/LENGTH dev eth0');
    return undefined;
  }
  const name = own ?? device;
  const usableLabel = label !== undefined && label.startsWith(`${name}:`) && /^[\w.@-]+:[\w.-]+$/.test(label);
  const lost = words.filter(
    (word, at) =>
      !['dev', 'label', 'brd', 'broadcast'].includes(word) &&
      !['dev', 'label', 'brd', 'broadcast'].includes(words[at - 1] ?? ''),
  );
  if (label !== undefined && !usableLabel) lost.push(`label ${label}`);
  if (broadcast !== undefined && ipv4(broadcast) === undefined) lost.push(`brd ${broadcast}`);
  if (lost.length > 0)
    book.approximated(
      line.span,
      quoteStatement(line),
      `haresources: an address of the group, without "${lost.join(' ')}"`,
    );
  else book.exact(line.span, quoteStatement(line), 'haresources: an address of the group');
  return {
    family,
    address,
    prefixLength: length,
    device: name,
    ...(usableLabel ? {label} : {}),
    ...(broadcast !== undefined && ipv4(broadcast) !== undefined ? {broadcast} : {}),
  };
}
