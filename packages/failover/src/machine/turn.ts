/** One turn of the machine: its inputs, and where its effects go. */
import type {Instant} from '@hactl/base';
import type {EngineConfig, EngineGroup} from '../messages.ts';
import type {Effect} from './state.ts';

export interface Turn {
  readonly config: EngineConfig;
  readonly now: Instant;
  /** In the order of execution. */
  readonly effects: readonly Effect[];
  readonly emit: (...effects: readonly Effect[]) => void;
  readonly log: (
    level: 'error' | 'warn' | 'info',
    code: string,
    message: string,
    facts?: {readonly peer: string; readonly silence?: number},
  ) => void;
  /** The configuration of a group; undefined once a reload has removed it. */
  readonly group: (vrid: number) => EngineGroup | undefined;
}

export function beginTurn(config: EngineConfig, now: Instant): Turn {
  const effects: Effect[] = [];
  const emit = (...more: readonly Effect[]): void => {
    effects.push(...more);
  };
  return {
    config,
    now,
    effects,
    emit,
    log: (level, code, message, facts) => emit({type: 'event', level, code, message, ...facts}),
    group: (vrid) => config.groups.find((group) => group.vrid === vrid),
  };
}
