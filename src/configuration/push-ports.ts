/** What a push needs from a director, on both sides. */
import type {ReadFile} from '@hactl/config';
import type {AskPeer} from '../control/answers.ts';
import type {Log} from '../system/log.ts';
import type {ConfigStore} from './config-store.ts';
import type {LoadOutcome} from './load.ts';
import type {Loaded} from './loaded.ts';

export interface PushPorts {
  readonly configDir: string;
  readonly store: ConfigStore;
  readonly log: Log;
  load(read?: ReadFile): Promise<LoadOutcome>;
  running(): Loaded;
  /** Applies the files on disk; `why` goes into the history. */
  reload(why: string): Promise<{readonly ok: boolean; readonly diagnostics: readonly string[]}>;
  readonly ask: AskPeer;
  /** The peer's name. */
  peer(): string;
  /** Whether a push or a rollback of this side is running. */
  busy(): boolean;
  wall(): number;
  wait(ms: number): Promise<void>;
}
