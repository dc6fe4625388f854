/** Shared by the parts of a sync node: settings, the mirror, the two clocks, the role. */
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
  /** This director is Active for at least one group. */
  active: boolean;
  /** It has been Active since this process began, so its kernel is authoritative. */
  startedActive: boolean;
  /** The kernel was in sync a moment ago, under the previous process, and there has been no verdict since. */
  recentSync: boolean;
}
