/** The few words between the keeper and its supervisors; `go` and what a supervisor says while it lives are any word. */
import type {SpareState} from '../control/protocol.ts';

/** A spare supervisor and its children have loaded their programs. */
export const LOADED = 'loaded';

/** Keeper to the supervisor at work: what is ready in case that it dies. */
export interface KeeperMessage {
  readonly spare?: SpareState;
}

/** A supervisor to the keeper: what the service manager is to hear, in sd_notify's form. */
export interface Notification {
  readonly notify: string;
}

export const isNotification = (message: unknown): message is Notification =>
  typeof message === 'object' && message !== null && typeof (message as Notification).notify === 'string';
