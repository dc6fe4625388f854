/**
 * keepalived has checkers per real server, ldirectord a check per virtual service. The most common check of the servers
 * becomes the service's, others are written as hactl_check lines; MISC_CHECK programs become one script with the command of
 * every server. Pure.
 */
import type {RealCheck} from '../model.ts';
import type {ImportedCheck, ImportedScript} from './imported.ts';
import {quoteStatement, type Tools} from './keepalived-block.ts';
import type {Checker, CheckerName, Inherited} from './keepalived-checker.ts';
import {convert, type Converted, type Native} from './keepalived-convert.ts';
import type {Statement} from './keepalived-lines.ts';
import {DELAY_LOOP, timesOf, timingText, type CheckTimes} from './keepalived-times.ts';
import {freshName, shellWord} from './words.ts';

export interface CheckedServer {
  readonly statement: Statement;
  readonly address: string;
  /** The checked port: the real server's, or the virtual service's. */
  readonly port: number;
  /** The port in the file, 0: none. keepalived's checkers connect to it, even if the table has another port. */
  readonly written: number;
  readonly checkers: readonly Checker[];
}

/** Which of a server's checkers is used: the most thorough one. */
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
const overTcp: ReadonlySet<CheckerName> = new Set(['HTTP_GET', 'SSL_GET', 'SMTP_CHECK', 'TCP_CHECK']);

export interface MergedCheck {
  readonly check: ImportedCheck;
  /** Pages of single servers, if they differ. */
  readonly pages: ReadonlyMap<CheckedServer, {readonly request: string; readonly receive: string}>;
  /** Checks of single servers that are of another kind. */
  readonly perServer: ReadonlyMap<CheckedServer, RealCheck>;
  readonly isDynamic: boolean;
}

/** The check of the virtual service and of servers that differ, with a note for every checker. */
export function mergeChecks(
  servers: readonly CheckedServer[],
  settings: Inherited,
  virtual: {readonly name: string; readonly statement: Statement; readonly isUdp: boolean},
  scripts: ImportedScript[],
  tools: Tools,
): MergedCheck {
  const {notes} = tools;
  const leading = new Map(servers.map((server) => [server, leaderOf(server)]));
  const converted = new Map<CheckedServer, Converted>();
  for (const [server, checker] of leading) {
    if (checker) converted.set(server, convert(checker, server, virtual.isUdp));
    noteCheckers(server, checker, converted.get(server), tools);
  }
  const first = [...leading.values()].find((checker) => checker !== undefined);
  if (!first) {
    notes.exact(
      virtual.statement.span,
      'no checker',
      'ldirectord.cf: checktype=on: always up, as in keepalived',
    );
    return {
      check: {type: 'on', interval: settings.delayLoop ?? DELAY_LOOP},
      pages: new Map(),
      perServer: new Map(),
      isDynamic: false,
    };
  }
  const times = noteTimes(leading, virtual.statement, first, tools);
  const misc = servers.filter((server) => leading.get(server)?.kind === 'MISC_CHECK');
  const script = misc.length === 0 ? undefined : freshName(scripts, virtual.name);
  if (script !== undefined) scripts.push({name: script, text: miscScript(misc)});
  const kinds = new Map(servers.map((server) => [server, kindText(converted.get(server)?.native)]));
  const base = commonest(servers, kinds, (server) => leading.get(server) !== undefined);
  const baseNative = converted.get(base)?.native ?? {type: 'on'};
  const perServer = new Map<CheckedServer, RealCheck>();
  for (const server of servers)
    if (kinds.get(server) !== kinds.get(base))
      perServer.set(server, serverCheck(server, converted.get(server)?.native, script, tools));
  const alike = servers.filter((server) => !perServer.has(server));
  const isOnePage = alike.every((server) => {
    const {request, receive} = converted.get(server)?.native ?? {};
    return request === baseNative.request && receive === baseNative.receive;
  });
  const {timeout, request, receive, ...rest} = baseNative;
  return {
    check: {
      ...rest,
      interval: times.interval,
      failures: times.failures,
      timeout: timeout ?? times.timeout,
      ...(script !== undefined && baseNative.type === 'external' ? {script} : {}),
      ...(isOnePage && request !== undefined ? {request} : {}),
      ...(isOnePage && receive !== undefined ? {receive} : {}),
    },
    pages: isOnePage
      ? new Map()
      : new Map(
          alike.map((server) => {
            const {native} = converted.get(server) ?? {};
            return [server, {request: native?.request ?? '/', receive: native?.receive ?? '.*'}];
          }),
        ),
    perServer,
    isDynamic: misc.some((server) => server.checkers.some((checker) => checker.isDynamic)),
  };
}

/** Equal for checks that differ only in their page. */
function kindText(native: Native | undefined): string {
  const {request: _, receive: __, ...kind} = native ?? {type: 'on'};
  return JSON.stringify(kind);
}

const leaderOf = ({checkers}: CheckedServer): Checker | undefined =>
  order
    .map((kind) => checkers.find((checker) => checker.kind === kind))
    .find((checker) => checker !== undefined);

/** Adds a note for every checker of a server: its conversion, or the checker used instead. */
function noteCheckers(
  server: CheckedServer,
  leader: Checker | undefined,
  converted: Converted | undefined,
  {notes}: Tools,
): void {
  for (const checker of server.checkers) {
    const {kind, statement} = checker;
    if (checker === leader && converted) {
      notes.addAll(checker.notes.list);
      notes[converted.fate](statement.span, kind, converted.how);
    } else if (kind === 'MISC_CHECK') {
      notes.addAll(checker.notes.list);
      notes.exact(statement.span, kind, 'also run by the script; all must pass');
    } else if (kind === 'BFD_CHECK' || kind === 'FILE_CHECK') {
      notes.addAll(checker.notes.list, 'hactl has no such check');
      notes.lost(statement.span, kind, 'hactl has no such check: the server is not monitored by it');
    } else if (kind === 'TCP_CHECK' && leader && overTcp.has(leader.kind) && leader.port === checker.port) {
      notes.addAll(checker.notes.list);
      notes.exact(statement.span, kind, `${leader.kind} connects to the same port`);
    } else {
      const reason = `a server has one check here, ${leader?.kind ?? 'none'} is used`;
      notes.addAll(checker.notes.list, reason);
      notes.lost(statement.span, kind, `${reason}: failures that only ${kind} detects are missed`);
    }
  }
}

/** The check times of the virtual service: the shortest of its checkers. Adds a note with the old and new times. */
function noteTimes(
  leading: ReadonlyMap<CheckedServer, Checker | undefined>,
  statement: Statement,
  first: Checker,
  {notes}: Tools,
): CheckTimes {
  const all = [...leading.values()].flatMap((checker) =>
    checker ? [timesOf(checker.kind, checker.settings)] : [],
  );
  const [shortest = timesOf(first.kind, first.settings)] = all.toSorted((a, b) => a.detect - b.detect);
  const isUniform = all.every(({detect, silent}) => detect === shortest.detect && silent === shortest.silent);
  notes[isUniform ? 'approximated' : 'changed'](
    statement.span,
    'time to take a failed server out',
    isUniform
      ? timingText(shortest)
      : `the servers differ, the shortest time is used for all; ${timingText(shortest)}`,
  );
  return shortest;
}

/** A server with the most common check; only servers for which `counts` is true are considered. */
function commonest(
  servers: readonly CheckedServer[],
  kinds: ReadonlyMap<CheckedServer, string>,
  counts: (server: CheckedServer) => boolean,
): CheckedServer {
  const found = new Map<string, {server: CheckedServer; count: number}>();
  for (const server of servers.filter(counts)) {
    const key = kinds.get(server) ?? '';
    const known = found.get(key) ?? {server, count: 0};
    found.set(key, {...known, count: known.count + 1});
  }
  const [best] = [...found.values()].toSorted((a, b) => b.count - a.count);
  if (!best) throw new Error('no server of the virtual service has a check');
  return best.server;
}

function serverCheck(
  server: CheckedServer,
  native: Native | undefined,
  script: string | undefined,
  {notes}: Tools,
): RealCheck {
  notes.exact(
    server.statement.span,
    quoteStatement(server.statement),
    native
      ? 'ldirectord.cf: hactl_check: its check differs from the check of the other servers'
      : 'ldirectord.cf: hactl_check … checktype=on: keepalived does not check it either',
  );
  if (!native) return {checkType: {kind: 'on'}};
  const {type, service, timeout, request, receive, virtualHost, statuses} = native;
  const usesPort = type === 'connect' || type === 'negotiate';
  return {
    checkType: {kind: type},
    ...(service === undefined ? {} : {service}),
    ...(type === 'external' && script !== undefined ? {checkCommand: script} : {}),
    ...(usesPort && (native.port ?? server.port) > 0 ? {checkPort: native.port ?? server.port} : {}),
    ...(timeout === undefined ? {} : {checkTimeout: timeout}),
    ...(request === undefined ? {} : {request}),
    ...(receive === undefined ? {} : {receive}),
    ...(virtualHost === undefined ? {} : {virtualHost}),
    ...(statuses === undefined ? {} : {statuses}),
  };
}

function miscScript(servers: readonly CheckedServer[]): string {
  const cases = servers.map((server) => {
    const commands = server.checkers.flatMap(({command, isDynamic}) =>
      command === undefined ? [] : [isDynamic ? `dynamic ${command}` : command],
    );
    return `${shellWord(`${server.address} ${server.port}`)}) ${commands.join(' && ')} ;;`;
  });
  const isDynamic = servers.some((server) => server.checkers.some((checker) => checker.isDynamic));
  return [
    '#!/bin/sh',
    '# Written by hactl import from the MISC_CHECKs of one virtual_server.',
    '# Arguments: VIP, VIP port, real server, real server port. Exit status 0 means up.',
    ...(isDynamic
      ? [
          '# misc_dynamic: status 0 means up, 1 down, any other status up with the weight status - 2.',
          'dynamic() {',
          '  "$@" >/dev/null',
          '  status=$?',
          '  [ $status -lt 2 ] && return $status',
          '  echo "weight $((status - 2))"',
          '}',
        ]
      : []),
    'case "$3 $4" in',
    ...new Set(cases),
    'esac',
    '',
  ].join('\n');
}
