/** The sync drills: faults of the pair, and what the streams must survive. */
import {until} from '../../lab/until.ts';
import type {ClientReport} from './frame.ts';
import {startLoad, type Load} from './load.ts';
import type {Network} from './network.ts';
import {kernelOf, LIMIT, type Pair} from './pair.ts';
import type {Service} from './plan.ts';
import {
  describeMove,
  describeTables,
  lostOf,
  moveResult,
  totalLost,
  type DrillResult,
  type MoveResult,
} from './result.ts';

export interface Scene {
  readonly drill: string;
  readonly network: Network;
  readonly pair: Pair;
  readonly services: readonly Service[];
  readonly idle: number;
  readonly busy: number;
  readonly say: (line: string) => void;
  /** A pair not expected to keep everything: its losses are figures, not failures. */
  readonly judged: boolean;
}

/** A busy stream's pause between answer and next request, ms. */
const INTERVAL = 1_000;
/** Timeout for the answers of all idle streams, ms. */
const ASK_LIMIT = 60_000;

export interface Stage {
  readonly load: Load;
  readonly failures: string[];
  readonly moves: MoveResult[];
}

/** Starts the pair, opens the streams, runs `events`; always cleans up. */
export async function onStage(scene: Scene, events: (stage: Stage) => Promise<void>): Promise<DrillResult> {
  const {say, pair, network, services} = scene;
  const stage = {failures: [] as string[], moves: [] as MoveResult[]};
  let load: Load | undefined;
  say(`drill ${scene.drill}, ${pair.name}`);
  try {
    load = await startLoad(network);
    await pair.start();
    say('  the pair is running');
    for (const service of services) {
      // oxlint-disable-next-line no-await-in-loop -- one service after another: the servers' accept queues are short.
      await load.open(service, scene.idle, 0);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      const report = await load.open(service, scene.busy, INTERVAL);
      const mine = report.services.find((one) => one.service === service.name);
      say(`  ${service.name}: ${mine?.idle} idle and ${mine?.busy} busy streams, ${mine?.broken} not opened`);
      if (mine?.broken !== 0 || mine.moved !== 0)
        stage.failures.push(
          `${service.name}: not all streams could be opened: ${JSON.stringify(report.errors)}`,
        );
    }
    await tablesEqual(scene, stage.failures);
    await events({load, ...stage});
  } catch (error) {
    stage.failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await load?.stop();
    await pair.stop();
  }
  for (const failure of stage.failures) say(`  FAILED: ${failure}`);
  return {drill: scene.drill, pair: pair.name, judged: scene.judged, ...stage};
}

/** Waits until the tables are equal, both by the pair's report and by the kernels' lists. */
export async function tablesEqual({network, pair, say, judged}: Scene, failures: string[]): Promise<void> {
  const kernel = kernelOf(network);
  let last = await kernel.difference();
  const limit = judged ? LIMIT : 15_000;
  try {
    const word = await pair.equal();
    await until(
      'the tables are equal',
      limit,
      async () => {
        last = await kernel.difference();
        return last.onlyFirst.length + last.onlySecond.length === 0 && last.same > 0;
      },
      500,
    );
    say(`  tables equal: ${word}`);
  } catch (error) {
    if (judged) failures.push(error instanceof Error ? error.message : String(error));
    say('  tables NOT equal');
  }
  say(`  ${describeTables(last)}`);
}

/** Every idle stream sends a request; losses since `before` are attributed to the move. */
export async function asked(load: Load): Promise<ClientReport> {
  return load.tell({do: 'ask', limit: ASK_LIMIT});
}

/**
 * Power loss of the Active director and its return with an empty table; it fails back as soon as it is ready. `after` runs
 * after each move.
 */
export async function powerCycle(
  scene: Scene,
  {load, failures, moves}: Stage,
  after: (what: MoveResult['what']) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const {network, pair, say} = scene;
  const kernel = kernelOf(network);
  const settled = async (
    what: MoveResult['what'],
    before: ClientReport,
    since: number,
  ): Promise<ClientReport> => {
    const took = performance.now() - since;
    const report = await asked(load);
    const move = moveResult(what, before, report, took);
    moves.push(move);
    say(`  ${describeMove(move)}`);
    if (totalLost(move) > 0) {
      say(`  errors: ${JSON.stringify(report.errors)}`);
      if (scene.judged) failures.push(`${what}: ${totalLost(move)} streams lost`);
    }
    await after(what);
    return report;
  };
  const first = await asked(load);
  const early = lostOf(first);
  if (early.broken + early.moved > 0)
    failures.push(`before any event: ${early.broken} streams broken, ${early.moved} on another real server`);
  const off = performance.now();
  await pair.powerOff('director1');
  await kernel.taken('director2');
  const second = await settled('failover', first, off);

  const on = performance.now();
  await pair.powerOn('director1');
  say(`  director1 boots with ${(await kernel.table('director1')).length} connections in its table`);
  await kernel.taken('director1');
  await settled('failback', second, on);
  for (const line of await pair.word('director1')) say(`    ${line}`);
}
