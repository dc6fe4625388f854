/**
 * Verdicts of keepalived's checkers and of our checks: servers that pass, fail or give unusual answers are checked by Debian's
 * keepalived, and by our checks with the import of the same file. Each case is a virtual service; the kernel's tables must be
 * equal.
 */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import anyTest, {type TestFn} from 'ava';
import {systemClock} from '@hactl/base';
import {startChecks, type CheckReport} from '@hactl/checks';
import {importConfig, loadWritten, type ImportContext, type VirtualService} from '@hactl/config';
import {openKernelIpvs, plan, type VirtualTable} from '@hactl/ipvs';
import {withNamespace} from '@hactl/net';
import {desiredTable} from '../table/desired.ts';
import {checkId, checkSpec} from '../table/services.ts';
import {weightsNow} from '../table/weights.ts';
import {farmCases, farmConfig, farmTable, openFarm} from './import-farm.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 300_000;
/** Requests to a case's server before its verdict counts: several checks of both sides. */
const ASKED = 6;
const namespace = `hactl-verdicts-${process.pid}`;
const work = mkdtempSync(path.join(os.tmpdir(), 'hactl-verdicts-'));

test.before(() => {
  execFileSync('ip', ['netns', 'add', namespace]);
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
});

test.after.always(() => {
  execFileSync('ip', ['netns', 'delete', namespace]);
  rmSync(work, {recursive: true, force: true});
});

const saved = (...inside: readonly string[]): string[] =>
  execFileSync('env', [...inside, 'ipvsadm', '-S', '-n'], {encoding: 'utf8'})
    .split('\n')
    .filter(Boolean)
    .toSorted();

/** Imports a file, and writes its scripts where the imported files refer to them. */
function imported(file: string, text: string): readonly VirtualService[] {
  const installDir = path.join(work, 'ha.d');
  const context: ImportContext = {
    node: 'lb1',
    peer: 'lb2',
    peerKnown: true,
    configId: 'lb1',
    addresses: [],
    installDir,
    resolve: {host: () => undefined, service: () => undefined},
    read: () => undefined,
    glob: () => [],
  };
  const {files, diagnostics} = importConfig({path: file, text}, {context, secret: 'x'.repeat(64)});
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  mkdirSync(installDir);
  for (const {name, text: content, mode} of files) {
    mkdirSync(path.dirname(path.join(installDir, name)), {recursive: true});
    writeFileSync(path.join(installDir, name), content, {mode});
  }
  return loadWritten(files, context).cluster?.ldirectord.flatMap(({virtuals}) => virtuals) ?? [];
}

const settings = {rise: 1, slowStart: 0, dynamicWeight: true, certDays: 0};

/** Programs the table for these reports in the namespace, after a table with all servers up. */
async function programmed(
  virtuals: readonly VirtualService[],
  reports: ReadonlyMap<string, CheckReport>,
): Promise<string[]> {
  const [target, own] = [openSync(`/run/netns/${namespace}`, 'r'), openSync('/proc/thread-self/ns/net', 'r')];
  const ipvs = await withNamespace(target, own, () => openKernelIpvs());
  closeSync(own);
  closeSync(target);
  await ipvs.flush();
  const {weights} = weightsNow({virtuals, reports, ordered: new Map(), settings, warmth: new Map(), now: 0});
  const up = new Map([...reports.keys()].map((id) => [id, 'up'] as const));
  const judged = new Map([...reports].map(([id, {state}]) => [id, state] as const));
  let current: readonly VirtualTable[] = [];
  for (const verdicts of [up, judged]) {
    const wanted = desiredTable({virtuals, verdicts, current, weights, readdQuiescent: false});
    // oxlint-disable-next-line no-await-in-loop -- in the plan's order
    for (const operation of plan(current, wanted)) await ipvs.apply(operation);
    current = wanted;
  }
  ipvs.close();
  return saved('ip', 'netns', 'exec', namespace);
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
}

const tables: {theirs: readonly string[]; ours: readonly string[]} = {theirs: [], ours: []};
let output = '';

test('keepalived and hactl check all servers', async (t) => {
  const text = farmConfig(farmCases);
  const file = path.join(work, 'keepalived.conf');
  writeFileSync(file, text);
  const virtuals = imported(file, text);
  t.is(virtuals.length, farmCases.length);
  const farm = await openFarm(farmCases, work);
  const ids = virtuals.flatMap((virtual) => virtual.reals.map((real) => checkId(virtual, real)));
  const checks = startChecks(systemClock, process.pid, () => undefined);
  checks.configure(
    virtuals.flatMap((virtual) =>
      virtual.reals.map((real) => ({...checkSpec(virtual, real, 'up'), dynamicWeight: true})),
    ),
  );
  const pids = ['-p', path.join(work, 'pid'), '-c', path.join(work, 'checkers.pid')];
  const child = spawn('keepalived', ['-n', '-C', '-l', '-D', '-f', file, ...pids], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  try {
    const wanted = farmTable(farmCases).join('\n');
    const reports = (): Map<string, CheckReport> =>
      new Map(checks.reports().map((report) => [report.id, report]));
    const isSettled = (): boolean => {
      const now = reports();
      return (
        ids.every((id) => (now.get(id)?.checks ?? 0) >= 3) &&
        farmCases.every(({serve}, index) => !serve || (farm.asked[index] ?? 0) >= ASKED)
      );
    };
    const deadline = performance.now() + LIMIT;
    for (;;) {
      await pause(1_000); // oxlint-disable-line no-await-in-loop -- a condition with a deadline
      if (performance.now() > deadline || child.exitCode !== null) break;
      if (!isSettled()) continue;
      tables.theirs = saved();
      tables.ours = await programmed(virtuals, reports()); // oxlint-disable-line no-await-in-loop -- as above
      if (tables.theirs.join('\n') === wanted && tables.ours.join('\n') === wanted) break;
    }
    t.true(tables.theirs.length > farmCases.length, output);
  } finally {
    checks.stop();
    await ended(child);
    farm.close();
    execFileSync('ipvsadm', ['-C']);
  }
});

test('there are at least sixty cases', (t) => {
  t.true(farmCases.length >= 60, String(farmCases.length));
});

farmCases.forEach(({name}, index) => {
  test(`keepalived and the import agree: ${name}`, (t) => {
    const isOfCase = (line: string): boolean => line.includes(` 10.99.0.1:${1_001 + index} `);
    const [theirs, ours] = [tables.theirs.filter(isOfCase), tables.ours.filter(isOfCase)];
    t.deepEqual(theirs, farmTable(farmCases).filter(isOfCase), 'the table of keepalived');
    t.deepEqual(ours, theirs);
  });
});
