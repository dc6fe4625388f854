/**
 * The drop-in command with a virtual service in the kernel's table, in a private network namespace: start, failure and recovery,
 * maintenance, fallback, malformed files at a reload, stop.
 */
import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import {labProgram} from '../../../test/lab/programs.ts';
import {makeCorpus} from '../../../test/malformed.ts';
import {ask} from '../../control/client.ts';
import type {OrderAction} from '../../control/protocol.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const program = labProgram('ldirectord');
const netns = `hactl-ld-${process.pid}`;
const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-ld-'));
const folders = {
  HACTL_CONFIG_DIR: `${root}/ha.d`,
  HACTL_RUN_DIR: `${root}/run`,
  HACTL_STATE_DIR: `${root}/state`,
};
const file = `${root}/ha.d/ldirectord.cf`;
const maintenance = `${root}/maintenance`;
const children: ChildProcess[] = [];

/** Two real servers and the fallback's page; a real server whose file is missing answers 503. */
const server = `
const fs = require('node:fs');
for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.9'])
  require('node:http').createServer((request, response) => {
    response.statusCode = fs.existsSync('${root}/' + address) ? 200 : 503;
    response.end('OK');
  }).listen(80, address);
// A mail server that accepts everything and records it.
require('node:net').createServer((socket) => {
  let data = false;
  socket.on('error', () => undefined);
  socket.write('220 test\\r\\n');
  require('node:readline').createInterface({input: socket}).on('line', (line) => {
    fs.appendFileSync('${root}/mail', line + '\\n');
    if (data && line !== '.') return;
    if (line === 'DATA') socket.write('354 go on\\r\\n');
    else if (line === 'QUIT') socket.end('221 bye\\r\\n');
    else socket.write('250 ok\\r\\n');
    data = line === 'DATA';
  });
}).listen(2525, '127.0.0.9');
`;
const config = `checkinterval=1
checktimeout=5
logfile="${root}/log"
maintenancedir=${maintenance}
fallback=127.0.0.9:80 masq
fallbackcommand=echo >>${root}/fallback
callback="${root}/callback.sh"
emailalert=ops@example.org
emailalertstatus=running
smtp=127.0.0.9:2525
virtual=10.99.0.100:80
	real=127.0.0.2:80 masq 3
	real=127.0.0.3:80 masq
	service=http
	request="/"
	receive="OK"
	scheduler=wlc
	monitorfile=${root}/monitor
`;

const inside = (...words: string[]): string =>
  execFileSync('ip', ['netns', 'exec', netns, ...words], {encoding: 'utf8'});
const call = (...words: string[]) => {
  const {status, stdout, stderr} = spawnSync(
    'ip',
    ['netns', 'exec', netns, process.execPath, program, ...words],
    {encoding: 'utf8', timeout: LIMIT, env: {...process.env, ...folders}},
  );
  return {status, stdout, stderr};
};
const read = (name: string): string => (existsSync(name) ? readFileSync(name, 'utf8') : '');
/** ipvsadm's rules in input format, sorted: the table. */
const table = (): string[] =>
  inside('ipvsadm', '-S', '-n')
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();

async function until(what: () => boolean, name: string): Promise<void> {
  const end = Date.now() + LIMIT;
  while (!what()) {
    if (Date.now() > end)
      throw new Error(`not so within ${LIMIT} ms: ${name}: ${table().join(' / ')}\n${read(`${root}/log`)}`);
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await new Promise((wake) => setTimeout(wake, 50));
  }
}
const holds =
  (...reals: string[]) =>
  (): boolean => {
    const lines = table().filter((line) => line.startsWith('-a '));
    return (
      lines.length === reals.length &&
      reals.every((real) => lines.some((line) => line.includes(`-r ${real}`)))
    );
  };

const socketOf = (): string => {
  const [instance = ''] = readdirSync(`${root}/run/ldirectord`);
  return path.join(root, 'run/ldirectord', instance, 'control.sock');
};

test.before(async () => {
  for (const folder of [...Object.values(folders), maintenance]) mkdirSync(folder);
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.9']) writeFileSync(path.join(root, address), '');
  writeFileSync(file, config);
  writeFileSync(`${root}/callback.sh`, `#!/bin/sh\necho "$@" >>${root}/called\n`, {mode: 0o755});
  children.push(spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', server], {stdio: 'inherit'}));
  await until(() => inside('ss', '-ltn').includes('127.0.0.9:80'), 'the servers listen');
});

test.after.always(async () => {
  if (existsSync(file)) call('stop');
  for (const child of children) child.kill();
  await until(() => call('status').status !== 0, 'the daemon has ended');
  execFileSync('ip', ['netns', 'delete', netns]);
  rmSync(root, {recursive: true, force: true});
});

test('start: the real servers are added to the table with their weights', async (t) => {
  t.timeout(4 * LIMIT);
  t.deepEqual(call('start'), {status: 0, stdout: '', stderr: ''});
  await until(holds('127.0.0.2:80', '127.0.0.3:80'), 'both reals');
  t.deepEqual(table(), [
    '-A -t 10.99.0.100:80 -s wlc',
    '-a -t 10.99.0.100:80 -r 127.0.0.2:80 -m -w 3',
    '-a -t 10.99.0.100:80 -r 127.0.0.3:80 -m -w 1',
  ]);
  // The first that is done, and in the file that the configuration names.
  await until(() => read(`${root}/log`).includes('Added virtual server: tcp 10.99.0.100:80'), 'a first line');
  t.is(call('status').status, 0);
});

test('a failed real server is removed and returns; without any the fallback serves and its command runs', async (t) => {
  t.timeout(4 * LIMIT);
  rmSync(path.join(root, '127.0.0.2'));
  await until(holds('127.0.0.3:80'), 'one real');
  rmSync(path.join(root, '127.0.0.3'));
  await until(holds('127.0.0.9:80'), 'the fallback');
  await until(() => read(`${root}/fallback`) !== '', 'its command');
  for (const address of ['127.0.0.2', '127.0.0.3']) writeFileSync(path.join(root, address), '');
  await until(holds('127.0.0.2:80', '127.0.0.3:80'), 'both reals');
  await until(() => read(`${root}/fallback`).includes('stop'), 'its command again');
  t.is(read(`${root}/fallback`), 'start 10.99.0.100:80 tcp\nstop 10.99.0.100:80 tcp\n');
  // A slow machine puts both real servers into one mail: with longer lines, which quoted-printable breaks.
  const mailed = (): string => read(`${root}/mail`).replaceAll('=\n', '');
  await until(() => mailed().includes('Log-Message: Deleted real server: 127.0.0.2:80'), 'a mail');
  t.regex(read(`${root}/mail`), /^RCPT TO:<ops@example\.org>$/m);
  t.regex(read(`${root}/monitor`), /\[up\]/);
  t.regex(read(`${root}/monitor`), /127\.0\.0\.2 80 3 masq \[down\] .*503/);
});

test('maintenancedir: a file removes a real server, whatever its checks say', async (t) => {
  t.timeout(4 * LIMIT);
  writeFileSync(path.join(maintenance, '127.0.0.2:80'), '');
  await until(holds('127.0.0.3:80'), 'one real');
  rmSync(path.join(maintenance, '127.0.0.2:80'));
  await until(holds('127.0.0.2:80', '127.0.0.3:80'), 'both reals');
  t.pass();
});

test('a drained real server stays with weight 0, another weight applies at once, and both can be revoked', async (t) => {
  t.timeout(4 * LIMIT);
  const order = (action: OrderAction, weight?: number) =>
    ask(
      socketOf(),
      {
        command: 'order',
        action,
        reals: ['127.0.0.2'],
        who: 'test',
        ...(weight === undefined ? {} : {weight}),
      },
      LIMIT,
    );
  const weight = (wanted: number) => (): boolean =>
    table().includes(`-a -t 10.99.0.100:80 -r 127.0.0.2:80 -m -w ${wanted}`);
  await order('drain');
  await until(weight(0), 'drained');
  await order('weight', 7);
  t.true(weight(0)(), 'a drain hides a weight');
  await order('undrain');
  await until(weight(7), 'the ordered weight');
  await order('weight-reset');
  await until(weight(3), 'the configured weight');
});

test('malformed files at a reload leave the table unchanged', async (t) => {
  t.timeout(4 * LIMIT);
  const socket = socketOf();
  const before = table();
  // Values that need DNS lookups are covered by the test without a kernel.
  const broken = makeCorpus()
    .filter(({name, text}) => name === 'ldirectord.cf' && !/no host|\(|nosuch/.test(text))
    .filter((_, at) => at % 20 === 0);
  let refused = 0;
  for (const {text} of broken) {
    // Add an error at the end: a repaired file would rightly be applied.
    writeFileSync(file, `${text}\nnosuch=1\n`);
    // oxlint-disable-next-line no-await-in-loop -- one reload after another.
    const answer = await ask(socket, {command: 'reload'}, LIMIT);
    if (!answer.ok && answer.diagnostics.length > 0) refused += 1;
  }
  t.is(refused, broken.length);
  t.true(broken.length >= 15);
  t.deepEqual(table(), before);
  await until(() => read(`${root}/called`).includes(file), 'the callback');
  t.is(call('reload').status, 2);
  t.is(call('status').status, 0);
});

test('stop with a broken file empties the table and ends the daemon', async (t) => {
  t.timeout(4 * LIMIT);
  appendFileSync(file, 'still broken\n');
  t.is(call('stop').status, 0);
  await until(() => table().length === 0, 'an empty table');
  await until(() => call('status').status === 3, 'the daemon has ended');
  t.pass();
});
