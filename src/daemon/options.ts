/** The supervisor's start options. */
import {stat} from 'node:fs/promises';
import {systemClock} from '@hactl/base';
import type {Mode} from '@hactl/config';
import {loadDirectory, type LoadOptions} from '../configuration/load.ts';
import type {SpareState} from '../control/protocol.ts';
import type {Logger} from '../system/log.ts';
import type {Spare} from './child.ts';
import {findInterface} from './kernel.ts';

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

/**
 * Warms up a spare supervisor: reads the files and forgets them, because code that ran before runs several times as fast.
 * Changes nothing.
 */
export async function rehearse(options: DirectorOptions): Promise<void> {
  // Errors in the files are reported when they are needed.
  await loadDirectory(loadOptions(options)).catch(() => undefined);
  // The first of these starts Node's thread pool.
  await stat(options.configDir).catch(() => undefined);
}
