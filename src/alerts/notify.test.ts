/** Real webhooks and commands: the test's own HTTP server, a shell script, the director's alerts. */
import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import type {CheckReport, CheckState} from '@hactl/checks';
import {parseLdirectordCf, type OutsideAlerts} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {composeMail, type AlertEvent} from './alerts.ts';
import {
  censusOf,
  compose,
  LISTED,
  nothingKnown,
  nothingWaits,
  noticeStep,
  wait,
  type Message,
  type Notice,
} from './notices.ts';
import {makeNotifier} from './notify.ts';
import {runAlerts} from './run.fixture.ts';
import {checkId} from '../table/services.ts';
import {viewsOf} from '../table/views.ts';
import {until} from '../../test/lab/until.ts';

const LIMIT = 20_000;
const farm = (count: number) => {
  const reals = Array.from({length: count}, (_, at) => `\treal=10.0.${at >> 8}.${at & 255}:80 gate\n`).join(
    '',
  );
  const {model} = parseLdirectordCf(
    {path: 'x.cf', text: `virtual=10.1.0.100:80\n${reals}\tfallback=127.0.0.1:80\n\tservicename=web\n`},
    {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
  );
  const [virtual] = model.virtuals;
  if (!virtual) throw new Error('no virtual');
  const ids = virtual.reals.map((real) => checkId(virtual, real));
  const reports = new Map<string, CheckReport>();
  const set = (from: number, to: number, state: CheckState): void => {
    for (const id of ids.slice(from, to))
      reports.set(id, {id, state, failures: 0, checks: 1, reason: 'HTTP 503', took: 1, at: 0});
  };
  return {model, reports, set, views: () => viewsOf([model], reports)};
};

interface Seen {
  readonly headers: http.IncomingHttpHeaders;
  readonly message: Message;
}
/** A webhook's receiver; `status` is its next answer. */
async function receiver(t: ExecutionContext, status: () => number = () => 200) {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const code = status();
      if (code === 200) seen.push({headers: request.headers, message: JSON.parse(body) as Message});
      response.writeHead(code).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return {seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=geheim`};
}

const notifierOf = (t: ExecutionContext, alerts: OutsideAlerts, again: readonly number[] = [10, 10]) => {
  const log: string[] = [];
  const notifier = makeNotifier({
    clock: systemClock,
    log: (level, message) => log.push(`${level} ${message}`),
    node: 'lvs1',
    census: () => [],
    again,
  });
  t.teardown(() => notifier.stop());
  notifier.configure(alerts);
  return {log, notifier};
};
const fell = (real: string): Notice => ({
  type: 'real',
  time: '2026-01-01T00:00:00.000Z',
  virtual: 'tcp 10.1.0.100:80',
  real,
  from: 'up',
  to: 'down',
  reason: 'HTTP 503',
});

test('half the farm fails at once: one message with the counts and the first changes', async (t) => {
  const {seen, url} = await receiver(t);
  const {model, reports, set} = farm(1_000);
  const alerts = runAlerts({
    files: [model],
    outside: {webhooks: [{url, token: 's3cret'}], commands: [], gap: 100},
    judged: () => reports,
  });
  t.teardown(() => alerts.stop());
  set(0, 1_000, 'up');
  alerts.look();
  for (let at = 0; at < 500; at += 50) {
    set(at, at + 50, 'down');
    alerts.look();
  }
  await until('a message', LIMIT, () => seen.length > 0);
  await alerts.stop();
  t.is(seen.length, 1);
  const [{headers, message} = {headers: {}, message: undefined}] = seen;
  t.is(headers.authorization, 'Bearer s3cret');
  t.is(headers['content-type'], 'application/json');
  t.is(message?.changes, 500);
  t.is(message?.notices.length, LISTED);
  t.is(message?.omitted, 500 - LISTED);
  t.is(
    message?.summary,
    'lvs1: 500 changes (real servers: 500 down; 500 of 1000 are up now): 10.0.0.0:80 of tcp 10.1.0.100:80 is down: HTTP 503',
  );
  t.deepEqual(message?.virtuals, [{virtual: 'tcp 10.1.0.100:80', up: 500, down: 500, unknown: 0}]);
});

test('a standby reports no real servers, and does not repeat old changes once it is Active', async (t) => {
  const {set, views} = farm(2);
  set(0, 2, 'up');
  let step = noticeStep(nothingKnown, views(), 0);
  t.deepEqual(step.notices, [], 'up at the start is not reported');
  set(0, 2, 'down');
  step = noticeStep(
    step.memory,
    views().map((view) => ({...view, acting: false})),
    0,
  );
  t.deepEqual(step.notices, []);
  step = noticeStep(step.memory, views(), 0);
  t.deepEqual(step.notices, []);
  set(0, 1, 'up');
  step = noticeStep(step.memory, views(), 0);
  t.deepEqual(
    step.notices.map((notice) =>
      notice.type === 'real' ? [notice.real, notice.to, notice.service] : [notice.type],
    ),
    [['10.0.0.0:80', 'up', 'web'], ['fallback']],
  );
});

test('a failed scheduled drill is reported with its reasons in one line', (t) => {
  const notice: Notice = {type: 'drill', time: '', reason: 'not healthy:\n  the peer director2 is dead'};
  const waiting = wait(nothingWaits, [notice], 0, 0);
  t.is(
    compose(waiting, 'director1', 0, []).summary,
    'director1: the scheduled drill failed: not healthy: / the peer director2 is dead',
  );
});

test('a queue collects for a second, then waits for the interval; transitions are never cut', (t) => {
  const move: Notice = {type: 'transition', time: '', group: 'g', from: 'Backup', to: 'Active', reason: 'r'};
  let waiting = wait(nothingWaits, [fell('a')], 0, 10_000);
  t.is(waiting.dueAt, 1_000);
  waiting = wait(waiting, [fell('b')], 900, 10_000);
  t.is(waiting.dueAt, 1_000, 'later changes do not postpone it');
  t.is(wait({...nothingWaits, sentAt: 1_000}, [fell('c')], 1_500, 10_000).dueAt, 11_000);
  t.is(wait({...nothingWaits, sentAt: 1_000}, [fell('c')], 50_000, 10_000).dueAt, 51_000);
  const flood = wait(waiting, [...Array.from({length: 100}, () => fell('x')), move], 950, 10_000);
  t.is(flood.notices.length, LISTED + 1);
  const message = compose(flood, 'lvs1', 0, []);
  t.is(message.omitted, 82);
  t.regex(message.summary, /^lvs1: 103 changes .*: g: Backup -> Active: r$/);
});

test('an unreachable receiver gets the message later; one that stays away is given up, logged without secrets', async (t) => {
  let answers = [503, 200];
  const {seen, url} = await receiver(t, () => answers.shift() ?? 500);
  const {log, notifier} = notifierOf(t, {webhooks: [{url, token: 's3cret'}], commands: [], gap: 0});
  notifier.tell([fell('a')]);
  await until('the second attempt', LIMIT, () => seen.length === 1);
  t.regex(log[0] ?? '', /^warn webhook http:\/\/127\.0\.0\.1:\d+: HTTP 503$/);
  answers = [];
  notifier.tell([fell('b')]);
  await until('it is given up', LIMIT, () => log.some((line) => line.includes('dropped')));
  t.is(log.filter((line) => line.includes('HTTP 500')).length, 3);
  t.notRegex(log.join('\n'), /geheim|s3cret|hook\?/);
});

test('user and password of a URL are sent as such, and no log has them', async (t) => {
  const answers = [503, 200];
  const {url, seen} = await receiver(t, () => answers.shift() ?? 500);
  const withLogin = url.replace('//', '//hook%40er:p%25w-hidden@');
  const {log, notifier} = notifierOf(t, {webhooks: [{url: withLogin}], commands: [], gap: 0});
  notifier.tell([fell('a')]);
  await until('it was sent', LIMIT, () => seen.length > 0 && log.length > 0);
  t.is(seen[0]?.headers.authorization, `Basic ${Buffer.from('hook@er:p%w-hidden').toString('base64')}`);
  t.false(log.join('\n').includes('hidden'), log.join('\n'));
});

test('a slow webhook delays nobody, and a refused connection is logged', async (t) => {
  const {seen, url} = await receiver(t);
  const {log, notifier} = notifierOf(
    t,
    {webhooks: [{url: 'http://127.0.0.1:1/x'}, {url}], commands: [], gap: 0},
    [],
  );
  notifier.tell([fell('a')]);
  await until(
    'both outcomes',
    LIMIT,
    () => seen.length === 1 && log.some((line) => line.includes('dropped')),
  );
  t.regex(log.find((line) => line.includes('dropped')) ?? '', /ECONNREFUSED|bad port/);
});

test('a command gets the message on standard input and the summary in its environment', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-notify-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const command = path.join(folder, 'tell');
  writeFileSync(command, '#!/bin/sh\ncat >"$0.json"\necho "$1 $HACTL_CHANGES $HACTL_SUMMARY" >"$0.txt"\n');
  chmodSync(command, 0o755);
  const {log, notifier} = notifierOf(
    t,
    {webhooks: [], commands: [[command, 'word'], ['/nowhere/at/all']], gap: 0},
    [],
  );
  notifier.tell([fell('a'), fell('b')]);
  // When the daemon stops, waiting messages go out at once.
  await notifier.stop();
  t.is((JSON.parse(readFileSync(`${command}.json`, 'utf8')) as Message).changes, 2);
  t.regex(readFileSync(`${command}.txt`, 'utf8'), /^word 2 lvs1: 2 changes \(real servers: 2 down; /);
  t.true(log.some((line) => /alert command \/nowhere\/at\/all: .*ENOENT/.test(line)));
  t.true(existsSync(command));
});

test('a mail with very many changes is a digest', (t) => {
  const email = {to: ['ops@example.org'], frequency: 0, status: ['all']};
  const events = Array.from({length: 300}, (_, at): AlertEvent => ({
    email,
    text: `${at < 100 ? 'Added' : 'Deleted'} real server: 10.0.0.${at}:80`,
    reason: 'HTTP 503',
  }));
  const mail = composeMail(events, 'lvs1', 'running');
  t.is(mail?.subject, '300 changes of real servers: Added real server: 10.0.0.0:80, …');
  t.regex(mail?.text ?? '', /\nAdded real server: 100\nDeleted real server: 200\nThe first 20:\n/);
  t.is((mail?.text.match(/Log-Message/g) ?? []).length, 20);
});

test('the census counts each virtual service', (t) => {
  const {set, views} = farm(3);
  set(0, 1, 'up');
  set(1, 2, 'down');
  t.deepEqual(censusOf(views()), [{virtual: 'tcp 10.1.0.100:80', up: 1, down: 1, unknown: 1}]);
});
