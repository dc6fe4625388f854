/**
 * `npm run bench:table [-- SERVICES SERVERS]`: a large table (1,000 virtual services of 10 servers) in one micro-VM: programming
 * an empty kernel, applying one verdict, and one server of every service failing at once, compared with `ipvsadm -R`,
 * `ipvsadm -e` and keepalived on the same kernel, each in its own network namespace. Prints figures; only checks that the tables
 * are complete.
 */
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {carryOut, openKernelIpvs, plan, type IpvsClient, type VirtualTable} from '@hactl/ipvs';
import {inside} from '../lab/namespace-work.ts';
import {until} from '../lab/until.ts';

if (process.argv[2] === 'compile') process.exit(0);
const [services = 1_000, servers = 10] = process.argv.slice(2).map(Number);
const RUNS = 3;
const VERDICTS = 300;
/** Uncompiled code, and what the listings left to be collected: a director has 10,000 verdicts behind it after its first round. */
const FIRST = 20;
const print = (line: string): void => {
  process.stdout.write(line + '\n');
};
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8', maxBuffer: 1 << 26});
const names: string[] = [];
const makeNamespace = (): string => {
  const name = `hactl-bt${process.pid}-${names.length}`;
  names.push(name);
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return name;
};
const openTable = (name: string): Promise<IpvsClient> => inside(name, () => openKernelIpvs());
const octets = (number: number): string => `${number >> 8}.${number & 255}`;
const addressOf = (service: number): string => `10.88.${octets(service)}`;
const serverOf = (service: number, server: number): string => `10.${89 + server}.${octets(service)}`;
const numbers = (count: number): number[] => Array.from({length: count}, (_, number) => number);

const wanted: VirtualTable[] = numbers(services).map((service) => ({
  service: {
    key: {kind: 'address', family: 4, protocol: 'tcp', address: addressOf(service), port: 80},
    scheduler: 'wlc',
    flags: {ops: false, flag1: false, flag2: false, flag3: false},
    netmask: 32,
  },
  destinations: numbers(servers).map((server) => ({
    family: 4,
    address: serverOf(service, server),
    port: 80,
    forward: 'masq',
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  })),
}));
/** The same with weight 0 for one server, chosen by the caller. */
const withDead = ({service, destinations}: VirtualTable, dead: number): VirtualTable => ({
  service,
  destinations: destinations.map((destination, index) =>
    index === dead ? {...destination, weight: 0} : destination,
  ),
});

const timed = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};
const at = (values: readonly number[], part: number): string => {
  const sorted = values.toSorted((value, right) => value - right);
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1)} ms`;
};
const all = (values: readonly number[]): string => values.map((value) => `${value.toFixed(0)} ms`).join(', ');
const resident = (pid: number | 'self'): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1_024;
const entries = (name: string): number =>
  ip('netns', 'exec', name, 'ipvsadm', '-Sn')
    .split('\n')
    .filter((line) => line.length > 0).length;
const complete = services * (servers + 1);

/** The cost of a verdict: list one service, compute the difference, apply its operations. */
async function judge(ipvs: IpvsClient, table: VirtualTable): Promise<void> {
  const observed = await ipvs.get(table.service.key);
  const outcomes = await carryOut(ipvs, plan(observed ? [observed] : [], [table]));
  for (const {error} of outcomes) if (error) throw error;
}

async function hactl(ipvsadm: string): Promise<void> {
  const text = wanted
    .flatMap(({service: {key}, destinations}) => {
      const name = key.kind === 'address' ? `${key.address}:80` : '';
      return [
        `-A -t ${name} -s wlc`,
        ...destinations.map(({address}) => `-a -t ${name} -r ${address}:80 -m -w 1`),
      ];
    })
    .join('\n');
  const name = makeNamespace();
  const ipvs = await openTable(name);
  const [own, others]: [number[], number[]] = [[], []];
  for (let run = 0; run < RUNS; run += 1) {
    // oxlint-disable no-await-in-loop -- sequential, alternating.
    await ipvs.flush();
    own.push(await timed(async () => carryOut(ipvs, plan(await ipvs.list(), wanted))));
    execFileSync('ip', ['netns', 'exec', ipvsadm, 'ipvsadm', '-C']);
    others.push(
      await timed(() =>
        execFileSync('ip', ['netns', 'exec', ipvsadm, 'ipvsadm', '-R'], {input: `${text}\n`}),
      ),
    );
    // oxlint-enable no-await-in-loop
  }
  if (entries(name) !== complete || entries(ipvsadm) !== complete) throw new Error('a table is not complete');
  print(
    `${services} services of ${servers} servers into an empty table: hactl ${all(own)}; ipvsadm -R ${all(others)}`,
  );

  const lists = [await timed(() => ipvs.list()), await timed(() => ipvs.list())];
  const verdicts: number[] = [];
  for (let made = 0; made < FIRST + VERDICTS; made += 1) {
    const table = wanted[(made * 37) % services]!;
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    verdicts.push(await timed(() => judge(ipvs, withDead(table, made % servers))));
  }
  const [first, later] = [verdicts.slice(0, FIRST), verdicts.slice(FIRST)];
  print(
    `one verdict to the kernel: ${at(later, 0.5)} (median), ${at(later, 0.99)} (99 of 100), ${at(later, 1)} (the slowest); the first ${FIRST} of the process: up to ${at(first, 1)}; listing the whole table takes ${all(lists)}`,
  );
  const edits: number[] = [];
  for (let made = 0; made < 30; made += 1) {
    const words = ['-e', '-t', `${addressOf(made)}:80`, '-r', `${serverOf(made, 0)}:80`, '-m', '-w', '0'];
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    edits.push(await timed(() => execFileSync('ip', ['netns', 'exec', ipvsadm, 'ipvsadm', ...words])));
  }
  print(`  ipvsadm -e: ${at(edits, 0.5)} (median), including process start`);
  for (const table of wanted)
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    await judge(ipvs, table);
  const died = await timed(async () => {
    for (const table of wanted)
      // oxlint-disable-next-line no-await-in-loop -- one after another.
      await judge(ipvs, withDead(table, 0));
  });
  const dead = ip('netns', 'exec', name, 'ipvsadm', '-Sn').match(/-w 0$/gm)?.length ?? 0;
  if (dead !== services) throw new Error(`${dead} servers have weight 0`);
  print(`${services} servers failing at once, one of each service: ${died.toFixed(0)} ms`);
  print(`memory: ${resident('self').toFixed(0)} MB with the desired table and the kernel's list`);
  ipvs.close();
}

async function keepalived(): Promise<void> {
  const name = makeNamespace();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'hactl-bt-'));
  const text = wanted
    .map(({service: {key}, destinations}) => {
      const real = destinations.map(({address}) => `real_server ${address} 80 {\n weight 1\n}\n`).join('');
      return `virtual_server ${key.kind === 'address' ? key.address : ''} 80 {\n lb_algo wlc\n lb_kind NAT\n protocol TCP\n${real}}\n`;
    })
    .join('');
  writeFileSync(path.join(directory, 'keepalived.conf'), `global_defs {\n}\n${text}`);
  const pids = ['-p', '-c'].flatMap((option) => [option, path.join(directory, `${option}.pid`)]);
  const words = ['keepalived', '-n', '-l', '-C', '-f', path.join(directory, 'keepalived.conf'), ...pids];
  const started = performance.now();
  const child = spawn('ip', ['netns', 'exec', name, ...words], {stdio: 'ignore'});
  try {
    await until('keepalived has programmed all', 120_000, () => entries(name) === complete, 20);
    const elapsed = performance.now() - started;
    const checker = Number(readFileSync(path.join(directory, '-c.pid'), 'latin1'));
    print(
      `keepalived from its start until the table is complete: ${elapsed.toFixed(0)} ms (polling it takes ${(await timed(() => entries(name))).toFixed(0)} ms); ${resident(checker).toFixed(0)} MB`,
    );
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    rmSync(directory, {recursive: true});
  }
}

try {
  execFileSync('modprobe', ['ip_vs_wlc']);
  await hactl(makeNamespace());
  await keepalived();
} finally {
  for (const name of names) ip('netns', 'delete', name);
}
