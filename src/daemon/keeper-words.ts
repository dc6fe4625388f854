/** The few words between the keeper and its supervisors; `go` and what a supervisor says while it lives are any word. */
import type {SpareState} from '../control/protocol.ts';

/** A spare supervisor and its children have loaded their programs. */
export const LOADED = 'loaded';

/** Keeper to the supervisor at work: what is ready in case that it dies. */
export interface KeeperMessage {
  readonly spare?: SpareState;
}
