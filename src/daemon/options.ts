/** The supervisor's start options. */
import {stat} from 'node:fs/promises';
import {systemClock} from '@hactl/base';
import type {Mode} from '@hactl/config';
import {loadDirectory, type LoadOptions} from '../configuration/load.ts';
import type {Loaded} from '../configuration/loaded.ts';
import type {SpareState} from '../control/protocol.ts';
import {loadOrders} from '../operators/order-store.ts';
import type {Logger} from '../system/log.ts';
import type {Spare} from './child.ts';
import {initial, step, type CoreEvent} from './core.ts';
import {findInterface} from './kernel.ts';
import {observe, snapshotOf} from './snapshot.ts';

export interface DirectorOptions {
  readonly configDir: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly node: string;
  readonly mode: Mode;
  /** A single director with only this ldirectord.cf. */
  readonly only?: string;
  readonly logger: Logger;
  /** Children started while this supervisor was a spare. */
  readonly pool?: ReadonlyMap<string, Spare>;
  /** Settled once the director serves, or has had time to: spares are loaded from then on. */
  readonly settled?: Promise<unknown>;
  /** The supervisor's own spare, as last reported by the launcher. */
  readonly spare?: () => SpareState | undefined;
}

export const loadOptions = (options: DirectorOptions): LoadOptions => ({
  configDir: options.configDir,
  stateDir: options.stateDir,
  node: options.node,
  mode: options.mode,
  ...(options.only === undefined ? {} : {only: options.only}),
  findInterface,
  wall: systemClock.wall(),
});

const REHEARSALS = 4;

/** What the machine is told at the start of every director. */
const opening: readonly CoreEvent[] = [
  {type: 'engine', message: {type: 'ready', pid: 0, realtime: ''}},
  {type: 'checks', message: {type: 'ready', pid: 0}},
  {type: 'sync', message: {type: 'ready', pid: 0}},
  {type: 'ipvs-opened'},
  {type: 'tick'},
];

/** Runs the machine on the configuration and describes its state; nobody performs its effects. */
async function rehearseMachine({node, configDir, stateDir}: DirectorOptions, loaded: Loaded): Promise<void> {
  const config = {node, stateDir, syncTrusted: false};
  const moment = {now: systemClock.now(), wall: systemClock.wall()};
  const orders = loadOrders(stateDir, () => undefined);
  const state = opening.reduce(
    (before, event) => step(config, before, event, moment)[0],
    initial(config, loaded, orders, moment),
  );
  const snapshot = snapshotOf(state, {
    node,
    configDir,
    clock: systemClock,
    accessProblems: [],
    configProblem: undefined,
    available: false,
    observed: await observe(undefined),
    supervisor: {name: 'supervisor', state: 'running', restarts: 0},
    children: [],
    resources: [],
  });
  JSON.stringify(snapshot);
}

/**
 * Warms up a spare supervisor: reads the files and starts the machine on them, and forgets both, because code that ran before
 * runs several times as fast, and faster still when V8 has compiled it. Changes nothing.
 */
export async function rehearse(options: DirectorOptions): Promise<void> {
  for (let left = REHEARSALS; left > 0; left -= 1)
    try {
      // oxlint-disable-next-line no-await-in-loop -- one after the other.
      const {loaded} = await loadDirectory(loadOptions(options));
      // oxlint-disable-next-line no-await-in-loop -- as above.
      if (loaded) await rehearseMachine(options, loaded);
    } catch {
      // Errors in the files are reported when they are needed.
    }
  // The first of these starts Node's thread pool.
  await stat(options.configDir).catch(() => undefined);
}
