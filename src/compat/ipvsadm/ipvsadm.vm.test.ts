/**
 * Runs every section of test/fixtures/ipvsadm/lines.txt with the real ipvsadm and then with ours, on the same table, initially
 * empty (the kernel's order of services depends on the namespace, so both use the same one). Needs root and ip_vs.
 */
import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {closeSync, openSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {createInterface} from 'node:readline';
import {isDeepStrictEqual} from 'node:util';
import anyTest, {type TestFn} from 'ava';
import {openKernelIpvs, type IpvsClient} from '@hactl/ipvs';
import {withNamespace} from '@hactl/net';
import {readLines, readSections, type Answer, type Line} from '../../../test/fixtures/ipvsadm/lines.ts';
import {runReal} from '../../../test/fixtures/ipvsadm/real.ts';
import {runOn, systemWorld} from './run.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-ipvsadm-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
let ipvs: IpvsClient | undefined;
let [own, target] = [-1, -1];
let traffic: ChildProcess | undefined;

test.before(async () => {
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up', 'multicast', 'on');
  [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  ipvs = await withNamespace(target, own, () => openKernelIpvs());
});

test.after.always(() => {
  traffic?.kill('SIGKILL');
  ipvs?.close();
  for (const fd of [own, target]) if (fd >= 0) closeSync(fd);
  ip('netns', 'delete', name);
});

const connections = (): string =>
  withNamespace(target, own, () => readFileSync('/proc/thread-self/net/ip_vs_conn', 'utf8'));

function ours(line: Pick<Line, 'words' | 'input'>): Promise<Answer> {
  if (!ipvs) throw new Error('the table is not open');
  return runOn({...systemWorld(ipvs), connections, input: () => line.input}, line.words);
}

const line = (text: string): Line => ({text, words: text.split(' '), input: ''});

test('the fixture has enough lines', (t) => t.true(readLines().length > 400));

for (const {title, lines} of readSections())
  test(`${title}: the same output, errors and status`, async (t) => {
    const answers = runReal(name, lines);
    t.deepEqual(
      await ours(line('-Sn')),
      {stdout: '', stderr: '', status: 0},
      'the section empties the table',
    );
    const wrong: unknown[] = [];
    for (const [index, line] of lines.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- the lines depend on one another.
      const answer = await ours(line);
      if (!isDeepStrictEqual(answer, answers[index]))
        wrong.push({line: index + 1, text: line.text, ours: answer, real: answers[index]});
    }
    t.log(`${lines.length - wrong.length} of ${lines.length} lines equal`);
    t.deepEqual(wrong, []);
  });

test('ipvsadm lists the table programmed by ours as ours does', async (t) => {
  const build = readLines().filter(({words}) => /^-[AEDaed]|^--add/.test(words[0] ?? '') && words.length > 2);
  t.true(build.length > 100, `${build.length} lines`);
  await ipvs?.flush();
  for (const line of build) {
    // oxlint-disable-next-line no-await-in-loop -- the lines depend on one another.
    await ours(line);
  }
  const reads = ['-Sn', '-Ln --tun-info', '-Ln --thresholds'].map((text) => line(text));
  for (const [index, real] of runReal(name, reads).entries()) {
    t.true(real.stdout.split('\n').length > 50);
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    t.deepEqual(await ours(reads[index] ?? line('-Sn')), real);
  }
  await ipvs?.flush();
});

test('as a command of hactl, with -R from its standard input', async (t) => {
  await ipvs?.flush();
  const hactl = (words: readonly string[], input: string): Answer => {
    const main = path.resolve(import.meta.dirname, '../../hactl.ts');
    const argv = [
      'netns',
      'exec',
      name,
      process.execPath,
      main,
      '--run-dir',
      '/nowhere',
      'ipvsadm',
      ...words,
    ];
    const {stdout, stderr, status} = spawnSync('ip', argv, {input, encoding: 'utf8'});
    return {stdout, stderr, status: status ?? -1};
  };
  const input =
    '-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.2 -m\n-A -t 10.0.0.1:80\n-L -n\n--save -n\n';
  const restored = hactl(['-R'], input);
  t.deepEqual(hactl(['-A', '-t', '10.0.0.1:80'], ''), {
    stdout: '',
    stderr: 'Service already exists\n',
    status: 255,
  });
  await ipvs?.flush();
  t.deepEqual(restored, runReal(name, [{words: ['-R'], input}])[0]);
  await ipvs?.flush();
});

/** Real servers and clients in the namespace: open connections, a closing one, a datagram, one-packet datagrams. */
const script = `
const net = require('node:net'), dgram = require('node:dgram');
const listen = (host, port) => new Promise((resolve) =>
  net.createServer((socket) => { socket.on('error', () => {}); socket.write('x'.repeat(1000)); }).listen(port, host, resolve));
const connect = (host, port) => new Promise((resolve, reject) => {
  const socket = net.connect(port, host).on('error', reject).once('data', () => resolve(socket));
});
const send = (port) => new Promise((resolve, reject) => {
  const socket = dgram.createSocket('udp4');
  socket.send(Buffer.alloc(500), port, '10.7.0.1', (error) => error ? reject(error) : resolve());
});
(async () => {
  await listen('10.7.0.2', 9090); await listen('fd00:7::1', 9090);
  await connect('10.7.0.1', 8080); await connect('10.7.0.1', 8080); await connect('fd00:7::1', 80);
  (await connect('10.7.0.1', 8080)).end();
  await send(8081); await send(8082); await send(8082);
  console.log('ready');
})();
`;

const busy = [
  '-A -t 10.7.0.1:8080 -s rr -p 6000',
  '-a -t 10.7.0.1:8080 -r 10.7.0.2:9090 -m',
  '-A -u 10.7.0.1:8081 -s rr',
  '-a -u 10.7.0.1:8081 -r 10.7.0.2:9091 -m',
  '-A -u 10.7.0.1:8082 -s rr -o',
  '-a -u 10.7.0.1:8082 -r 10.7.0.2:9092 -m',
  '-A -t [fd00:7::1]:80 -s rr -p 100 -M 64',
  '-a -t [fd00:7::1]:80 -r [fd00:7::1]:9090 -m',
].map((text) => line(text));

const looks = [
  '-Ln', '-L', '-Ln --stats', '-Ln --stats --exact', '-Ln --rate', '-Ln --rate --exact', '-Ln --persistent-conn',
  '-Lnc', '-Lc', '-Lnc --persistent-conn', '-Ln -t 10.7.0.1:8080 --stats', '-Sn',
].map((text) => line(text)); // prettier-ignore

test('with connections: counters, rates and the list of connections', async (t) => {
  ip('-n', name, 'address', 'add', '10.7.0.1/24', 'dev', 'lo');
  ip('-n', name, 'address', 'add', '10.7.0.2/24', 'dev', 'lo');
  ip('-n', name, 'address', 'add', 'fd00:7::1/64', 'dev', 'lo', 'nodad');
  for (const line of busy) {
    // oxlint-disable-next-line no-await-in-loop -- the lines depend on one another.
    t.deepEqual(await ours(line), {stdout: '', stderr: '', status: 0}, line.text);
  }
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  traffic = child;
  for await (const text of createInterface(child.stdout)) if (text === 'ready') break;

  // The kernel sums its counters every two seconds.
  const three = /10\.7\.0\.1:8080 {23}3 /;
  // oxlint-disable-next-line no-await-in-loop -- a condition; the test's own limit ends it.
  while (!three.test((await ours(line('-Ln --stats --exact'))).stdout)) await pause(100);

  for (const look of looks) {
    // Timers and rates change: compare only if our output is the same before and after ipvsadm's.
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- looked at until nothing moves; the test's own limit ends it.
      const before = await ours(look);
      const [real] = runReal(name, [look]);
      // oxlint-disable-next-line no-await-in-loop -- as above.
      const after = await ours(look);
      if (before.stdout !== after.stdout) continue;
      t.deepEqual(after, real, `ipvsadm ${look.text}`);
      break;
    }
  }
  const listed = await ours(line('-Lnc'));
  t.regex(listed.stdout, /ESTABLISHED 10\.7\.0\.1:\d+ +10\.7\.0\.1:8080 +10\.7\.0\.2:9090\n/);

  t.deepEqual(await ours(line('-Z')), {stdout: '', stderr: '', status: 0});
  const zeroed = await ours(line('-Ln --stats'));
  t.deepEqual(zeroed, runReal(name, [line('-Ln --stats')])[0]);
  t.notRegex(zeroed.stdout, three);
});
