/**
 * `npm run bench:sync [-- COUNT…]`: how long a full resync takes beside one read of /proc/net/ip_vs_conn and beside the
 * bare feeding of the kernel, in one micro-VM. Two network namespaces are the directors. Prints; judges nothing but that
 * every connection arrived.
 */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {makePair, until, type SyncProcess} from '../../packages/sync/src/pair.fixture.ts';

const SEED = fileURLToPath(new URL('../../packages/sync/src/seed.fixture.ts', import.meta.url));
const LIMIT = 400_000;
if (process.argv[2] === 'compile') process.exit(0);
const counts = process.argv.slice(2).map(Number);
const modes = ['relay', 'relay-encrypted'] as const;
const print = (line: string): void => {
  process.stdout.write(line + '\n');
};
const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

/** Processor time of a process so far, in ms. */
const cpu = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const memory = (pid: number): string =>
  `${(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1_024).toFixed(0)} MB`;

if (process.env.HACTL_IN_VM === '1') {
  // As many hash buckets as a director with such tables would be given.
  for (const module of ['ip_vs_rr', 'ip_vs'])
    try {
      execFileSync('rmmod', [module], {stdio: 'ignore'});
    } catch {
      // Not loaded.
    }
  execFileSync('modprobe', ['ip_vs', 'conn_tab_bits=18'], {stdio: 'ignore'});
}

async function measure(count: number, mode: (typeof modes)[number]): Promise<boolean> {
  const pair = makePair('hb');
  const more = {mode: 'relay', encrypt: mode === 'relay-encrypted', deadline: LIMIT} as const;
  const report = (process: SyncProcess) => process.status()?.report;
  try {
    const one = pair.startSync('one', true, more);
    await until('it runs', LIMIT, () => report(one) !== undefined);
    const seeder = pair.start('one', SEED, String(count), '7', '135');
    const bare = await new Promise<number>((resolve) => {
      seeder.once('message', ({took}: {took: number}) => resolve(took));
    });
    await until('the mirror holds all', LIMIT, () => report(one)?.here === count);
    const readStarted = performance.now();
    pair.run('one', 'sh', '-c', 'cat /proc/net/ip_vs_conn > /dev/null');
    const read = performance.now() - readStarted;

    const other = pair.startSync('other', false, more);
    await until('the peer is heard', LIMIT, () => report(other)?.peer === true);
    const before = [cpu(one.pid), cpu(other.pid)] as const;
    await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
    const {last, repaired, overflows} = report(other)!;
    const took = last?.took ?? Infinity;
    const held = Number(pair.run('other', 'sh', '-c', 'wc -l < /proc/net/ip_vs_conn')) - 1;
    print(
      `${count} connections, ${mode}: full resync ${seconds(took)}, ` +
        `cat /proc/net/ip_vs_conn ${seconds(read)} (${(took / read).toFixed(2)} x), bare feeding ${seconds(bare)}; ` +
        `${held} in the joiner's kernel; ${last?.rounds} comparisons, ${repaired} repaired, ${overflows} overflows, ${report(one)?.resent} chunks sent again; ` +
        `processor: sender ${seconds(cpu(one.pid) - before[0])}, joiner ${seconds(cpu(other.pid) - before[1])}; ` +
        `memory: ${memory(one.pid)}, ${memory(other.pid)}`,
    );
    return held === count;
  } finally {
    await pair.destroy();
  }
}

let complete = true;
for (const count of counts.length > 0 ? counts : [10_000, 100_000])
  for (const mode of modes)
    // oxlint-disable-next-line no-await-in-loop -- one measurement at a time.
    if (!(await measure(count, mode))) complete = false;
print(complete ? 'every connection arrived' : 'NOT every connection arrived');
process.exitCode = complete ? 0 : 1;
