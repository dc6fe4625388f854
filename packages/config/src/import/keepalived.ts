/** keepalived.conf: the whole file. Pure. */
import {Reporter} from '../reader.ts';
import type {ImportContext, Imported, ImportedScript, ImportSource, Parsed} from './imported.ts';
import {argumentOf, blockOf, listed, quoteStatement, type Tools} from './keepalived-block.ts';
import {readKeepalived, type Statement} from './keepalived-lines.ts';
import {takeVirtualServers} from './keepalived-virtual.ts';
import {takeVrrp} from './keepalived-vrrp.ts';
import {notebook} from './words.ts';

const topReasons: Readonly<Record<string, string>> = {
  vrrp_script: 'a director does not give up for a script’s verdict',
  vrrp_track_process: 'a director does not give up for a missing process',
  vrrp_track_file: 'a director does not give up for a file’s content',
  track_file: 'a director does not give up for a file’s content',
  track_group: 'static addresses are not managed',
  bfd_instance: 'there is no BFD',
  static_ipaddress: 'addresses that stay are the system’s business',
  static_routes: 'routes that stay are the system’s business',
  static_rules: 'rules that stay are the system’s business',
  garp_group: 'announcements are repeated in a rhythm of hactl’s own',
  linkbeat_interfaces: 'links are watched by the kernel’s notices',
  interface_up_down_delays: 'links are not tracked',
  SSL: 'certificates are not used in checks',
  net_namespace: 'start hactld in the namespace (ip netns exec)',
  net_namespace_ipvs: 'start hactld in the namespace (ip netns exec)',
  instance: 'one hactld serves one configuration directory',
};

const globalReasons: Readonly<Record<string, string>> = {
  router_id: 'nodes are known by what uname -n prints',
  lvs_timeouts: 'hactl does not set the timeouts: ipvsadm --set TCP TCPFIN UDP at boot time',
  lvs_flush: 'the table is adopted, not flushed; services of others stay',
  lvs_flush_on_stop: 'ldirectord.cf: cleanstop says what happens at the end',
  smtp_connect_timeout: 'the time limit of mails is hactl’s own',
  smtp_helo_name: 'mails are sent with this machine’s name',
  'smtp_alert*': 'mail is sent about all virtual services or none: emailalert',
  script_user: 'scripts run as hactld does',
  enable_script_security: 'scripts run as hactld does',
  'vrrp_garp*': 'announcements are repeated in a rhythm of hactl’s own',
  'vrrp_*': 'the pair speaks a protocol of its own',
  'notify_fifo*': 'there are no notices through a pipe: use hactl status --json',
  'lvs_*': 'hactl has no such setting',
  'enable_snmp*': 'there is no SNMP',
  enable_dbus: 'there is no D-Bus',
};

export function parseKeepalived(source: ImportSource, context: ImportContext): Parsed {
  const reporter = new Reporter(source.path, 'lenient');
  const book = notebook();
  const scripts: ImportedScript[] = [];
  const tools = {reporter, book, context, scripts};
  const tree = readKeepalived(source, context, reporter);
  for (const {span, text} of tree.skipped)
    book.not(
      span,
      text.trim() || '@',
      `it is for another machine: the configuration id here is ${context.configId} (--config-id)`,
    );
  const top = blockOf(tree.statements, tools);
  const global = takeGlobal(top.all('global_defs'), tools);
  const groups = new Map<string, Statement>();
  for (const group of top.all('virtual_server_group')) {
    groups.set(argumentOf(group), group);
    book.exact(
      group.span,
      quoteStatement(group),
      'ldirectord.cf: its entries stand where a virtual_server names it',
    );
  }
  const pair = takeVrrp(top.all('vrrp_instance'), top.all('vrrp_sync_group'), global.syncDaemon, tools);
  const virtuals = top
    .all('virtual_server')
    .flatMap((statement) => takeVirtualServers(statement, {...tools, groups}));
  top.finish(topReasons, 'keepalived knows no such word either, or hactl does not');
  const seen = new Set<string>();
  const unique = virtuals.filter((virtual) => {
    const key = JSON.stringify(virtual.address);
    if (seen.has(key))
      book.not(
        virtual.span,
        'virtual_server',
        'a service with this address, port and protocol is there already',
      );
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
  const imported: Imported = {
    kind: 'keepalived',
    ...(pair ? {pair} : {}),
    virtuals: unique,
    ...(global.email ? {email: global.email} : {}),
    scripts,
    notes: book.notes,
  };
  return {imported, diagnostics: reporter.diagnostics, sources: tree.sources};
}

const isMail = (text: string): boolean => /^[^\s"#,;]+$/.test(text);

function takeGlobal(
  statements: readonly Statement[],
  tools: Tools,
): {email?: NonNullable<Imported['email']>; syncDaemon?: Statement} {
  const {book} = tools;
  const block = blockOf(
    statements.flatMap((statement) => statement.block ?? []),
    tools,
  );
  for (const statement of statements) book.exact(statement.span, quoteStatement(statement), 'see its lines');
  const [to, from, server, syncDaemon] = [
    'notification_email',
    'notification_email_from',
    'smtp_server',
    'lvs_sync_daemon',
  ].map((name) => block.last(name));
  block.finish(globalReasons, 'hactl has no such setting');
  const addresses = listed(to).flatMap((word) => (isMail(word.text) ? [word.text] : []));
  if (to)
    if (addresses.length > 0)
      book.approximated(
        to.span,
        quoteStatement(to),
        'ldirectord.cf: emailalert: changes of servers are mailed, those of directors are not',
      );
    else book.exact(to.span, quoteStatement(to), 'nobody gets mail');
  const [sender, host] = [argumentOf(from), argumentOf(server)];
  if (from)
    if (addresses.length > 0 && isMail(sender))
      book.exact(from.span, quoteStatement(from), 'ldirectord.cf: emailalertfrom');
    else book.not(from.span, quoteStatement(from), 'nobody gets mail, or it is not an address');
  if (server)
    if (addresses.length > 0 && isMail(host) && argumentOf(server, 2) === '')
      book.exact(server.span, quoteStatement(server), 'ldirectord.cf: smtp');
    else if (addresses.length > 0 && isMail(host))
      book.approximated(server.span, quoteStatement(server), 'ldirectord.cf: smtp, with port 25');
    else book.not(server.span, quoteStatement(server), 'nobody gets mail');
  return {
    ...(addresses.length === 0
      ? {}
      : {
          email: {
            to: addresses,
            ...(isMail(sender) ? {from: sender} : {}),
            ...(isMail(host) ? {smtp: host} : {}),
          },
        }),
    ...(syncDaemon ? {syncDaemon} : {}),
  };
}
