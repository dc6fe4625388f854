/** Requests between supervisors. Everything else is refused. */
import type {EventQuery} from './events.ts';
import type {OrderState} from './orders.ts';

/** A configuration file by its place in the configuration directory. */
export interface PushedFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The words of each command beside its name: the only ones that are carried out for the peer. */
export interface PeerRequests {
  readonly status: object;
  readonly events: EventQuery;
  /** The orders for real servers there; the answer is those of both directors, merged. */
  readonly orders: {readonly state: OrderState};
  /** The configuration in use as a list of directives, secrets hashed. */
  readonly facts: object;
  /** Judges a configuration for this director; unless it is a dry run, keeps it at hand for `push-commit`. */
  readonly 'push-prepare': {
    readonly id: string;
    readonly dryRun: boolean;
    readonly files: readonly PushedFile[];
  };
  /** Takes it into use, gives it up, or takes it back; `push-outcome`: what became of it. */
  readonly 'push-commit': {readonly id: string};
  readonly 'push-abort': {readonly id: string};
  readonly 'push-undo': {readonly id: string};
  readonly 'push-outcome': {readonly id: string};
}

export type PeerCommandName = keyof PeerRequests;
export type PeerCommand<K extends PeerCommandName = PeerCommandName> = {
  [P in K]: {readonly command: P} & PeerRequests[P];
}[K];
