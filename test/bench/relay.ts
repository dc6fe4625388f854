/**
 * `npm run bench:relay [-- MESSAGES]`: what carrying a kernel's sync message costs the two sync processes, in processor
 * time, in each mode. Two network namespaces of this machine (root), their kernels need no IPVS: a program speaks for
 * them. Prints; an error when messages do not arrive.
 */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {makePair, until, type SyncProcess} from '../../packages/sync/src/pair.fixture.ts';

const BURST = fileURLToPath(new URL('../../packages/sync/src/burst.fixture.ts', import.meta.url));
const LIMIT = 120_000;
const RATE = 2_000;
const WARM = 2_000;
/** The burst's different messages. */
const DISTINCT = 300;
/** Reports come every 300 ms: unchanged for so long it is the last, in ms. */
const QUIET = 1_000;
/** Connections in a message: one that fills an Ethernet frame, one of a director whose pulse beats. */
const SIZES = [35, 3] as const;
const count = Number(process.argv[2] ?? 20_000);
const modes = [
  ['multicast', {mode: 'multicast'}],
  ['relay', {mode: 'relay'}],
] as const;
const report = (process: SyncProcess) => process.status()?.report;

/** Processor time of a process so far, in ms, to the tick of its clock. */
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
      await until('they hear each other', LIMIT, () => sides.every((side) => report(side)?.peer === true));
      const burst = async (messages: number): Promise<void> => {
        const source = name === 'multicast' ? '10.97.0.1' : '127.0.0.1';
        const child = pair.start('one', BURST, String(messages), String(RATE), '7', source, String(entries));
        await pair.ended(child);
      };
      // What is compiled by then is compiled; the mirrors have their size.
      await burst(WARM);
      // A frame carries what came in one turn of the event loop: several messages at times.
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
          `${each(sender)} of processor time at the sender, ${each(receiver)} at the receiver for each; ` +
          `in ${frames() - framesBefore} frames, ${report(sides[1])?.lost} lost\n`,
      );
    } finally {
      await pair.destroy();
    }
    // oxlint-enable no-await-in-loop
  }
