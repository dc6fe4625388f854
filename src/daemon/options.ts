/** What a supervisor is started with. */
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
  /** A single director with this file of ldirectord only. */
  readonly only?: string;
  readonly logger: Logger;
  /** Children that were started while this supervisor was a spare itself. */
  readonly pool?: ReadonlyMap<string, Spare>;
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
 * Reads the files and forgets them: what a start does first takes a cold program many times as long as one that has done it
 * before. For a supervisor that stands by. It changes nothing.
 */
export async function rehearse(options: DirectorOptions): Promise<void> {
  // What is wrong with the files is said when they are needed.
  await loadDirectory(loadOptions(options)).catch(() => undefined);
  // The first of these starts Node's pool of threads.
  await stat(options.configDir).catch(() => undefined);
}
