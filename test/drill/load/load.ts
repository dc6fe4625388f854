/** The load beneath a drill: the generator on the client, and the directors' CPU meanwhile. */
import type {Measured} from '../../../src/drill/load.ts';
import type {Program} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import type {Cluster} from '../cluster.ts';
import {pause} from '../scene.ts';
import {recordCpu} from './cpu.ts';
import type {Generated} from './generator.ts';

/** As asked on the command line. */
export interface LoadPlan {
  /** New connections per second after the ramp. */
  readonly rate: number;
  /** Seconds; the shortest time that the load lasts includes its ramp. */
  readonly ramp: number;
  readonly seconds: number;
}

const GENERATOR = 'test/drill/load/generator.ts';

export type Load = Awaited<ReturnType<typeof startLoad>>;

/** Starts it; `began` is the start of the drill (wall clock, milliseconds). */
export async function startLoad(plan: LoadPlan, cluster: Cluster, began: number, limit: number) {
  const {site} = cluster;
  const {rate, ramp} = plan;
  const words = ['--vip', site.vip, '--rate', String(rate), '--ramp', String(ramp)];
  const log = `${site.directory('client')}/load.log`;
  const generator: Program = await site.start(
    'client',
    [site.node, `${site.checkout}/${GENERATOR}`, ...words],
    log,
  );
  const said = (what: string, lines: number): Promise<string> =>
    until(what, limit, () => {
      const line = generator.lines[lines - 1];
      if (line === undefined && !generator.running) throw new Error(`the load generator ended: see ${log}`);
      return line;
    });
  await said('the load generator runs', 1);
  const started = performance.now();
  const cpu = recordCpu(cluster, began);
  cpu.start();
  return {
    /** Waits until the load has lasted as long as asked, then ends it. */
    finish: async (): Promise<Measured> => {
      await pause(Math.max(0, plan.seconds * 1_000 - (performance.now() - started)));
      generator.write('stop');
      const {age, length, late, samples} = JSON.parse(
        await said('the load generator reports', 2),
      ) as Generated;
      return {rate, ramp, began: Date.now() - age - began, length, late, samples, cpu: cpu.stop()};
    },
    /** Whatever state it is in. */
    kill: async (): Promise<void> => {
      cpu.stop();
      await generator.kill('SIGKILL', true);
    },
  };
}
