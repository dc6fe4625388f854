/**
 * `npm run bench:sync [-- COUNT… MODE… latency]`: duration of a full resync, compared with one read of /proc/net/ip_vs_conn and
 * with merely feeding the kernel; with `latency` also the delay of packets forwarded by the sender meanwhile. In one micro-VM, with
 * two network namespaces as directors. Prints figures; only checks that every connection arrived.
 *
 * A million connections need time and memory: HACTL_LAB_MINUTES=MINUTES HACTL_LAB_MEMORY=MEGABYTES. Reading the kernel's list is
 * limited to two minutes: its duration is quadratic in the number of connections.
 */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {makePair, services, until, type SyncProcess} from '../../packages/sync/src/pair.fixture.ts';
import {usage} from './process-tree.ts';

const SEED = fileURLToPath(new URL('../../packages/sync/src/seed.fixture.ts', import.meta.url));
const LATENCY = fileURLToPath(new URL('../../packages/sync/src/latency.fixture.ts', import.meta.url));
const LIMIT = 1_200_000;
/** Time of measuring round trips before the resync, ms. */
const CALM = 4_000;
const READ_LIMIT = 120;
const COUNTED = 200_000;
if (process.argv[2] === 'compile') process.exit(0);
const words = process.argv.slice(2);
const counts = words.map(Number).filter((count) => count > 0);
const all = ['relay'] as const;
const chosen = all.filter((mode) => words.includes(mode));
const modes = chosen.length > 0 ? chosen : all;
const print = (line: string): void => {
  process.stdout.write(line + '\n');
};
const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

const memory = (pid: number): string =>
  `${(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1_024).toFixed(0)} MB`;

if (process.env.HACTL_IN_VM === '1') {
  const loaded = readFileSync('/proc/modules', 'latin1').match(/^ip_vs\w*/gm) ?? [];
  // The schedulers hold references to ip_vs: unload it last.
  for (const module of loaded.toSorted((left, right) => right.length - left.length))
    try {
      execFileSync('rmmod', [module], {stdio: 'ignore'});
    } catch {
      // Not loaded.
    }
  // The kernel's default hash table, or for sizes where nobody would keep it, as many buckets as such a director would use.
  const buckets = counts.some((count) => count > COUNTED) ? ['conn_tab_bits=18'] : [];
  execFileSync('modprobe', ['ip_vs', ...buckets], {stdio: 'ignore'});
}

interface Trips {
  readonly asked: number;
  readonly answered: number;
  readonly median: number;
  readonly p99: number;
}
const tripsText = ({asked, answered, median, p99}: Trips): string =>
  `${median.toFixed(1)} / ${p99.toFixed(1)} ms (${asked - answered} of ${asked} lost)`;

async function measure(count: number, mode: (typeof all)[number]): Promise<boolean> {
  const pair = makePair('hb');
  const more = {mode: 'relay', deadline: LIMIT} as const;
  const report = (process: SyncProcess) => process.status()?.report;
  try {
    services(pair, 'one');
    const one = pair.startSync('one', true, more);
    await until('it is running', LIMIT, () => report(one) !== undefined);
    const seeder = pair.start('one', SEED, String(count), '7', '135');
    const bare = await new Promise<number>((resolve) => {
      seeder.once('message', ({took}: {took: number}) => resolve(took));
    });
    await until('the mirror holds all', LIMIT, () => (report(one)?.here ?? 0) >= count);
    const readStarted = performance.now();
    pair.run('one', 'sh', '-c', `timeout ${READ_LIMIT} cat /proc/net/ip_vs_conn > /dev/null || true`);
    const whole = performance.now() - readStarted < READ_LIMIT * 1_000;
    const read = performance.now() - readStarted;

    // A separate process sends the packets: it takes CPU time from the resync.
    const echo = words.includes('latency') ? pair.start('one', LATENCY, '100') : undefined;
    const trips = (): Promise<Trips | undefined> =>
      new Promise((resolve) => {
        if (!echo) return resolve(undefined);
        echo.once('message', (found: Trips) => resolve(found));
        echo.send('report');
      });
    if (echo) {
      await new Promise((resolve) => {
        echo.once('message', resolve);
      });
      await trips();
      await new Promise((resolve) => {
        setTimeout(resolve, CALM);
      });
    }
    const calm = await trips();

    const other = pair.startSync('other', false, more);
    await until('the peer’s adverts arrive', LIMIT, () => report(other)?.peer === true);
    await trips();
    const before = [usage(one.pid).cpu, usage(other.pid).cpu] as const;
    await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
    const busy = await trips();
    const {last, repaired, overflows} = report(other)!;
    const resyncMs = last?.took ?? Infinity;
    // Listing more would take many minutes; the sync process knows what the kernel consumed from its queue.
    const listed = count <= COUNTED;
    const held = listed
      ? Number(pair.run('other', 'sh', '-c', 'wc -l < /proc/net/ip_vs_conn')) - 1
      : (report(other)?.injected ?? 0);
    print(
      `${count} connections, ${mode}: full resync ${seconds(resyncMs)}, ` +
        `cat /proc/net/ip_vs_conn ${whole ? '' : 'not finished after '}${seconds(read)} (${whole ? '' : 'less than '}${(resyncMs / read).toFixed(2)} x), feeding only ${seconds(bare)}; ` +
        `${held} ${listed ? "in the joiner's kernel" : "taken by the joiner's kernel, by its queue"}; ${last?.rounds} comparisons, ${repaired} repaired, ${overflows} overflows, ${report(one)?.resent} chunks sent again; ` +
        `processor: sender ${seconds(usage(one.pid).cpu - before[0])}, joiner ${seconds(usage(other.pid).cpu - before[1])}; ` +
        `memory: ${memory(one.pid)}, ${memory(other.pid)}` +
        (calm && busy
          ? `; round trip of a packet through the sender, median / p99: ${tripsText(calm)} before, ${tripsText(busy)} meanwhile`
          : ''),
    );
    return held >= count;
  } finally {
    await pair.destroy();
  }
}

print(`hash buckets: 2^${readFileSync('/sys/module/ip_vs/parameters/conn_tab_bits', 'latin1').trim()}`);
let complete = true;
for (const count of counts.length > 0 ? counts : [10_000, 100_000])
  for (const mode of modes)
    // oxlint-disable-next-line no-await-in-loop -- one measurement at a time.
    if (!(await measure(count, mode))) complete = false;
print(complete ? 'every connection arrived' : 'NOT every connection arrived');
process.exitCode = complete ? 0 : 1;
