/** Queries all processes for the snapshot of `hactl status`, so that it is current, not half a second old. */
import type {Clock} from '@hactl/base';
import type {StatusSnapshot} from '../control/protocol.ts';
import type {Drivers} from './drivers.ts';
import type {Loop} from './loop.ts';
import type {DirectorOptions} from './options.ts';
import {observe, snapshotOf} from './snapshot.ts';

export async function takeSnapshot(
  options: DirectorOptions,
  parts: {
    readonly clock: Clock;
    readonly loop: Loop;
    readonly drivers: Drivers;
    readonly accessProblems: readonly string[];
    readonly configProblem: string | undefined;
  },
): Promise<StatusSnapshot> {
  const {clock, loop, drivers, accessProblems, configProblem} = parts;
  const {children, ipvs, resources} = drivers;
  await children.freshStatus();
  await children.freshReports();
  const spare = options.spare?.();
  const observed = await observe(ipvs.client());
  return snapshotOf(loop.state, {
    node: options.node,
    configDir: options.configDir,
    clock,
    accessProblems,
    configProblem,
    available: ipvs.client() !== undefined,
    observed,
    supervisor: {
      name: 'supervisor',
      state: 'running',
      pid: process.pid,
      restarts: 0,
      ...(spare ? {spare} : {}),
    },
    children: children.status(),
    resources: resources.list(),
  });
}
