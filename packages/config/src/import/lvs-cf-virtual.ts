/** A `virtual` block of lvs.cf with its servers and its check. Pure. */
import {ipv4, portNumber, prefixLength} from '../addresses.ts';
import type {Vip, VirtualAddress} from '../model.ts';
import type {ImportedReal, ImportedVirtual} from './imported.ts';
import {parseCheck, type ServiceKey, type VirtualContext} from './lvs-cf-check.ts';
import {keysOf, quote, type Keys} from './lvs-cf-values.ts';
import type {LvsBlock} from './lvs-cf-lines.ts';

const virtualKeys = [
  'active', 'address', 'vip_nmask', 'port', 'protocol', 'fwmark', 'scheduler', 'persistent', 'pmask', 'sorry_server',
  'client_monitor', 'timeout', 'reentry', 'send_program', 'send', 'expect', 'use_regex', 'load_monitor',
  'quiesce_server', 'start_cmd', 'stop_cmd', 'master', 'dirs',
]; // prettier-ignore
const serverKeys = ['address', 'active', 'weight', 'port', 'logfile', 'start_cmd', 'stop_cmd'];
const schedulers = ['wlc', 'lc', 'rr', 'wrr', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq'];

export interface ParsedVirtual {
  readonly virtual: ImportedVirtual;
  readonly vip?: Vip;
}

const portOf = (keys: Keys, protocol: string, otherwise: number, context: VirtualContext): number => {
  const entry = keys.entry('port');
  if (!entry) return otherwise;
  const port =
    portNumber(entry.value) ??
    (/^\d+$/.test(entry.value) ? undefined : context.resolve.service(entry.value, protocol));
  if (port === undefined)
    context.reporter.error(
      'bad-port',
      entry.valueSpan,
      `"${entry.value}" is not a port`,
      'a number from 1 to 65535, or a name from /etc/services',
    );
  return port ?? otherwise;
};

export function parseLvsVirtual(block: LvsBlock, context: VirtualContext): ParsedVirtual | undefined {
  const {reporter, notes, method} = context;
  const keys = keysOf(block, reporter, notes);
  if (!keys.flag('active', false)) {
    const active = keys.entry('active');
    notes.omitted(
      active?.span ?? block.span,
      `virtual ${block.name}`,
      active ? 'not active: Piranha does not serve it' : 'without active = 1 Piranha does not serve it',
    );
    return undefined;
  }
  keys.exact('active', 'the service is written');
  const protocolEntry = keys.exact('protocol', 'ldirectord.cf: protocol');
  const protocol = protocolEntry?.value === 'udp' ? 'udp' : 'tcp';
  if (protocolEntry && protocolEntry.value !== 'udp' && protocolEntry.value !== 'tcp')
    reporter.error(
      'bad-value',
      protocolEntry.valueSpan,
      `protocol is tcp or udp, not "${protocolEntry.value}"`,
      'write protocol = tcp',
    );
  const port = portOf(keys, protocol, 80, context);
  keys.exact('port', 'ldirectord.cf: the port of virtual=');
  const alias = keys.alias('address');
  if (!block.entries.some((entry) => entry.key === 'address'))
    reporter.error(
      'missing-value',
      block.span,
      `virtual ${block.name} has no address`,
      'add address = 192.0.2.1 eth0:1',
    );
  const fwmark = keys.number('fwmark', 0, 2 ** 31 - 1, 0);
  const vip = alias && parseVip(keys, alias, context);
  const scheduler = keys.entry('scheduler');
  if (scheduler)
    if (schedulers.includes(scheduler.value))
      notes.exact(scheduler.span, quote(scheduler), 'ldirectord.cf: scheduler');
    else
      reporter.error(
        'bad-value',
        scheduler.valueSpan,
        `unknown scheduler "${scheduler.value}"`,
        schedulers.join(', '),
      );
  const persistent = keys.number('persistent', 0, 2 ** 31 - 1, 0);
  keys.exact('persistent', persistent === 0 ? 'not persistent' : 'ldirectord.cf: persistent');
  const mask = parseMask(keys, context);
  const quiescent = keys.flag('quiesce_server', false);
  keys.exact('quiesce_server', 'ldirectord.cf: quiescent');
  const sorry = keys.address('sorry_server');
  keys.exact('sorry_server', 'ldirectord.cf: fallback');
  const check = parseCheck(block, keys, {port, protocol, fwmark}, context);
  for (const [key, reason] of [
    ['start_cmd', 'used by failover services only'],
    ['stop_cmd', 'used by failover services only'],
    ['master', 'an old key that Piranha no longer uses'],
    ['dirs', 'an old key that Piranha no longer uses'],
  ] as const) {
    const entry = keys.entry(key);
    if (entry) notes.omitted(entry.span, quote(entry), reason);
  }
  keys.finish(virtualKeys);
  const reals = block.blocks.flatMap(
    (server) => parseServer(server, {port, protocol, fwmark}, context) ?? [],
  );
  if (!alias) return undefined;
  const address: VirtualAddress =
    fwmark > 0
      ? {kind: 'fwmark', family: 4, mark: fwmark}
      : {kind: 'address', family: 4, address: alias.address, port, protocol};
  keys.exact('fwmark', fwmark > 0 ? 'ldirectord.cf: virtual= with the mark' : 'no mark');
  return {
    virtual: {
      span: block.span,
      comment: block.name,
      address,
      reals,
      ...(sorry === undefined ? {} : {fallback: {address: sorry, port: 0, method}}),
      check,
      scheduler: scheduler && schedulers.includes(scheduler.value) ? scheduler.value : 'wlc',
      ...(persistent > 0 ? {persistent} : {}),
      ...(mask === undefined ? {} : {netmask: mask}),
      ops: false,
      quiescent,
    },
    ...(vip ? {vip} : {}),
  };
}

function parseVip(keys: Keys, alias: NonNullable<ReturnType<Keys['alias']>>, context: VirtualContext): Vip {
  const {notes, reporter} = context;
  const mask = keys.entry('vip_nmask');
  const length = mask ? prefixLength(mask.value, 4) : undefined;
  if (mask && length === undefined)
    reporter.error(
      'bad-value',
      mask.valueSpan,
      `"${mask.value}" is not a netmask`,
      'write vip_nmask = 255.255.255.0',
    );
  if (mask) notes.exact(mask.span, quote(mask), 'haresources: the prefix length of the address');
  keys.exact('address', 'haresources: an address of the group');
  return {
    family: 4,
    address: alias.address,
    // Piranha's default mask is 255.255.255.255.
    prefixLength: length ?? 32,
    ...(alias.device === undefined ? {} : {device: alias.device}),
    ...(alias.label === undefined ? {} : {label: alias.label}),
  };
}

function parseMask(keys: Keys, {reporter, notes}: VirtualContext): string | undefined {
  const entry = keys.entry('pmask');
  if (!entry) return undefined;
  if (ipv4(entry.value) === undefined || prefixLength(entry.value, 4) === undefined) {
    reporter.error(
      'bad-value',
      entry.valueSpan,
      `"${entry.value}" is not a netmask`,
      'write pmask = 255.255.255.0',
    );
    return undefined;
  }
  const isPerClient = entry.value === '255.255.255.255';
  notes.exact(
    entry.span,
    quote(entry),
    isPerClient ? 'each client is persistent by itself, as without pmask' : 'ldirectord.cf: netmask',
  );
  return isPerClient ? undefined : entry.value;
}

function parseServer(
  block: LvsBlock,
  service: ServiceKey,
  context: VirtualContext,
): ImportedReal | undefined {
  const {reporter, notes, method} = context;
  const keys = keysOf(block, reporter, notes);
  const active = keys.flag('active', false);
  if (!active) {
    const entry = keys.entry('active');
    notes.omitted(entry?.span ?? block.span, `server ${block.name}`, 'not active: Piranha does not use it');
    return undefined;
  }
  keys.exact('active', 'the server is written');
  const address = keys.address('address');
  keys.exact('address', 'ldirectord.cf: real');
  if (!block.entries.some((entry) => entry.key === 'address'))
    reporter.error(
      'missing-value',
      block.span,
      `server ${block.name} has no address`,
      'add address = 192.0.2.2',
    );
  const weight = keys.number('weight', 0, 65_535, 1);
  keys.exact('weight', 'ldirectord.cf: the weight of real=');
  const hasPort = block.entries.some((entry) => entry.key === 'port');
  const port = portOf(keys, service.protocol, 0, context);
  const portEntry = keys.entry('port');
  if (portEntry)
    if (method === 'masq') notes.exact(portEntry.span, quote(portEntry), 'ldirectord.cf: the port of real=');
    else
      notes.approximated(
        portEntry.span,
        quote(portEntry),
        'a server port other than the service’s needs NAT; the check still uses it',
      );
  const logfile = keys.entry('logfile');
  if (logfile) notes.omitted(logfile.span, quote(logfile), 'all checks are logged to one log');
  for (const key of ['start_cmd', 'stop_cmd']) {
    const entry = keys.entry(key);
    if (entry) notes.omitted(entry.span, quote(entry), 'used by failover services only');
  }
  keys.finish(serverKeys);
  notes.exact(block.span, `server ${block.name}`, 'ldirectord.cf: real; its name is only in this report');
  if (address === undefined) return undefined;
  return {address, port: hasPort ? port : 0, method, weight, lowerThreshold: 0, upperThreshold: 0};
}
