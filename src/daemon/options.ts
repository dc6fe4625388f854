/** The supervisor's start options. */
import {systemClock} from '@hactl/base';
import type {Mode} from '@hactl/config';
import type {LoadOptions} from '../configuration/load.ts';
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
