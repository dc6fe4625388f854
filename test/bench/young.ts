/**
 * `npm run bench:young [-- RATE SECONDS RUNS]`: what pushing young connections costs at 2,000 new connections a second: datagrams that
 * reach the real server, and processor time, with it (20 ms) and without, alternating, in one micro-VM with two network
 * namespaces as directors. Prints figures only.
 */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {makePair, said, services, until} from '../../packages/sync/src/pair.fixture.ts';
import {figures, median} from '../lab/figures.ts';
import {usage} from './process-tree.ts';

if (process.argv[2] === 'compile') process.exit(0);
const FLOOD = fileURLToPath(new URL('young-flood.ts', import.meta.url));
const [rate = 2_000, seconds = 20, runs = 3] = process.argv.slice(2).map(Number);
const LIMIT = 90_000;

/** Milliseconds of processor time of everything in this machine. */
function processor(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 10;
}

interface Cost {
  readonly sent: number;
  readonly received: number;
  /** Processor time for each second: both sync processes, and everything. */
  readonly sync: number;
  readonly whole: number;
  readonly arrived: number;
}

async function measure(delay: number): Promise<Cost> {
  const pair = makePair('hy');
  try {
    for (const side of ['one', 'other'] as const) services(pair, side);
    pair.run('one', 'ip', 'address', 'add', '10.96.1.0/24', 'dev', 'lo');
    const more = {mode: 'relay', delay, sysctls: {sync_threshold: '1 0', sync_refresh_period: '10'}} as const;
    const sides = [pair.startSync('one', true, more), pair.startSync('other', false, more)];
    await until('in sync', LIMIT, () => sides.every((side) => side.status()?.report?.phase === 'in-sync'));
    const time = () => [sides.reduce((sum, {pid}) => sum + usage(pid).cpu, 0), processor()] as const;
    const [sync, whole] = time();
    const flood = pair.start('one', FLOOD, String(rate), String(seconds));
    const {sent, received} = await said<{sent: number; received: number}>(flood);
    const [syncAfter, wholeAfter] = time();
    const arrived = Number(pair.run('other', 'sh', '-c', 'grep -c ^UDP /proc/net/ip_vs_conn || true'));
    await Promise.all(sides.map((side) => side.stop()));
    return {
      sent: sent / seconds,
      received: received / seconds,
      sync: (syncAfter - sync) / seconds,
      whole: (wholeAfter - whole) / seconds,
      arrived: arrived / seconds,
    };
  } finally {
    await pair.destroy();
  }
}

const found = new Map<number, Cost[]>([
  [0, []],
  [20, []],
]);
for (let run = 0; run < runs; run += 1)
  for (const [delay, costs] of found)
    // oxlint-disable-next-line no-await-in-loop -- one measurement at a time.
    costs.push(await measure(delay));
for (const [delay, costs] of found) {
  const of = (what: keyof Cost): string => figures(costs.map((cost) => cost[what]));
  process.stdout.write(
    `young connections ${delay === 0 ? 'not pushed' : `pushed each ${delay} ms`}: ${of('sent')} new connections/s, ${of('received')}/s at the real server, ` +
      `${of('arrived')}/s in the peer's kernel; processor ms/s: both sync processes ${of('sync')}, everything ${of('whole')}\n`,
  );
}
const ratio = (what: keyof Cost): string =>
  (
    median((found.get(20) ?? []).map((cost) => cost[what])) /
    median((found.get(0) ?? []).map((cost) => cost[what]))
  ).toFixed(2);
process.stdout.write(
  `with / without: received ${ratio('received')}, sync processes ${ratio('sync')}, everything ${ratio('whole')}\n`,
);
