/** What one supervisor may ask the other. Everything else is refused, whoever asks. */
import type {EventQuery} from './events.ts';
import type {OrderState} from './orders.ts';

/** A configuration file by its place in the configuration directory. */
export interface PushedFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The only commands that are carried out for the peer. */
export type PeerCommand =
  | {readonly command: 'status'}
  | ({readonly command: 'events'} & EventQuery)
  /** What is ordered for real servers there; the answer is what is ordered here, both together. */
  | {readonly command: 'orders'; readonly state: OrderState}
  /** The configuration in use as a list of directives, secrets hashed. */
  | {readonly command: 'facts'}
  /** Judges a configuration for this director; unless it is a dry run, keeps it at hand for `push-commit`. */
  | {
      readonly command: 'push-prepare';
      readonly id: string;
      readonly dryRun: boolean;
      readonly files: readonly PushedFile[];
    }
  /** Takes it into use, or gives it up, or takes it back after all; `push-outcome`: what became of it. */
  | {readonly command: 'push-commit' | 'push-abort' | 'push-undo' | 'push-outcome'; readonly id: string};

export const peerCommands: ReadonlySet<string> = new Set<PeerCommand['command']>([
  'status',
  'events',
  'orders',
  'facts',
  'push-prepare',
  'push-commit',
  'push-abort',
  'push-undo',
  'push-outcome',
]);
