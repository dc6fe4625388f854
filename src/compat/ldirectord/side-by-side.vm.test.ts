/**
 * The real ldirectord and ours, each in a network namespace with the same servers: with the same file and the same failures they
 * must have the same table after each step. Intended differences (docs/ldirectord.md) are excluded by name.
 */
import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import {labProgram} from '../../../test/lab/programs.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 120_000;
const real = '/usr/sbin/ldirectord';
const program = labProgram('ldirectord');
const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-side-'));
const reals = ['127.0.0.2', '127.0.0.3'];
const FALLBACK = '127.0.0.9';
const children: ChildProcess[] = [];

const config = (log: string): string => `checkinterval=1
checktimeout=5
negotiatetimeout=5
logfile="${log}"
fallback=${FALLBACK}:80 masq

# deleted when it fails, weights
virtual=10.99.0.100:80
	real=127.0.0.2:80 masq 3
	real=127.0.0.3:80 masq
	service=http
	request="index.html"
	receive="O+K$"
	scheduler=wlc

# weight 0 when it fails, persistence, thresholds
virtual=10.99.0.101:80
	real=127.0.0.2->127.0.0.3:80 masq 2 l:5 u:10
	service=http
	quiescent=yes
	persistent=600
	netmask=255.255.255.0
	scheduler=rr

# a firewall mark without the global fallback's port
virtual=7
	real=127.0.0.2:80 masq
	real=127.0.0.3:80 masq 5
	service=http
	protocol=fwm
	fallback=${FALLBACK}:81 masq
	scheduler=wrr

# the real's own port is not the kernel's
virtual=10.99.0.103:8080
	real=127.0.0.2:80 gate
	real=127.0.0.3:80 gate 4
	service=http
	checktype=connect
	scheduler=sh

# left alone
virtual=10.99.0.104:80
	real=127.0.0.2:80 masq
	checktype=on
`;

/** A real server without its file refuses connections, for every kind of check. */
const server = `
const fs = require('node:fs');
const http = require('node:http');
for (const address of ${JSON.stringify(reals)}) {
  let open;
  setInterval(() => {
    const wanted = fs.existsSync('${root}/' + address);
    if (wanted && !open) open = http.createServer((_, response) => response.end('all OK\\n')).listen(80, address);
    if (!wanted && open) {
      open.closeAllConnections();
      open.close();
      open = undefined;
    }
  }, 50);
}
`;

interface Side {
  readonly name: string;
  readonly netns: string;
  readonly file: string;
  run(action: string): number | null;
}
const folders = {
  HACTL_CONFIG_DIR: `${root}/ha.d`,
  HACTL_RUN_DIR: `${root}/run`,
  HACTL_STATE_DIR: `${root}/state`,
};
const side = (name: string, command: readonly string[]): Side => {
  const netns = `hactl-${name}-${process.pid}`;
  const file = path.join(root, `${name}-${process.pid}.cf`);
  const run = (action: string): number | null =>
    spawnSync('ip', ['netns', 'exec', netns, ...command, file, action], {
      timeout: LIMIT,
      stdio: 'ignore',
      env: {...process.env, ...folders},
    }).status;
  return {name, netns, file, run};
};
const sides = [side('theirs', [real]), side('ours', [process.execPath, program])];

/** The table without the intended difference: a fallback with weight 0, which ldirectord has from its start on. */
const table = ({netns}: Side): string[] =>
  execFileSync('ip', ['netns', 'exec', netns, 'ipvsadm', '-S', '-n'], {encoding: 'utf8'})
    .split('\n')
    .filter((line) => line !== '' && !(line.includes(`-r ${FALLBACK}:`) && line.endsWith('-w 0')))
    .toSorted();

async function until(what: () => boolean, name: () => string): Promise<void> {
  const end = Date.now() + LIMIT;
  while (!what()) {
    if (Date.now() > end) throw new Error(`not so within ${LIMIT} ms: ${name()}`);
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await new Promise((wake) => setTimeout(wake, 200));
  }
}

const set = (...up: readonly string[]): void => {
  for (const address of reals) {
    const file = path.join(root, address);
    if (up.includes(address)) writeFileSync(file, '');
    else rmSync(file, {force: true});
  }
};

/** Real servers and fallbacks of a virtual service, as `address weight`. */
const of = (lines: readonly string[], virtual: string): string[] =>
  lines.flatMap((line) => {
    const match = new RegExp(`^-a ${virtual} -r (\\S+) .*-w (\\d+)`).exec(line);
    return match ? [`${match[1]} ${match[2]}`] : [];
  });
const first = (lines: readonly string[]): string[] => of(lines, '-t 10.99.0.100:80');

test.before(() => {
  for (const folder of Object.values(folders)) mkdirSync(folder);
  set(...reals);
  for (const {netns, file, name} of sides) {
    writeFileSync(file, config(path.join(root, `${name}.log`)));
    execFileSync('ip', ['netns', 'add', netns]);
    execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    children.push(spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', server], {stdio: 'inherit'}));
  }
});

test.after.always(async () => {
  for (const side of sides) side.run('stop');
  for (const child of children) child.kill();
  await until(
    () => sides.every((side) => side.run('status') !== 0),
    () => 'both have ended',
  );
  for (const {netns} of sides) execFileSync('ip', ['netns', 'delete', netns]);
  rmSync(root, {recursive: true, force: true});
});

for (const [name, act, expected] of [
  [
    'started, all servers up',
    () => {
      set(...reals);
      // The emulated machine's start time is not checked, only the resulting table.
      for (const side of sides) side.run('start');
    },
    ['127.0.0.2:80 3', '127.0.0.3:80 1'],
  ],
  ['one real server fails', () => set('127.0.0.3'), ['127.0.0.3:80 1']],
  ['the other one too', () => set(), [`${FALLBACK}:80 1`]],
  ['the first is back', () => set('127.0.0.2'), ['127.0.0.2:80 3']],
  ['both are back', () => set(...reals), ['127.0.0.2:80 3', '127.0.0.3:80 1']],
] as const)
  test(`${name}: one table`, async (t) => {
    t.timeout(4 * LIMIT);
    t.true(existsSync(real), `${real} is not here: Debian's package ldirectord belongs to the lab`);
    act();
    const tables = (): string[][] => sides.map(table);
    const same = (): boolean => {
      const [theirs = [], ours = []] = tables();
      return theirs.join('\n') === ours.join('\n') && first(theirs).join() === expected.join();
    };
    await until(same, () => JSON.stringify(tables(), null, 1));
    // Equal at one moment: must stay so over the next rounds of both.
    await new Promise((wake) => setTimeout(wake, 3_000));
    const [theirs, ours] = tables();
    t.deepEqual(ours, theirs);
    t.deepEqual(first(ours ?? []), [...expected]);
  });

test('stopped: both leave an empty table', async (t) => {
  t.timeout(4 * LIMIT);
  for (const side of sides) t.is(side.run('stop'), 0, side.name);
  await until(
    () => sides.every((side) => table(side).length === 0),
    () => JSON.stringify(sides.map(table)),
  );
  t.deepEqual(sides.map(table), [[], []]);
});
