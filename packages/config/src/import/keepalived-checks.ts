/**
 * keepalived's checkers are each real server's own; ldirectord's check is the virtual's. The check that most servers
 * share becomes the virtual's, the others are written as hactl_check lines; programs become one script that knows every
 * server's command. Pure.
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
  /** As the checks see it: the real's, or the virtual's. */
  readonly port: number;
  /** As the file has it, 0: none. keepalived's checkers connect to this one, whatever the table has. */
  readonly written: number;
  readonly checkers: readonly Checker[];
}

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
const overTcp: ReadonlySet<CheckerName> = new Set(['HTTP_GET', 'SSL_GET', 'SMTP_CHECK', 'TCP_CHECK']);

export interface MergedCheck {
  readonly check: ImportedCheck;
  /** Pages of single servers, where they differ. */
  readonly pages: ReadonlyMap<CheckedServer, {readonly request: string; readonly receive: string}>;
  /** Checks of single servers, where they are of another kind. */
  readonly own: ReadonlyMap<CheckedServer, RealCheck>;
  readonly isDynamic: boolean;
}

/** The check of the virtual and of servers that differ, and a note for every checker. */
export function mergeChecks(
  servers: readonly CheckedServer[],
  settings: Inherited,
  place: {readonly name: string; readonly statement: Statement; readonly isUdp: boolean},
  scripts: ImportedScript[],
  tools: Tools,
): MergedCheck {
  const {book} = tools;
  const leading = new Map(servers.map((server) => [server, leaderOf(server)]));
  const converted = new Map<CheckedServer, Converted>();
  for (const [server, checker] of leading) {
    if (checker) converted.set(server, convert(checker, server, place.isUdp));
    noteCheckers(server, checker, converted.get(server), tools);
  }
  const first = [...leading.values()].find((checker) => checker !== undefined);
  if (!first) {
    book.exact(
      place.statement.span,
      'no checker',
      'ldirectord.cf: checktype=on: always up, as in keepalived',
    );
    return {
      check: {type: 'on', interval: settings.delayLoop ?? DELAY_LOOP},
      pages: new Map(),
      own: new Map(),
      isDynamic: false,
    };
  }
  const times = noteTimes(leading, place.statement, first, tools);
  const misc = servers.filter((server) => leading.get(server)?.kind === 'MISC_CHECK');
  const script = misc.length === 0 ? undefined : freshName(scripts, place.name);
  if (script !== undefined) scripts.push({name: script, text: miscScript(misc)});
  const kinds = new Map(servers.map((server) => [server, kindText(converted.get(server)?.native)]));
  const base = commonest(servers, kinds, (server) => leading.get(server) !== undefined);
  const baseNative = converted.get(base)?.native ?? {type: 'on'};
  const own = new Map<CheckedServer, RealCheck>();
  for (const server of servers)
    if (kinds.get(server) !== kinds.get(base))
      own.set(server, ownCheck(server, converted.get(server)?.native, script, tools));
  const alike = servers.filter((server) => !own.has(server));
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
    own,
    isDynamic: misc.some((server) => server.checkers.some((checker) => checker.isDynamic)),
  };
}

/** Equal for checks that differ in nothing but their page. */
function kindText(native: Native | undefined): string {
  const {request: _, receive: __, ...kind} = native ?? {type: 'on'};
  return JSON.stringify(kind);
}

const leaderOf = ({checkers}: CheckedServer): Checker | undefined =>
  order
    .map((kind) => checkers.find((checker) => checker.kind === kind))
    .find((checker) => checker !== undefined);

/** A note for every checker of a server: what it became, or that another stands for it. */
function noteCheckers(
  server: CheckedServer,
  leader: Checker | undefined,
  converted: Converted | undefined,
  {book}: Tools,
): void {
  for (const checker of server.checkers) {
    const {kind, statement} = checker;
    if (checker === leader && converted) {
      book.take(checker.book.notes);
      book[converted.fate](statement.span, kind, converted.how);
    } else if (kind === 'MISC_CHECK') {
      book.take(checker.book.notes);
      book.exact(statement.span, kind, 'the script runs it too; all must pass');
    } else if (kind === 'BFD_CHECK' || kind === 'FILE_CHECK') {
      book.take(checker.book.notes, 'there is no such check');
      book.lost(statement.span, kind, 'there is no such check: the server is not watched by it');
    } else if (kind === 'TCP_CHECK' && leader && overTcp.has(leader.kind) && leader.port === checker.port) {
      book.take(checker.book.notes);
      book.exact(statement.span, kind, `${leader.kind} connects to the same port`);
    } else {
      const reason = `a server has one check here, ${leader?.kind ?? 'none'} stands for it`;
      book.take(checker.book.notes, reason);
      book.lost(statement.span, kind, `${reason}: what only ${kind} notices is not noticed`);
    }
  }
}

/** The times of the virtual: those of most of its checkers; and what they were and are, in seconds. */
function noteTimes(
  leading: ReadonlyMap<CheckedServer, Checker | undefined>,
  statement: Statement,
  first: Checker,
  {book}: Tools,
): CheckTimes {
  const all = [...leading.values()].flatMap((checker) =>
    checker ? [timesOf(checker.kind, checker.settings)] : [],
  );
  const [shortest = timesOf(first.kind, first.settings)] = all.toSorted((a, b) => a.detect - b.detect);
  const isOne = all.every(({detect, silent}) => detect === shortest.detect && silent === shortest.silent);
  book[isOne ? 'approximated' : 'changed'](
    statement.span,
    'time to take a failed server out',
    isOne
      ? timingText(shortest)
      : `the servers differ, the shortest is used for all; ${timingText(shortest)}`,
  );
  return shortest;
}

/** The server whose check most others share; those without a check do not count where there are others. */
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
  if (!best) throw new Error('a virtual without checkers has no check to share');
  return best.server;
}

function ownCheck(
  server: CheckedServer,
  native: Native | undefined,
  script: string | undefined,
  {book}: Tools,
): RealCheck {
  book.exact(
    server.statement.span,
    quoteStatement(server.statement),
    native
      ? 'ldirectord.cf: hactl_check: its check is another than that of the other servers'
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
    '# Arguments: VIP, its port, the real server, its port. Exit status 0 is up.',
    ...(isDynamic
      ? [
          '# misc_dynamic: 0 is up, 1 is down, any other status is up with that weight minus 2.',
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
