/** Requests between supervisors. Everything else is refused. */
import type {EventQuery} from './events.ts';
import type {OrderState} from './orders.ts';

/** A configuration file by its path within the configuration directory. */
export interface PushedFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The arguments of each command: the only commands executed for the peer. */
export interface PeerRequests {
  readonly status: object;
  readonly events: EventQuery;
  /** The sender's overrides; the answer is those of both directors, merged. */
  readonly orders: {readonly state: OrderState};
  /** The configuration in use as a list of directives, secrets hashed. */
  readonly facts: object;
  /** Validates a configuration for this director; unless it is a dry run, holds it for `push-commit`. */
  readonly 'push-prepare': {
    readonly id: string;
    readonly dryRun: boolean;
    readonly files: readonly PushedFile[];
  };
  /** Applies it, discards it, or undoes it; `push-outcome`: its state. */
  readonly 'push-commit': {readonly id: string};
  readonly 'push-abort': {readonly id: string};
  readonly 'push-undo': {readonly id: string};
  readonly 'push-outcome': {readonly id: string};
}

export type PeerCommandName = keyof PeerRequests;
export type PeerCommand<K extends PeerCommandName = PeerCommandName> = {
  [P in K]: {readonly command: P} & PeerRequests[P];
}[K];
