/** What the parts of a sync node share: settings, the mirror, the two clocks, the role. */
import type {SyncLink} from './messages.ts';
import type {Mirror} from './mirror.ts';

export type Log = (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void;

export interface SyncContext {
  readonly settings: SyncLink;
  readonly mirror: Mirror;
  /** The monotonic clock, in ms. */
  readonly now: () => number;
  /** The mirror's clock, in whole seconds. */
  readonly mirrorTime: () => number;
  readonly log: Log;
  /** This director is Active for one group at least. */
  active: boolean;
  /** It has been so since this process began: its kernel knows better than any peer. */
  startedActive: boolean;
  /** The kernel was in sync a moment ago, under a process before this one, and no verdict has come since. */
  recentSync: boolean;
}
