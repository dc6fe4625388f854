/** The sync drills, where IPVS is: in namespaces of this kernel. `npm run drill:sync` brings us here. */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {onStage, powerCycle, type Scene} from './drills.ts';
import {makeNetwork} from './network.ts';
import {hactlPair, keepalivedPair} from './pair.ts';
import {basic, services} from './plan.ts';
import {renderResults, type DrillResult} from './result.ts';

const {values} = parseArgs({
  options: {
    help: {type: 'boolean', default: false},
    only: {type: 'string', default: 'abcd'},
    with: {type: 'string', default: ''},
    mode: {type: 'string', default: 'relay'},
    idle: {type: 'string', default: '2000'},
    busy: {type: 'string', default: '200'},
    logs: {type: 'boolean', default: false},
  },
});
if (values.help) {
  process.stdout.write(
    'drill:sync [--only abcd] [--with keepalived] [--mode multicast|relay|relay-encrypted] [--idle N] [--busy N] [--logs]\n',
  );
  process.exit(0);
}

const started = performance.now();
const checkout = path.resolve(import.meta.dirname, '../..');
const say = (line: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
};
const results: DrillResult[] = [];

type Make = (network: ReturnType<typeof makeNetwork>) => Pick<Scene, 'pair'> & Partial<Scene>;
async function run(drill: string, make: Make, events: (scene: Scene) => Parameters<typeof onStage>[1]) {
  const network = makeNetwork(checkout, 'abcdefgh'[results.length]);
  const scene: Scene = {
    drill,
    network,
    services: basic,
    idle: Number(values.idle) / 2,
    busy: Number(values.busy) / 2,
    say,
    judged: true,
    ...make(network),
  };
  const result = await onStage(scene, events(scene));
  results.push(result);
  if (values.logs || result.failures.length > 0) await printLogs(network);
  await network.site.destroy();
}

async function printLogs({site}: ReturnType<typeof makeNetwork>): Promise<void> {
  const {stdout} = await site.run('client', [
    'sh',
    '-c',
    `cd ${site.directory('client')}; tail -n 60 *.log */*.log`,
  ]);
  process.stdout.write(stdout);
}

const cycle = (scene: Scene) => (stage: Parameters<typeof powerCycle>[1]) => powerCycle(scene, stage);
if (values.only.includes('a')) await run('a', (network) => ({pair: hactlPair(network, values.mode)}), cycle);
if (values.only.includes('a') && values.with === 'keepalived')
  for (const delay of [0, 20])
    // oxlint-disable-next-line no-await-in-loop -- one pair after another.
    await run('a', (network) => ({pair: keepalivedPair(network, delay), judged: false}), cycle);
void services;

process.stdout.write('\n' + renderResults(results).join('\n') + '\n');
const good = results.length > 0 && results.every((one) => one.failures.length === 0);
process.stdout.write(good ? 'drill:sync passed\n' : 'drill:sync FAILED\n');
process.exit(good ? 0 : 1);
