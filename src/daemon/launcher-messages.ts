/** The messages between the launcher and its supervisors; `go` and the keepalive may be any text. */
import type {SpareState} from '../control/protocol.ts';

/** A spare supervisor and its children have loaded their programs. */
export const LOADED = 'loaded';

/** The launcher's environment variable: `1` for a spare supervisor, `0` for one that works at once. Absent: a manual start. */
export const SPARE_VARIABLE = 'HACTL_SPARE';
export const isSpare = (): boolean => process.env[SPARE_VARIABLE] === '1';

/** Launcher to the active supervisor: which spares are loaded in case it dies. */
export interface LauncherMessage {
  readonly spare?: SpareState;
}

/** A supervisor to the launcher: it serves, or has had time to; a spare that loads now delays nothing. */
export const SETTLED = 'settled';

/** A supervisor to the launcher: messages for the service manager, in sd_notify's form. */
export interface Notification {
  readonly notify: string;
}

export const isNotification = (message: unknown): message is Notification =>
  typeof message === 'object' && message !== null && typeof (message as Notification).notify === 'string';
