/** The messages between the keeper and its supervisors; `go` and the keepalive may be any text. */
import type {SpareState} from '../control/protocol.ts';

/** A spare supervisor and its children have loaded their programs. */
export const LOADED = 'loaded';

/** Keeper to the active supervisor: which spares are ready in case it dies. */
export interface KeeperMessage {
  readonly spare?: SpareState;
}

/** A supervisor to the keeper: messages for the service manager, in sd_notify's form. */
export interface Notification {
  readonly notify: string;
}

export const isNotification = (message: unknown): message is Notification =>
  typeof message === 'object' && message !== null && typeof (message as Notification).notify === 'string';
