/** Time limits of what the supervisor and the commands start and wait for. */

/** A command of the configuration: callback, fallback command, fencing of this machine itself. */
export const COMMAND_LIMIT_MS = 60_000;
/** One attempt to tell a webhook or an alert command. */
export const NOTIFY_LIMIT_MS = 10_000;
/** SIGTERM to a program that is to end, SIGKILL so much later. */
export const TERM_GRACE_MS = 5_000;
