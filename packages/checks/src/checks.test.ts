/** Probes against test servers on loopback: healthy, wrong, hung, refusing, resetting. */
import {mkdtempSync, readdirSync, rmSync, writeFileSync, chmodSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import test, {type ExecutionContext} from 'ava';
import {startChecks} from './driver.ts';
import {firstDue, initialReport, nextReport, nextDue, nextKind, SLOT, type CheckSpec} from './index.ts';
import type {FromShard} from './messages.ts';
import {probeConnect} from './probes/connect.ts';
import {probeExternal} from './probes/external.ts';
import {probeHttp} from './probes/http.ts';

/** For probes that should end by themselves, even on emulated and busy machines. */
const AMPLE = 60_000;

const spec = (more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: 'tcp 10.0.0.100:80 > 127.0.0.1:80',
  checkType: {kind: 'negotiate'},
  service: 'http',
  family: 4,
  address: '127.0.0.1',
  port: 80,
  protocol: 'tcp',
  virtualAddress: '10.0.0.100',
  virtualPort: 80,
  realPort: 8080,
  checkTimeout: AMPLE,
  negotiateTimeout: AMPLE,
  checkInterval: 40,
  checkCount: 1,
  failureCount: 1,
  receive: 'It Works',
  ...more,
});

/** A server that treats every connection the same; resolves to its port. */
async function serve(t: ExecutionContext, handle: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

const answer = (text: string) => (socket: net.Socket) => {
  socket.once('data', () => socket.end(text));
};
const page = (status: string, body: string, more = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

const http = test.macro(
  async (
    t,
    handle: (socket: net.Socket) => void,
    passed: boolean,
    reason: RegExp,
    more: Partial<CheckSpec> = {},
  ) => {
    const port = await serve(t, handle);
    const check = spec({port, ...more});
    const result = await probeHttp(check, check.negotiateTimeout, systemClock);
    t.is(result.passed, passed, result.reason);
    t.regex(result.reason, reason);
  },
);

test(
  'http: an expression that would take years',
  http,
  answer(page('200 OK', `${'a'.repeat(60)}b`)),
  false,
  /^connected in \d+ ms, \/\^\(a\+\)\+\$\/: the expression takes more than \d+ ms on an answer of 61 char/,
  {receive: '^(a+)+$'},
);
test(
  'http: the page matches',
  http,
  answer(page('200 OK', 'It Works!')),
  true,
  /HTTP 200, body matches \/It Works\//,
);
test(
  'http: chunked',
  http,
  answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nIt \r\n5\r\nWorks\r\n0\r\n\r\n'),
  true,
  /matches/,
);
test(
  'http: another text',
  http,
  answer(page('200 OK', 'Maintenance')),
  false,
  /does not match .*Maintenance/,
);
test('http: 503', http, answer(page('503 Busy', 'It Works!')), false, /HTTP 503, expected body/);
test(
  'http: 204 has no body that could match receive',
  http,
  (socket) => answer(page('204 No Content', ''))(socket),
  false,
  /HTTP 204, body does not match/,
);
test('http: not HTTP', http, answer('SSH-2.0-OpenSSH_9\r\n'), false, /not HTTP/);
test(
  'http: accepts and never answers',
  http,
  () => undefined,
  false,
  /no answer within 300 ms \((waiting for the answer|connecting)\)/,
  {negotiateTimeout: 300},
);
test('http: closes at once', http, (socket) => socket.end(), false, /not HTTP|closed the connection/);
test(
  'http: resets mid-way',
  http,
  (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nIt');
    socket.once('data', () => socket.resetAndDestroy());
  },
  false,
  /reset/,
);

for (const [status, statuses, passed, reason] of [
  ['401 Unauthorized', [[401, 401]], true, /HTTP 401, body matches/],
  [
    '503 Busy',
    [
      [400, 401],
      [500, 503],
    ],
    true,
    /HTTP 503, body matches/,
  ],
  ['200 OK', [[401, 401]], false, /HTTP 200, expected 401, expected body/],
  [
    '204 No Content',
    [
      [200, 200],
      [301, 303],
    ],
    false,
    /HTTP 204, expected 200 301-303/,
  ],
] as const)
  // prettier-ignore
  test(
    `http: ${status} where ${JSON.stringify(statuses)} pass`,
    http,
    answer(page(status, 'It Works!')),
    passed,
    reason,
    {statuses},
  );
test(
  'http: where statuses are listed, a redirect is no way to them',
  http,
  answer('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\nIt Works!'),
  true,
  /HTTP 302, body matches/,
  {statuses: [[302, 302]]},
);

test('http: a redirect is followed, Host is the virtual host', async (t) => {
  const heads: string[] = [];
  const port = await serve(t, (socket) => {
    socket.once('data', (bytes) => {
      const head = bytes.toString();
      heads.push(head);
      socket.end(
        head.startsWith('GET /next')
          ? page('200 OK', 'It Works!')
          : page('302 Found', '', 'Location: /next\r\n'),
      );
    });
  });
  const result = await probeHttp(
    spec({port, virtualHost: 'www.esempio.com', request: '/index.html'}),
    AMPLE,
    systemClock,
  );
  t.true(result.passed, result.reason);
  t.regex(heads[0] ?? '', /^GET \/index\.html HTTP\/1\.1\r\nHost: www\.esempio\.com\r\n/);
  t.is(heads.length, 2);
});

test('connect: open and refused', async (t) => {
  const port = await serve(t, () => undefined);
  t.true((await probeConnect(spec({port}), AMPLE, systemClock)).passed);
  const closed = await serve(t, () => undefined);
  t.true((await probeConnect(spec({port: closed}), AMPLE, systemClock)).passed);
  const refused = await probeConnect(spec({port: 1}), AMPLE, systemClock);
  t.false(refused.passed);
  t.regex(refused.reason, /refused: nothing listens there/);
});

test('external: arguments and exit status; a hanging command is killed with its children', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-external-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const script = (text: string): string => {
    const file = path.join(folder, `check${Math.abs(text.length)}.sh`);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const run = (checkCommand: string) =>
    probeExternal(spec({checkType: {kind: 'external'}, checkCommand}), AMPLE, systemClock);
  t.true((await run(script('[ "$1 $2 $3 $4" = "10.0.0.100 80 127.0.0.1 8080" ]'))).passed);
  const failed = await run(script('exit 3'));
  t.deepEqual([failed.passed, /exit status 3/.test(failed.reason)], [false, true]);
  t.regex((await run(path.join(folder, 'missing'))).reason, /cannot be run: ENOENT/);
  const hung = await probeExternal(spec({checkCommand: script('sleep 60 & wait')}), 100, systemClock);
  t.regex(hung.reason, /did not end within 100 ms/);
});

test('a sending program: %h and %p; its output decides, or its exit status without expected output', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-external-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const file = path.join(folder, 'mon.sh');
  writeFileSync(file, '#!/bin/sh\n[ "$1" = 127.0.0.1:8080 ] && echo UP || echo "DOWN $*"\nexit 3\n');
  chmodSync(file, 0o755);
  const run = (words: string, expect?: string) =>
    probeExternal(
      spec({
        checkType: {kind: 'external'},
        sendProgram: {command: `${file} ${words}`, ...(expect === undefined ? {} : {expect})},
      }),
      AMPLE,
      systemClock,
    );
  t.true((await run('%h:%p', 'UP')).passed);
  const result = await run('$(id) ; %h', 'UP');
  t.false(result.passed);
  t.regex(result.reason, /exit status 3; it printed "DOWN \$\(id\) ; 127\.0\.0\.1", not what is expected/);
  t.false((await run('%h:%p', 'UPPER')).passed);
  t.false((await run('%h:%p')).passed);
});

test('verdicts: failurecount applies, except to a server that was never up', (t) => {
  const three = spec({failureCount: 3, initial: 'up'});
  const result = (passed: boolean) => ({passed, reason: 'r', took: 1});
  let report = initialReport(three, 0);
  const states: string[] = [];
  for (const passed of [false, false, true, false, false, false, true]) {
    report = nextReport(three, report, result(passed), 1);
    states.push(report.state);
  }
  t.deepEqual(states, ['up', 'up', 'up', 'up', 'up', 'down', 'up']);
  const fresh = spec({failureCount: 3});
  t.is(nextReport(fresh, initialReport(fresh, 0), result(false), 1).state, 'down');
});

test('checktype N: N connects between two negotiates; a failure is followed by a negotiate', (t) => {
  const combined = spec({checkType: {kind: 'combined', connects: 2}});
  const seen = initialReport(combined, 0);
  t.is(nextKind(combined, seen, 0), 'negotiate');
  const passed = {...seen, checks: 1};
  t.is(nextKind(combined, passed, 0), 'connect');
  t.is(nextKind(combined, passed, 1), 'connect');
  t.is(nextKind(combined, passed, 2), 'negotiate');
  t.is(nextKind(combined, {...passed, failures: 1}, 0), 'negotiate');
});

test('deadlines: spread at the start, counted from due time to due time, never in the past', (t) => {
  const dues = Array.from({length: 10_000}, (_, index) => firstDue(1_000, index, 10_000));
  t.is(Math.max(...dues), 3_000);
  const inSlot = Math.max(...Array.from(Map.groupBy(dues, (due) => due).values(), (same) => same.length));
  t.true(inSlot <= 5 * SLOT + 1, `${inSlot} in one slot`);
  t.true(firstDue(1_000, 9, 10) <= 1_000 + SLOT, 'a few begin at once');
  t.is(nextDue(1_000, 200, 1_050), 1_200);
  t.is(nextDue(1_000, 200, 1_930), 1_950);
});

test('a hung real server delays no other check, and a failed one is noticed', async (t) => {
  const hung = await serve(t, () => undefined);
  const good = await serve(t, answer(page('200 OK', 'It Works!')));
  const messages: FromShard[] = [];
  const checks = startChecks(systemClock, process.pid, (message) => messages.push(message));
  t.teardown(() => checks.stop());
  checks.configure([
    spec({id: 'hung', port: hung}),
    spec({id: 'good', port: good}),
    spec({id: 'refused', port: 1}),
  ]);
  const count = (id: string): number => checks.reports().find((report) => report.id === id)?.checks ?? 0;
  const end = performance.now() + AMPLE / 2;
  while (count('good') < 5 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.true(count('good') >= 5);
  t.is(count('hung'), 0);
  const verdicts = messages.flatMap((message) =>
    message.type === 'verdict' ? [`${message.report.id} ${message.report.state}`] : [],
  );
  t.deepEqual(verdicts.toSorted(), ['good up', 'refused down']);
});

test('a check that waited for its turn is counted as late', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-turn-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true, maxRetries: 20}));
  const script = path.join(folder, 'check.sh');
  writeFileSync(script, `#!/bin/sh\n: >${folder}/$4\nwhile [ ! -e ${folder}/go ]; do sleep 0.05; done\n`, {
    mode: 0o755,
  });
  const [rooms, held] = [32, 400];
  const checks = startChecks(systemClock, process.pid, () => undefined);
  t.teardown(() => checks.stop());
  checks.configure(
    Array.from({length: rooms + 1}, (_, at) =>
      spec({
        id: `command ${at}`,
        checkType: {kind: 'external'},
        checkCommand: script,
        checkInterval: AMPLE,
        realPort: 1_000 + at,
      }),
    ),
  );
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  const limit = performance.now() + AMPLE / 2;
  while (readdirSync(folder).length < rooms + 1 && performance.now() < limit) await pause();
  // All slots are taken from here on.
  const until = performance.now() + held;
  while (performance.now() < until) await pause();
  t.is(readdirSync(folder).length, rooms + 1, 'the script and what it was started for');
  writeFileSync(path.join(folder, 'go'), '');
  while (checks.reports().some((report) => report.checks === 0) && performance.now() < limit) await pause();
  t.true(checks.reports().every((report) => report.checks === 1 && report.state === 'up'));
  t.true(checks.lateness().max >= held, `${checks.lateness().max} ms`);
});

for (const [receive, body] of [
  ['OK$', 'all OK\n'],
  ['für', Buffer.from('für alle').toString('latin1')],
] as const)
  test(`http: receive="${receive}" is read as Perl reads it`, async (t) => {
    const port = await serve(t, (socket) => {
      socket.once('data', () => socket.end(Buffer.from(page('200 OK', body), 'latin1')));
    });
    const result = await probeHttp(spec({port, receive}), AMPLE, systemClock);
    t.true(result.passed, result.reason);
  });
