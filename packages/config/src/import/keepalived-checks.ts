/**
 * keepalived's checkers are each real server's own; ldirectord's check is the virtual's. What all servers share becomes
 * the virtual's check; programs become one script that knows every server's command. Pure.
 */
import type {CheckService} from '../model.ts';
import type {ImportedCheck, ImportedScript} from './imported.ts';
import {quoteStatement, type Tools} from './keepalived-block.ts';
import type {Checker, CheckerName, Inherited} from './keepalived-checker.ts';
import type {Statement} from './keepalived-lines.ts';
import {freshName, shellWord} from './words.ts';

export interface CheckedServer {
  readonly statement: Statement;
  readonly address: string;
  /** As the checks see it: the real's, or the virtual's. */
  readonly port: number;
  readonly checkers: readonly Checker[];
}

/** Defaults of keepalived 2.2.7. */
const RETRY: Readonly<Partial<Record<CheckerName, number>>> = {DNS_CHECK: 3, MISC_CHECK: 0};
const DELAY_LOOP = 60_000;
const CONNECT_TIMEOUT = 5_000;

/** Which of a server's checkers stands for it: the one that knows most. */
const order: readonly CheckerName[] = [
  'MISC_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'SMTP_CHECK',
  'DNS_CHECK',
  'TCP_CHECK',
  'UDP_CHECK',
  'PING_CHECK',
];

const mapped: Readonly<
  Partial<
    Record<
      CheckerName,
      {readonly type: ImportedCheck['type']; readonly service?: CheckService; readonly how: string}
    >
  >
> = {
  HTTP_GET: {type: 'negotiate', service: 'http', how: 'ldirectord.cf: checktype=negotiate, service=http'},
  SSL_GET: {type: 'negotiate', service: 'https', how: 'ldirectord.cf: checktype=negotiate, service=https'},
  SMTP_CHECK: {type: 'negotiate', service: 'smtp', how: 'ldirectord.cf: checktype=negotiate, service=smtp'},
  DNS_CHECK: {type: 'negotiate', service: 'dns', how: 'ldirectord.cf: checktype=negotiate, service=dns'},
  TCP_CHECK: {type: 'connect', how: 'ldirectord.cf: checktype=connect'},
  UDP_CHECK: {type: 'connect', how: 'ldirectord.cf: checktype=connect, which for udp is a ping'},
  PING_CHECK: {type: 'ping', how: 'ldirectord.cf: checktype=ping'},
  MISC_CHECK: {type: 'external', how: 'ldirectord.cf: checktype=external'},
};

const same = <T>(values: readonly T[]): boolean => values.every((value) => value === values[0]);

export interface MergedCheck {
  readonly check: ImportedCheck;
  /** Pages of single servers, where they differ. */
  readonly pages?: ReadonlyMap<CheckedServer, {readonly request: string; readonly receive: string}>;
}

/** The one check of the virtual, and a note for every checker. */
export function mergeChecks(
  servers: readonly CheckedServer[],
  settings: Inherited,
  wantedName: string,
  scripts: ImportedScript[],
  tools: Tools,
): MergedCheck {
  const {book} = tools;
  for (const checker of servers.flatMap((server) => server.checkers))
    if (checker.kind === 'BFD_CHECK' || checker.kind === 'FILE_CHECK')
      book.not(checker.statement.span, checker.kind, 'there is no such check');
  const chosen = new Map(
    servers.map((server) => [
      server,
      order.map((kind) => server.checkers.find((one) => one.kind === kind)).find((one) => one !== undefined),
    ]),
  );
  const kind = order.find((name) => [...chosen.values()].some((one) => one?.kind === name));
  const how = kind && mapped[kind];
  const interval = settings.delayLoop ?? DELAY_LOOP;
  if (kind === undefined || !how) {
    const [first] = servers;
    if (first)
      book.exact(
        first.statement.span,
        'no checker',
        'ldirectord.cf: checktype=on: always up, as in keepalived',
      );
    return {check: {type: 'on', interval}};
  }
  const leading: {server: CheckedServer; checker: Checker}[] = [];
  for (const [server, checker] of chosen) {
    if (!checker || checker.kind !== kind)
      if (kind === 'MISC_CHECK')
        book.approximated(
          server.statement.span,
          quoteStatement(server.statement),
          `no MISC_CHECK: the script of this virtual calls it up always${checker ? `, and its ${checker.kind} is left out` : ''}`,
        );
      else
        book.approximated(
          server.statement.span,
          quoteStatement(server.statement),
          `checked with ${kind} as the other servers of the virtual${checker ? `, not with ${checker.kind}` : '; keepalived does not check it'}`,
        );
    else leading.push({server, checker});
    for (const other of server.checkers) {
      if (other.kind === 'BFD_CHECK' || other.kind === 'FILE_CHECK') continue;
      if (other === checker && other.kind === kind)
        book[kind === 'UDP_CHECK' ? 'approximated' : 'exact'](other.statement.span, other.kind, how.how);
      else if (kind === 'MISC_CHECK' && other.kind === kind)
        book.exact(other.statement.span, other.kind, 'the script runs it too; all must pass');
      else book.not(other.statement.span, other.kind, 'a virtual has one kind of check here');
    }
  }
  const checkers = leading.map((one) => one.checker);
  const [first] = checkers;
  const differing = (what: string, values: readonly unknown[]): void => {
    if (!same(values) && first)
      book.approximated(
        first.statement.span,
        first.kind,
        `the servers differ in ${what}: this one’s is used for all`,
      );
  };
  differing(
    'delay_loop',
    checkers.map((one) => one.settings.delayLoop),
  );
  differing(
    'their time limit',
    checkers.map((one) => one.settings.connectTimeout),
  );
  differing(
    'retry',
    checkers.map((one) => one.settings.retry),
  );
  differing(
    'connect_port',
    checkers.map((one) => one.port),
  );
  differing(
    'virtualhost',
    checkers.map((one) => one.virtualHost),
  );
  const own = first?.settings.delayLoop ?? interval;
  const check = {
    type: how.type,
    interval: own,
    timeout: first?.settings.connectTimeout ?? (kind === 'MISC_CHECK' ? own : CONNECT_TIMEOUT),
    failures: (first?.settings.retry ?? RETRY[kind] ?? 1) + 1,
    ...(how.service === undefined ? {} : {service: how.service}),
    ...(first?.port === undefined ? {} : {port: first.port}),
    ...(first?.virtualHost === undefined || !/^[\w.:[\]-]+$/.test(first.virtualHost)
      ? {}
      : {virtualHost: first.virtualHost}),
  };
  if (kind === 'MISC_CHECK') {
    const scriptName = freshName(scripts, wantedName);
    scripts.push({name: scriptName, text: miscScript(leading)});
    return {check: {...check, script: scriptName}};
  }
  if (same(checkers.map((one) => one.request)) && same(checkers.map((one) => one.receive)))
    return {
      check: {
        ...check,
        ...(first?.request === undefined ? {} : {request: first.request}),
        ...(first?.receive === undefined ? {} : {receive: first.receive}),
      },
    };
  return {
    check,
    pages: new Map(
      leading.map(({server, checker}) => [
        server,
        {request: checker.request ?? '/', receive: checker.receive ?? '.*'},
      ]),
    ),
  };
}

function miscScript(leading: readonly {server: CheckedServer; checker: Checker}[]): string {
  const cases = leading.map(({server}) => {
    const commands = server.checkers.flatMap((one) => (one.command === undefined ? [] : [one.command]));
    return `${shellWord(`${server.address} ${server.port}`)}) ${commands.length === 0 ? 'true' : commands.join(' && ')} ;;`;
  });
  return [
    '#!/bin/sh',
    '# Written by hactl import from the MISC_CHECKs of one virtual_server.',
    '# Arguments: VIP, its port, the real server, its port. Exit status 0 is up.',
    'case "$3 $4" in',
    ...new Set(cases),
    'esac',
    '',
  ].join('\n');
}
