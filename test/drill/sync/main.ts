/** The sync drills in namespaces of this kernel, which has IPVS. Started by `npm run drill:sync`. */
import path from 'node:path';
import {readOptions} from '../../options.ts';
import {onStage, type Scene, type Stage} from './drills.ts';
import {makeNetwork, type Network} from './network.ts';
import {hactlPair, keepalivedPair, type HactlPair, type Pair} from './pair.ts';
import {basic, services, slow} from './plan.ts';
import {renderResults, type DrillResult} from './result.ts';
import {renderYoung, youngDrill, type YoungRow} from './young.ts';
import {deaths, loss, persistence, power} from './troubles.ts';

const {values} = readOptions({
  options: {
    help: {type: 'boolean', default: false},
    only: {type: 'string', default: 'abcd'},
    with: {type: 'string', default: ''},
    mode: {type: 'string', default: 'relay'},
    delays: {type: 'string', default: '20ms'},
    idle: {type: 'string', default: '2000'},
    busy: {type: 'string', default: '200'},
    rates: {type: 'string', default: '10,100,1000'},
    runs: {type: 'string', default: '1'},
    logs: {type: 'boolean', default: false},
  },
});
if (values.help) {
  process.stdout.write(
    'drill:sync [--only abcde] [--with keepalived] [--mode multicast|relay] [--delays 20ms,off] [--idle N] [--busy N] [--rates N,N] [--runs N] [--logs]\n',
  );
  process.exit(0);
}

const started = performance.now();
const checkout = path.resolve(import.meta.dirname, '../../..');
const say = (line: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
};
const results: DrillResult[] = [];

/** A drill on its own machines. `play` creates the pair and runs the events. */
async function run(
  drill: string,
  load: Pick<Scene, 'services' | 'idle' | 'busy'>,
  make: (network: Network) => Pair,
  play: (scene: Scene, stage: Stage) => Promise<void>,
  judged = true,
): Promise<void> {
  const network = makeNetwork(checkout, 'abcdefgh'[results.length]);
  const scene: Scene = {drill, network, pair: make(network), say, judged, ...load};
  const result = await onStage(scene, (stage) => play(scene, stage));
  results.push(result);
  if (values.logs || result.failures.length > 0) await printLogs(network);
  await network.site.destroy();
}

async function printLogs({site}: Network): Promise<void> {
  const {stdout} = await site.run('client', [
    'sh',
    '-c',
    `cd ${site.directory('client')}; tail -n 60 *.log */*.log`,
  ]);
  process.stdout.write(stdout);
}

const ours = (network: Network, served = basic): HactlPair =>
  hactlPair(network, {mode: values.mode, delay: values.delays.split(',')[0] ?? 'off'}, served);
const [idle, busy] = [Number(values.idle) / 2, Number(values.busy) / 2];
const full = {services: basic, idle, busy};
const tenth = {services: basic, idle: Math.ceil(idle / 10), busy: Math.ceil(busy / 10)};
if (values.only.includes('a')) await run('a', full, (network) => ours(network), power);
if (values.only.includes('a') && values.with === 'keepalived')
  for (const delay of [0, 20])
    // oxlint-disable-next-line no-await-in-loop -- one pair after another.
    await run('a', full, (network) => keepalivedPair(network, delay), power, false);
if (values.only.includes('b')) {
  const others = services.filter((one) => !basic.includes(one));
  await run('b', {...tenth, services: others}, (network) => ours(network, others), persistence);
}
if (values.only.includes('c')) await run('c', tenth, (network) => ours(network), loss);
if (values.only.includes('d')) {
  let pair: HactlPair | undefined;
  await run(
    'd',
    tenth,
    (network) => (pair = ours(network)),
    (scene, stage) => deaths(scene, stage, pair as HactlPair),
  );
}

const young: YoungRow[] = [];
/** Both modes with each delay, and optionally keepalived. Figures only: losses at a power cut depend on the machine. */
async function requestsUnderWay(): Promise<void> {
  const ways = values.delays
    .split(',')
    .flatMap((delay) => ['multicast', 'relay'].map((mode) => ({mode, delay})));
  const makers: ((network: Network) => Pair)[] = ways.map(
    (way) => (network) => hactlPair(network, way, slow),
  );
  if (values.with === 'keepalived') makers.push((network) => keepalivedPair(network, 0, slow));
  for (const rate of values.rates.split(',').map(Number))
    for (let left = Number(values.runs); left > 0; left -= 1)
      for (const make of makers) {
        const network = makeNetwork(checkout, 'abcdefghijklmnopqrstuvwxyz'[young.length % 26]);
        // oxlint-disable no-await-in-loop -- one pair after another.
        try {
          young.push(...(await youngDrill({pair: make(network), network, rate, say})));
        } catch (error) {
          say(`FAILED: ${String(error)}`);
          await printLogs(network);
        }
        await network.site.destroy();
        // oxlint-enable no-await-in-loop
      }
}
if (values.only.includes('e')) await requestsUnderWay();

process.stdout.write(
  '\n' + [...(results.length > 0 ? renderResults(results) : []), ...renderYoung(young)].join('\n') + '\n',
);
const moved = young.filter(({move, pair}) => move.startsWith('planned') && pair.startsWith('hactl'));
const lostByChoice = moved
  .flatMap(({became}) => Object.values(became))
  .reduce((sum, {lost}) => sum + lost, 0);
if (lostByChoice > 0) process.stdout.write(`planned moves lost ${lostByChoice} requests\n`);
const good =
  results.length + young.length > 0 &&
  lostByChoice === 0 &&
  results.every((one) => one.failures.length === 0);
process.stdout.write(good ? 'drill:sync passed\n' : 'drill:sync FAILED\n');
process.exit(good ? 0 : 1);
