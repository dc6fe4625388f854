/**
 * `npm run bench:relay [-- MESSAGES]`: CPU time of the two sync processes for relaying a kernel's sync message, in each mode.
 * Two network namespaces of this machine (root); no IPVS needed, as a program plays the kernels. Prints figures; fails if
 * messages do not arrive.
 */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {makePair, until, type SyncProcess} from '../../packages/sync/src/pair.fixture.ts';

const BURST = fileURLToPath(new URL('../../packages/sync/src/burst.fixture.ts', import.meta.url));
const LIMIT = 120_000;
const RATE = 2_000;
const WARM = 2_000;
/** Number of distinct messages in the burst. */
const DISTINCT = 300;
/** Reports arrive every 300 ms: one unchanged for this long (ms) is final. */
const QUIET = 1_000;
/** Connections per message: filling an Ethernet frame, and of a director with its pulse running. */
const SIZES = [35, 3] as const;
const count = Number(process.argv[2] ?? 20_000);
const modes = [
  ['multicast', {mode: 'multicast'}],
  ['relay', {mode: 'relay'}],
] as const;
const report = (process: SyncProcess) => process.status()?.report;

/** CPU time of a process so far, in ms, with clock tick resolution. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

for (const [name, more] of modes)
  for (const entries of SIZES) {
    const pair = makePair('hy');
    // oxlint-disable no-await-in-loop -- one measurement at a time.
    try {
      const sides = [pair.startSync('one', true, more), pair.startSync('other', false, more)] as const;
      await until('they receive each other', LIMIT, () => sides.every((side) => report(side)?.peer === true));
      const burst = async (messages: number): Promise<void> => {
        const source = name === 'multicast' ? '10.97.0.1' : '127.0.0.1';
        const child = pair.start('one', BURST, String(messages), String(RATE), '7', source, String(entries));
        await pair.ended(child);
      };
      // By now the code is compiled and the mirrors have grown to their final size.
      await burst(WARM);
      // A frame carries all messages of one event-loop turn, sometimes several.
      const frames = (): number => report(sides[0])?.relayed ?? 0;
      const arrived = (): number => (report(sides[1])?.heard ?? 0) + (report(sides[1])?.lost ?? 0);
      const connections = DISTINCT * entries;
      await until('the first ones arrived', LIMIT, () =>
        sides.every((side) => report(side)?.here === connections),
      );
      const [before, framesBefore] = [sides.map((side) => cpu(side.pid)), frames()];
      const started = performance.now();
      await burst(count);
      let [last, since] = [-1, performance.now()];
      await until('the sender has sent all', LIMIT, () => {
        if (frames() !== last) [last, since] = [frames(), performance.now()];
        return last > framesBefore && performance.now() - since > QUIET;
      });
      await until('they arrive', LIMIT, () => arrived() >= frames());
      const elapsed = performance.now() - started;
      const [sender = 0, receiver = 0] = sides.map((side, index) => cpu(side.pid) - (before[index] ?? 0));
      const each = (milliseconds: number): string => `${((milliseconds * 1_000) / count).toFixed(0)} µs`;
      process.stdout.write(
        `${name}: ${count} messages of ${entries} connections in ${(elapsed / 1_000).toFixed(1)} s: ` +
          `${each(sender)} of CPU time at the sender, ${each(receiver)} at the receiver for each; ` +
          `in ${frames() - framesBefore} frames, ${report(sides[1])?.lost} lost\n`,
      );
    } finally {
      await pair.destroy();
    }
    // oxlint-enable no-await-in-loop
  }
