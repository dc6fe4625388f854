/** What a push needs of this director, on both sides. */
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
  /** Applies what is on the disk; `why` goes into the history. */
  reload(why: string): Promise<{readonly ok: boolean; readonly diagnostics: readonly string[]}>;
  readonly ask: AskPeer;
  /** The peer's name. */
  peer(): string;
  /** Is a push or a rollback of this side going on? */
  busy(): boolean;
  wall(): number;
  wait(ms: number): Promise<void>;
}
