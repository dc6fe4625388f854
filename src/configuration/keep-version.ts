/** Keeps each configuration that was applied, so that a rollback can bring it back. */
import type {Log} from '../system/log.ts';
import {filesOf, readConfigFile} from './config-files.ts';
import type {ConfigStore} from './config-store.ts';
import type {Loaded} from './loaded.ts';

export function keepVersion(store: ConfigStore, log: Log, wall: number, loaded: Loaded, why: string): void {
  try {
    const {digest} = loaded;
    store.keep({wall, why, digest, files: filesOf(loaded.cluster).map(readConfigFile)});
  } catch (error) {
    // A full disk must not stop a director.
    log('error', `this version of the configuration could not be saved: ${String(error)}`);
  }
}
