/** Shared by the parts of the driver: the current configuration and state, the outgoing messages, and the counters. */
import type {Clock} from '@hactl/base';
import type {Event, State} from '../machine/state.ts';
import type {EngineConfig, FromEngine} from '../messages.ts';

export interface Current {
  config: EngineConfig;
  state: State;
}

export interface Shared {
  readonly current: Current;
  readonly clock: Clock;
  /** Every counter of faults and events by its code. */
  readonly counters: Record<string, number>;
  readonly count: (code: string) => void;
  /** To the supervisor. */
  readonly send: (message: FromEngine) => void;
  /** To the machine. */
  readonly feed: (event: Event) => void;
}
