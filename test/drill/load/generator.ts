/**
 * The drill's load, one process: new connections with one request each, at a rate that rises in steps. Open loop: the schedule
 * does not wait for answers, and times count from when a request was due. Prints a line at the start; `stop` on stdin ends the
 * load and prints one JSON line. Exits when stdin closes.
 */
import {createInterface} from 'node:readline';
import type {LoadSample} from '../../../src/drill/load.ts';
import {readOptions} from '../../options.ts';
import {request} from '../request.ts';
import {dueTimes, rampPhases} from './schedule.ts';

/** The answer to `stop`. Times in milliseconds. */
export interface Generated {
  /** From the start of the load to this answer. */
  readonly age: number;
  /** From its start until `stop`. */
  readonly length: number;
  /** The longest time that a request was started after it was due. */
  readonly late: number;
  readonly samples: readonly LoadSample[];
}

const {values} = readOptions({
  options: {
    help: {type: 'boolean', default: false},
    vip: {type: 'string', default: '127.0.0.1'},
    port: {type: 'string', default: '80'},
    rate: {type: 'string', default: '10'},
    ramp: {type: 'string', default: '0'},
    timeout: {type: 'string', default: '3000'},
  },
});
if (values.help) {
  process.stdout.write('options: see the head of this file, or docs/drills.md\n');
  process.exit(0);
}
const target = {host: values.vip, port: Number(values.port), limit: Number(values.timeout)};
const ramp = Number(values.ramp);

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
const samples: LoadSample[] = [];
const schedule = dueTimes(rampPhases(Number(values.rate), ramp, ramp));
const started = performance.now();
let due = schedule.next().value;
let [late, open] = [0, 0];
let timer: NodeJS.Timeout | undefined;
/** When `stop` was asked, since the start. */
let length: number | undefined;

const now = (): number => performance.now() - started;

function ask(from: number): void {
  open += 1;
  request(target, ({error, page, connected}) => {
    open -= 1;
    const established = connected === undefined ? null : tenths(connected - started - from);
    const server = page.split(' ').at(-1) ?? '';
    const outcome = error === undefined ? ([server] as const) : ([null, error] as const);
    samples.push([tenths(from), established, tenths(now() - from), ...outcome]);
    finish();
  });
}

/** Starts everything that is due: after a stall, all of it at once. */
function pump(): void {
  for (let at = now(); due <= at; due = schedule.next().value) {
    late = Math.max(late, at - due);
    ask(due);
  }
  timer = setTimeout(pump, Math.max(1, due - now()));
}

/** Answers `stop` once the last request has its answer. */
function finish(): void {
  if (length === undefined || open > 0) return;
  const said: Generated = {age: tenths(now()), length: tenths(length), late: tenths(late), samples};
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

createInterface({input: process.stdin})
  .on('line', (line) => {
    if (line !== 'stop' || length !== undefined) return;
    clearTimeout(timer);
    length = now();
    finish();
  })
  .on('close', () => process.exit(0));
process.stdout.write('{"started":true}\n');
pump();
