/**
 * What a spare supervisor does while it waits: it goes through a start, and forgets it. Code that ran before runs several times as
 * fast, and faster still when V8 has compiled it: on an emulated machine a start without it takes seconds.
 */
import {rmSync} from 'node:fs';
import {stat} from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import {systemClock} from '@hactl/base';
import {openKernelIpvs} from '@hactl/ipvs';
import {loadDirectory} from '../configuration/load.ts';
import type {Loaded} from '../configuration/loaded.ts';
import type {Answerer} from '../control/answers.ts';
import {ask} from '../control/client.ts';
import type {StatusSnapshot} from '../control/protocol.ts';
import {serveControl} from '../control/server.ts';
import {loadOrders} from '../operators/order-store.ts';
import {tlsOptions} from '../peer/tls.ts';
import {REHEARSAL_LIMIT_MS} from '../system/limits.ts';
import {initial, step, type CoreEvent} from './core.ts';
import {loadOptions, type DirectorOptions} from './options.ts';
import {observe, snapshotOf, type Observed} from './snapshot.ts';

const REHEARSALS = 4;

/** What the machine is told at the start of every director. */
const opening: readonly CoreEvent[] = [
  {type: 'engine', message: {type: 'ready', pid: 0, realtime: ''}},
  {type: 'checks', message: {type: 'ready', pid: 0}},
  {type: 'sync', message: {type: 'ready', pid: 0}},
  {type: 'ipvs-opened'},
  {type: 'tick'},
];

/** The kernel's table, read and not changed. The supervisor at work has loaded IPVS, or there is none. */
async function readTable(): Promise<Observed> {
  try {
    const ipvs = await openKernelIpvs();
    try {
      return await observe(ipvs);
    } finally {
      ipvs.close();
    }
  } catch {
    return {services: []};
  }
}

/** Runs the machine on the configuration and describes its state; nobody performs its effects. */
async function rehearseMachine(
  {node, configDir, stateDir}: DirectorOptions,
  loaded: Loaded,
): Promise<StatusSnapshot> {
  const config = {node, stateDir, syncTrusted: false};
  const moment = {now: systemClock.now(), wall: systemClock.wall()};
  const orders = loadOrders(stateDir, () => undefined);
  const state = opening.reduce(
    (before, event) => step(config, before, event, moment)[0],
    initial(config, loaded, orders, moment),
  );
  return snapshotOf(state, {
    node,
    configDir,
    clock: systemClock,
    accessProblems: [],
    configProblem: undefined,
    available: true,
    observed: await readTable(),
    supervisor: {name: 'supervisor', state: 'running', restarts: 0},
    children: [],
    resources: [],
  });
}

/** Answers a request of its own, over a socket that only root can open. */
async function rehearseControl(runDir: string, snapshot: StatusSnapshot): Promise<void> {
  const file = path.join(runDir, `rehearsal-${process.pid}.sock`);
  const answer = (async () => snapshot) as Answerer;
  const control = await serveControl(file, answer, 0o600);
  try {
    for (let left = REHEARSALS; left > 0; left -= 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other.
      await ask(file, {command: 'status'}, REHEARSAL_LIMIT_MS);
  } finally {
    await control.close();
    rmSync(file, {force: true});
  }
}

/** Warms up a spare supervisor on the real files and the real table. Changes nothing. */
export async function rehearse(options: DirectorOptions): Promise<void> {
  let snapshot: StatusSnapshot | undefined;
  for (let left = REHEARSALS; left > 0; left -= 1)
    try {
      options.logger.rehearse();
      // oxlint-disable-next-line no-await-in-loop -- one after the other.
      const {loaded} = await loadDirectory(loadOptions(options));
      // oxlint-disable-next-line no-await-in-loop -- as above.
      if (loaded) snapshot = await rehearseMachine(options, loaded);
    } catch {
      // Errors in the files are reported when they are needed.
    }
  tls.createSecureContext(tlsOptions);
  // A full or missing run directory is reported when this supervisor takes over.
  if (snapshot) await rehearseControl(options.runDir, snapshot).catch(() => undefined);
  // The first of these starts Node's thread pool.
  await stat(options.configDir).catch(() => undefined);
}
