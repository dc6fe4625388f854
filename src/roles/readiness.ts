/**
 * Whether this director may take over by choice: only if it would serve everything configured. A director whose table lacks
 * something waits, and its peer keeps the addresses. Without a live peer the engine does not ask. Pure.
 */
import type {Millis} from '@hactl/base';

export interface Readiness {
  readonly ready: boolean;
  readonly reason: string;
}

export interface ReadinessInput {
  /** Virtual services of the configuration. */
  readonly virtuals: number;
  /** Checks, and those without a result yet; 0 where a standby does not check. */
  readonly checks: number;
  readonly unknown: number;
  /** Why IPVS cannot be reached. */
  readonly problem?: string | undefined;
  /** The table has been programmed into the kernel. */
  readonly programmed: boolean;
  /** Entries of the table that the kernel refuses. */
  readonly refused: readonly string[];
  readonly sync: Readiness;
  readonly uptime: Millis;
}

/**
 * Readiness does not wait longer than this for the last checks: the servers that passed serve. Without any result there are
 * none, however long the start takes.
 */
export const FIRST_ROUND_LIMIT: Millis = 30_000;

export function readinessOf(input: ReadinessInput): Readiness {
  const table = tableReadiness(input);
  // A joining director must have the peer's connections before it may take an address.
  return table.ready && !input.sync.ready ? input.sync : table;
}

function tableReadiness(input: ReadinessInput): Readiness {
  const {virtuals, checks, unknown, problem, programmed, refused, uptime} = input;
  if (virtuals === 0) return {ready: true, reason: 'no virtual services'};
  if (problem !== undefined) return {ready: false, reason: `IPVS: ${problem}`};
  const [first] = refused;
  if (first !== undefined) {
    const more = refused.length > 1 ? ` and ${refused.length - 1} more` : '';
    return {ready: false, reason: `the kernel refuses ${first}${more}`};
  }
  if (unknown > 0) {
    const ready = programmed && unknown < checks && uptime > FIRST_ROUND_LIMIT;
    return {ready, reason: `${unknown} real servers not checked yet`};
  }
  if (!programmed) return {ready: false, reason: 'IPVS table not programmed yet'};
  return {ready: true, reason: 'first round of checks done, table programmed'};
}
