/** What a push needs of this director, on both sides, and what the receiver answers to its preparation. */
import type {ReadFile} from '@hactl/config';
import type {PeerCommand} from '../control/peer-commands.ts';
import type {Log} from '../system/log.ts';
import type {PlannedChange} from './changes.ts';
import type {ConfigStore} from './config-store.ts';
import type {LoadOutcome} from './load.ts';
import type {Loaded} from './loaded.ts';

export interface PushPorts {
  readonly configDir: string;
  readonly store: ConfigStore;
  readonly log: Log;
  load(read?: ReadFile): Promise<LoadOutcome>;
  running(): Loaded;
  /** Takes into use what is on the disk; `why` goes into the history. */
  reload(why: string): Promise<{readonly ok: boolean; readonly diagnostics: readonly string[]}>;
  ask(command: PeerCommand, limit: number): Promise<unknown>;
  /** The peer's name. */
  peer(): string;
  /** Does this director take a configuration from its peer? */
  accepts(): boolean;
  /** Is a push or a rollback of this side going on? */
  busy(): boolean;
  wall(): number;
  wait(ms: number): Promise<void>;
}

/** The answer to `push-prepare`. */
export interface Prepared {
  readonly ok: boolean;
  readonly diagnostics: readonly string[];
  readonly rows: readonly PlannedChange[];
  readonly refused?: string;
  /** Of the pair's part of the configuration as this director read it. */
  readonly digest?: string;
}
