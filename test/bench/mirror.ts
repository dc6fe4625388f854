/**
 * Memory of a mirror of a million connections and the cost of a look-up, on this machine:
 *   node test/bench/mirror.ts [COUNT]
 * Every second connection is IPv6. Prints one line of figures; checks nothing.
 */
import {connectionOf, entryOf} from '../../packages/sync/src/entries.fixture.ts';
import {HEADER} from '../../packages/sync/src/entry.ts';
import {createMirror, find, sweep, upsert} from '../../packages/sync/src/mirror.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const mirror = createMirror(1);
const made = (number: number): Buffer =>
  entryOf(connectionOf(number >>> 1, {family: number % 2 === 0 ? 4 : 6}));
const base = process.memoryUsage().rss;
// Reuse the buffers, to measure the table and not the creation of test data.
const samples = Array.from({length: 1_000}, (_, number) => made(number));
const vary = (number: number): Buffer => {
  const sample = samples[number % samples.length]!;
  sample.writeUInt32BE(number, HEADER + 24);
  return sample;
};
let started = performance.now();
for (let number = 0; number < count; number += 1) upsert(mirror, vary(number), HEADER, 0);
const insert = performance.now() - started;
started = performance.now();
let found = 0;
for (let number = 0; number < count; number += 1) if (find(mirror, vary(number), HEADER) >= 0) found += 1;
const lookup = performance.now() - started;
const {rss, arrayBuffers} = process.memoryUsage();
started = performance.now();
const gone = sweep(mirror, 1e6);
const expire = performance.now() - started;
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
const per = (milliseconds: number): string => ((milliseconds / count) * 1e6).toFixed(0);
process.stdout.write(
  `${count} connections: RSS ${mb(rss)} MB (${mb(base)} MB before, ${mb(arrayBuffers)} MB in arrays), ` +
    `insert ${per(insert)} ns, find ${per(lookup)} ns (${found} found), expire ${per(expire)} ns each (${gone})\n`,
);
