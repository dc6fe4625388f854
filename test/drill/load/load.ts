/** The load beneath a drill: the generator on the client, Tsung if asked for, and the directors' CPU meanwhile. */
import type {Measured} from '../../../src/drill/load.ts';
import type {Program} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import type {Cluster} from '../cluster.ts';
import {pause} from '../scene.ts';
import {recordCpu} from './cpu.ts';
import type {Generated} from './generator.ts';
import {rampPhases} from './schedule.ts';
import {startTsung} from './tsung.ts';

/** As asked on the command line. */
export interface LoadPlan {
  /** New connections per second after the ramp. */
  readonly rate: number;
  /** Seconds; the shortest time that the load lasts includes its ramp. */
  readonly ramp: number;
  readonly seconds: number;
  /** Tsung too, at the same rates: then the load ends after `seconds`, even if the drills are not over. */
  readonly tsung: boolean;
}

const GENERATOR = 'test/drill/load/generator.ts';

export type Load = Awaited<ReturnType<typeof startLoad>>;

/** Starts it and resolves when it has its rate; `began` is the start of the drill (wall clock, milliseconds). */
export async function startLoad(plan: LoadPlan, cluster: Cluster, began: number, limit: number) {
  const {site} = cluster;
  const {rate, ramp, seconds} = plan;
  const tsung = plan.tsung ? await startTsung(site, rampPhases(rate, ramp, seconds), limit) : undefined;
  const words = ['--vip', site.vip, '--rate', String(rate), '--ramp', String(ramp)];
  const log = `${site.directory('client')}/load.log`;
  const generator: Program = await site.start(
    'client',
    [site.node, `${site.checkout}/${GENERATOR}`, ...words],
    log,
  );
  let heard = 0;
  generator.onLine(() => {
    heard = Date.now();
  });
  const said = (what: string, lines: number): Promise<string> =>
    until(what, limit, () => {
      const line = generator.lines[lines - 1];
      if (line === undefined && !generator.running) throw new Error(`the load generator ended: see ${log}`);
      return line;
    });
  await said('the load generator runs', 1);
  const planned = pause(seconds * 1_000);
  if (tsung) void planned.then(() => generator.write('stop'));
  const cpu = recordCpu(cluster, began);
  cpu.start();
  await pause(ramp * 1_000);
  return {
    /** Waits until the load has lasted as long as asked, then ends it. */
    finish: async (): Promise<Measured> => {
      await planned;
      generator.write('stop');
      const {age, length, late, samples} = JSON.parse(
        await said('the load generator reports', 2),
      ) as Generated;
      const measured = {rate, ramp, began: heard - age - began, length, late, samples, cpu: cpu.stop()};
      return tsung ? {...measured, tsung: await tsung.finish(began)} : measured;
    },
    /** Whatever state it is in. */
    kill: async (): Promise<void> => {
      cpu.stop();
      await generator.kill('SIGKILL', true);
      await tsung?.kill();
    },
  };
}
