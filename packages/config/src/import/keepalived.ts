/** keepalived.conf: the whole file. Pure. */
import {ipv6, portNumber} from '../addresses.ts';
import type {Span} from '../model.ts';
import {Reporter} from '../reader.ts';
import type {ImportContext, Imported, ImportedScript, ImportSource, Parsed} from './imported.ts';
import {
  argumentOf,
  blockOf,
  flagOf,
  ignored,
  lastReadable,
  numberOf,
  quoteStatement,
  type Tools,
} from './keepalived-block.ts';
import type {VrrpDefaults} from './keepalived-tools.ts';
import {readKeepalived, type Statement} from './keepalived-lines.ts';
import type {PeerInstance} from './keepalived-pair.ts';
import {parseVirtualServers} from './keepalived-virtual.ts';
import {parseInstances, parseVrrp} from './keepalived-vrrp.ts';
import {newNotes} from './words.ts';

const topReasons: Readonly<Record<string, string>> = {
  vrrp_track_file: 'a file’s content is not tracked: write a script for hactl_track_script',
  track_file: 'a file’s content is not tracked: write a script for hactl_track_script',
  track_group: 'hactl does not manage static addresses',
  bfd_instance: 'hactl has no BFD support',
  static_ipaddress: 'configure static addresses in the system',
  static_routes: 'configure static routes in the system',
  static_rules: 'configure static rules in the system',
  garp_group: 'hactl repeats gratuitous ARP on its own schedule',
  linkbeat_interfaces: 'links are tracked by kernel notifications',
  interface_up_down_delays: 'a link failure takes effect at once',
  SSL: 'certificates are not used in checks',
  net_namespace: 'start hactld in the namespace (ip netns exec)',
  net_namespace_ipvs: 'start hactld in the namespace (ip netns exec)',
  instance: 'one hactld serves one configuration directory',
};

const seriousTop: ReadonlySet<string> = new Set([
  'vrrp_track_file',
  'track_file',
  'bfd_instance',
  'static_ipaddress',
  'static_routes',
  'static_rules',
  'net_namespace',
]);

const globalReasons: Readonly<Record<string, string>> = {
  router_id: 'nodes are identified by uname -n',
  lvs_timeouts: 'hactl does not set the timeouts: run ipvsadm --set TCP TCPFIN UDP at boot',
  lvs_flush: 'the table is adopted, not flushed; other programs’ services are kept',
  lvs_flush_on_stop: 'see cleanstop of ldirectord.cf',
  smtp_connect_timeout: 'hactl has a fixed time limit for mail',
  smtp_helo_name: 'mail is sent with this machine’s name',
  'smtp_alert*': 'mail is sent about all virtual services or none: emailalert',
  script_user: 'scripts run as the user of hactld',
  enable_script_security: 'scripts run as the user of hactld',
  'vrrp_garp*': 'hactl repeats gratuitous ARP on its own schedule',
  'vrrp_*': 'hactl uses its own protocol instead of VRRP',
  'notify_fifo*': 'hactl has no notification pipe: use hactl status --json',
  'lvs_*': 'hactl has no such setting',
  'enable_snmp*': 'hactl has no SNMP support',
  enable_dbus: 'hactl has no D-Bus support',
};

export function parseKeepalived(source: ImportSource, context: ImportContext): Parsed {
  const reporter = new Reporter(source.path, 'lenient');
  const notes = newNotes();
  const scripts: ImportedScript[] = [];
  const tools = {reporter, notes, context, scripts};
  const tree = readKeepalived(source, context, reporter);
  for (const {span, text} of tree.skipped)
    notes.omitted(
      span,
      text.trim() || '@',
      `for another machine: the configuration id here is ${context.configId} (--config-id)`,
    );
  const top = blockOf(tree.statements, tools);
  const global = parseGlobal(top.all('global_defs'), tools);
  const groups = parseGroups(top.all('virtual_server_group'), tools);
  const peers = context.peerSource && peerInstances(context.peerSource, context);
  const pair = parseVrrp(
    {
      instances: top.all('vrrp_instance'),
      syncGroups: top.all('vrrp_sync_group'),
      scripts: top.all('vrrp_script'),
      processes: top.all('vrrp_track_process'),
      syncDaemon: global.syncDaemon,
      order: new Map(tree.statements.map((statement, index) => [statement, index])),
    },
    peers,
    {...tools, defaults: global.defaults},
  );
  const seen = new Set<string>();
  const virtuals = top
    .all('virtual_server')
    .flatMap((statement) => parseVirtualServers(statement, {...tools, groups, seen}));
  top.finish(topReasons, 'not a keyword of keepalived, or not supported by hactl', seriousTop);
  const isDynamic = virtuals.some((virtual) => virtual.isDynamic);
  if (isDynamic && !pair)
    for (const {span} of virtuals.filter((virtual) => virtual.isDynamic))
      notes.changed(
        span,
        'misc_dynamic',
        'no vrrp_instance, hence no ha.cf for hactl_dynamic_weight: servers are up with their configured weight',
      );
  const imported: Imported = {
    kind: 'keepalived',
    ...(pair ? {pair: {...pair, ...(isDynamic ? {dynamicWeight: true} : {})}} : {}),
    virtuals,
    ...(global.email ? {email: global.email} : {}),
    ...(global.emailSpan ? {emailSpan: global.emailSpan} : {}),
    scripts,
    notes: notes.list,
  };
  return {imported, diagnostics: reporter.diagnostics, sources: tree.sources};
}

/** The peer's instances; diagnostics about its file are not reported. */
function peerInstances(source: ImportSource, context: ImportContext): PeerInstance[] {
  const reporter = new Reporter(source.path, 'lenient');
  const tools = {reporter, notes: newNotes(), context, scripts: []};
  const tree = readKeepalived(source, context, reporter);
  const top = blockOf(tree.statements, tools);
  const {defaults} = parseGlobal(top.all('global_defs'), tools);
  return parseInstances(top.all('vrrp_instance'), {...tools, defaults});
}

function parseGroups(statements: readonly Statement[], tools: Tools): Map<string, Statement> {
  const {notes} = tools;
  const groups = new Map<string, Statement>();
  for (const group of statements) {
    if (groups.has(argumentOf(group))) {
      const reason = `virtual_server_group ${argumentOf(group)} is defined above: keepalived uses that group`;
      ignored(group, 'duplicate-resource', reason, 'the import does too; use another name', tools);
      notes.lost(group.span, quoteStatement(group), reason);
      continue;
    }
    groups.set(argumentOf(group), group);
    notes.exact(
      group.span,
      quoteStatement(group),
      'ldirectord.cf: its entries become the services of the virtual_server that refers to it',
    );
  }
  return groups;
}

/** `ops@example.com`, or the address in `Ops Team <ops@example.com>`. */
function mailAddresses(to: Statement | undefined, tools: Tools): string[] {
  return (to?.block ?? []).flatMap((line) => {
    const text = line.words.map((word) => word.text).join(' ');
    const named = [...text.matchAll(/<([^<>\s]+)>/g)].map(([, address = '']) => address);
    const found = (named.length > 0 ? named : text.split(/[\s,]+/)).filter(
      (word) => (isMail(word) && word.includes('@')) || /^[\w.-]+$/.test(word),
    );
    if (found.length === 0)
      tools.notes.lost(line.span, quoteStatement(line), 'not a mail address: no mail is sent to it');
    return found;
  });
}

const isMail = (text: string): boolean => /^[^\s"#,;]+$/.test(text);

interface Global {
  readonly email?: NonNullable<Imported['email']>;
  readonly emailSpan?: Span;
  readonly syncDaemon?: Statement;
  readonly defaults: VrrpDefaults;
}

function parseGlobal(statements: readonly Statement[], tools: Tools): Global {
  const {notes} = tools;
  const block = blockOf(
    statements.flatMap((statement) => statement.block ?? []),
    tools,
  );
  for (const statement of statements) notes.exact(statement.span, quoteStatement(statement), 'see its lines');
  const [to, from, server, alert] = [
    ['notification_email'],
    ['notification_email_from'],
    ['smtp_server'],
    ['smtp_alert', 'smtp_alert_vrrp'],
  ].map((names) => block.last(...names));
  const syncDaemon = block.first('lvs_sync_daemon');
  const version = lastReadable(block, ['vrrp_version'], (line) => numberOf(line, 2, 3, tools), tools);
  const strict = block.last('vrrp_strict');
  const addresses = mailAddresses(to, tools);
  const isMailed = alert !== undefined && flagOf(alert, tools) !== false;
  if (version)
    notes.exact(version.line.span, quoteStatement(version.line), 'ha.cf: used to compute deadtime');
  if (strict)
    notes.approximated(
      strict.span,
      quoteStatement(strict),
      'settings that keepalived resets in strict mode are reset here too; hactl uses its own protocol instead of VRRP',
    );
  if (alert)
    if (isMailed && addresses.length > 0)
      notes.approximated(alert.span, quoteStatement(alert), 'haresources: MailTo');
    else notes.omitted(alert.span, quoteStatement(alert), 'no mail is sent');
  block.finish(globalReasons, 'hactl has no such setting');
  const defaults = {
    isThird: version?.value === 3,
    isStrict: strict !== undefined,
    isMailed,
    // MailTo needs a full address; a plain name is a local mailbox.
    mailTo: addresses.map((address) => (address.includes('@') ? address : `${address}@localhost`)),
  };
  if (to)
    if (addresses.length > 0)
      notes.approximated(
        to.span,
        quoteStatement(to),
        'ldirectord.cf: emailalert: server changes are mailed; director changes with smtp_alert only',
      );
    else notes.lost(to.span, quoteStatement(to), 'no valid mail address: no mail is sent');
  const [, sender = argumentOf(from)] = /<([^<>\s]+)>/.exec(argumentOf(from)) ?? [];
  const smtp = smtpOf(server);
  if (from)
    if (addresses.length > 0 && isMail(sender))
      notes.exact(from.span, quoteStatement(from), 'ldirectord.cf: emailalertfrom');
    else notes.omitted(from.span, quoteStatement(from), 'no mail is sent, or this is not an address');
  if (server)
    if (addresses.length > 0 && smtp !== undefined)
      notes.exact(server.span, quoteStatement(server), `ldirectord.cf: smtp=${smtp}`);
    else if (addresses.length > 0)
      notes.lost(
        server.span,
        quoteStatement(server),
        'not a mail server: mail is sent through the local sendmail',
      );
    else notes.omitted(server.span, quoteStatement(server), 'no mail is sent');
  if (addresses.length === 0) return {defaults, ...(syncDaemon ? {syncDaemon} : {})};
  return {
    email: {
      to: addresses,
      ...(isMail(sender) ? {from: sender} : {}),
      ...(smtp === undefined ? {} : {smtp}),
    },
    ...(to ? {emailSpan: (server ?? to).span} : {}),
    ...(syncDaemon ? {syncDaemon} : {}),
    defaults,
  };
}

/** The value of smtp in ldirectord.cf: `HOST`, `HOST:PORT`, `[2001:db8::25]`; undefined: not a mail server. */
function smtpOf(server: Statement | undefined): string | undefined {
  const host = argumentOf(server);
  const port = argumentOf(server, 2);
  const six = ipv6(host.replace(/^\[(.*)\]$/, '$1'));
  const name = six === undefined ? (/^[\w][\w.+-]*$/.test(host) ? host : undefined) : `[${six}]`;
  if (name === undefined) return undefined;
  return port === '' || port === '25' || portNumber(port) === undefined ? name : `${name}:${port}`;
}
