/** hactl's exit statuses, the same for every command (docs/hactl.md lists them). */
export const exit = {
  ok: 0,
  /** The command ran and its result is negative. */
  failed: 1,
  /** A configuration file has errors, or the command line is wrong. */
  config: 2,
  /** No daemon, or it did not answer. */
  noDaemon: 3,
} as const;

/** Descriptions for help and the manual page. */
export const exitMeanings: readonly (readonly [status: number, text: string])[] = [
  [exit.ok, 'done'],
  [exit.failed, 'not done'],
  [exit.config, 'configuration or command line wrong'],
  [exit.noDaemon, 'no daemon, or no permission to use it'],
];

/** Ends a command with a status and a message. */
export class CliError extends Error {
  override name = 'CliError';
  readonly status: number;
  /** The next command to type; undefined: in the message, or in the command's help. */
  readonly next: string | undefined;

  constructor(status: number, message: string, next?: string) {
    super(message);
    this.status = status;
    this.next = next;
  }
}
