/** Piranha's lvs.cf, as read by pulse, lvsd and nanny 0.8.6. Pure. */
import {prefixLength} from '../addresses.ts';
import type {ForwardMethod, Vip} from '../model.ts';
import {Reporter} from '../reader.ts';
import type {
  ImportContext,
  Imported,
  ImportedScript,
  ImportedVirtual,
  ImportSource,
  Parsed,
} from './imported.ts';
import {parsePair} from './lvs-cf-pair.ts';
import {splitLvsCf} from './lvs-cf-lines.ts';
import {keysOf, quote, type Keys} from './lvs-cf-values.ts';
import {parseLvsVirtual} from './lvs-cf-virtual.ts';
import {newNotes, type Notes} from './words.ts';

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
  debug_level: 'set the log level in ha.cf: debug',
  reservation_conflict_action: 'for shared disks only',
  primary_shared: 'for shared disks only',
  backup_shared: 'for shared disks only',
  ipvsadm: 'hactl programs the kernel directly, without ipvsadm',
};

const methods: Readonly<Record<string, ForwardMethod>> = {nat: 'masq', direct: 'gate', tunnel: 'ipip'};

export function parseLvsCf(source: ImportSource, context: ImportContext): Parsed {
  const reporter = new Reporter(source.path, 'lenient');
  const notes = newNotes();
  const scripts: ImportedScript[] = [];
  const file = splitLvsCf(source.text, reporter);
  const keys = keysOf(file, reporter, notes);
  for (const [key, reason] of Object.entries(unused)) {
    const entry = keys.entry(key);
    if (entry) notes.omitted(entry.span, quote(entry), reason);
  }
  const service = keys.entry('service');
  if (service)
    if (service.value === 'lvs') notes.exact(service.span, quote(service), 'virtual services');
    else if (service.value === 'fos')
      reporter.error(
        'refused-directive',
        service.valueSpan,
        'failover services (fos) are not virtual services',
        'import the part with service = lvs, and add the programs to haresources as resources',
      );
    else
      reporter.error(
        'bad-value',
        service.valueSpan,
        `service is lvs or fos, not "${service.value}"`,
        'write service = lvs',
      );
  const network = keys.entry('network');
  const method = methods[network?.value ?? 'nat'];
  if (network)
    if (method) notes.exact(network.span, quote(network), `ldirectord.cf: ${method} for every real server`);
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
        parseLvsVirtual(block, {
          method: method ?? 'masq',
          resolve: context.resolve,
          reporter,
          notes,
          scripts,
        }) ?? [],
    );
  for (const block of file.blocks.filter((block) => block.kind === 'failover'))
    notes.omitted(
      block.span,
      `failover ${block.name}`,
      'failover services run programs: add them to haresources as resources',
    );
  const vips: Vip[] = [];
  const router = parseRouter(keys, method === 'masq', reporter, notes);
  for (const {vip} of taken) if (vip && !vips.some((known) => known.address === vip.address)) vips.push(vip);
  const pair = parsePair(keys, router, vips, {reporter, notes, context, scripts});
  keys.finish(globalKeys);
  for (const {virtual} of taken)
    notes.exact(
      virtual.span,
      `virtual ${virtual.comment}`,
      'ldirectord.cf: a virtual service with the name as comment',
    );
  if (taken.length === 0 && reporter.diagnostics.length === 0)
    notes.omitted(file.span, 'virtual', 'there is no active virtual service: pulse would not start');
  const imported: Imported = {
    kind: 'lvs.cf',
    pair,
    virtuals: mergeSame(
      taken.map((service) => service.virtual),
      notes,
    ),
    scripts,
    notes: notes.list,
  };
  return {imported, diagnostics: reporter.diagnostics, sources: new Map([[source.path, source]])};
}

/**
 * lvs.cf describes several ports under one firewall mark as several virtual blocks; in the kernel they are one service, to
 * which lvsd adds the servers of all blocks.
 */
function mergeSame(virtuals: readonly ImportedVirtual[], notes: Notes): ImportedVirtual[] {
  const merged = new Map<string, ImportedVirtual>();
  for (const virtual of virtuals) {
    const key = JSON.stringify(virtual.address);
    const first = merged.get(key);
    if (!first) {
      merged.set(key, virtual);
      continue;
    }
    notes.approximated(
      virtual.span,
      `virtual ${virtual.comment}`,
      `ldirectord.cf: merged with virtual ${first.comment}, whose settings and check apply to both`,
    );
    const more = virtual.reals.filter(
      (real) =>
        !first.reals.some((candidate) => candidate.address === real.address && candidate.port === real.port),
    );
    merged.set(key, {...first, reals: [...first.reals, ...more]});
  }
  return [...merged.values()];
}

/** The servers' gateway address with NAT: it moves with the services. */
function parseRouter(keys: Keys, nat: boolean, reporter: Reporter, notes: Notes): Vip | undefined {
  const entry = keys.entry('nat_router');
  const mask = keys.entry('nat_nmask');
  if (!entry || entry.value === '' || !nat) {
    for (const statement of [entry, mask])
      if (statement)
        if (statement === mask && !entry)
          notes.omitted(statement.span, quote(statement), 'there is no nat_router');
        else if (nat) notes.exact(statement.span, quote(statement), 'no gateway address');
        else notes.omitted(statement.span, quote(statement), 'used with network = nat only');
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
    else notes.exact(mask.span, quote(mask), 'haresources: the prefix length of the gateway address');
  if (!alias) return undefined;
  notes.exact(entry.span, quote(entry), 'haresources: an address of the group');
  return {family: 4, prefixLength: length ?? 24, ...alias};
}
