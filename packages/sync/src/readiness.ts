/** Whether connection sync lets a director take a group back, and why (not). Pure. */
import type {SyncPhase} from './resync-wire.ts';

export interface Standing {
  /** The peer was heard recently. */
  readonly peer: boolean;
  /** This node is so young that it may not have heard the peer yet. */
  readonly young: boolean;
  /** The peer was heard since the start, and the deadline for its table, or for more of it, has not passed. */
  readonly awaited: boolean;
  readonly active: boolean;
  /** A resync is due, but the peer goes first. */
  readonly due: boolean;
  readonly phase: SyncPhase;
  readonly connections: number;
  /** The kernel was in sync a moment ago, under the previous process. */
  readonly recentSync: boolean;
}

interface Readiness {
  readonly inSync: boolean;
  readonly reason: string;
  /** In sync only because no sync process of a peer was heard: whoever hears the peer otherwise knows better. */
  readonly alone?: true;
}

export function readinessOf(standing: Standing): Readiness {
  const found = judge(standing);
  return standing.recentSync && !found.inSync
    ? {inSync: true, reason: `in sync a moment ago, under the previous process; now ${found.reason}`}
    : found;
}

function judge({peer, young, awaited, active, due, phase, connections}: Standing): Readiness {
  if (!peer) {
    if (young) return {inSync: false, reason: 'listening for the peer'};
    // Three seconds of silence, or of load, are no reason to take over without the rest of the table.
    if (awaited && !active && phase !== 'in-sync' && phase !== 'deadline')
      return {inSync: false, reason: `the peer fell silent, ${connections} connections so far`};
    const reason = 'no peer to learn from';
    return phase === 'in-sync' || phase === 'deadline'
      ? {inSync: true, reason}
      : {inSync: true, reason, alone: true};
  }
  if (due) return {inSync: active, reason: "the peer takes this director's table first"};
  if (phase === 'in-sync') return {inSync: true, reason: 'in sync with the peer'};
  if (phase === 'deadline') return {inSync: true, reason: 'the deadline of the resync has passed'};
  return {inSync: false, reason: `the peer's table is on its way, ${connections} connections so far`};
}
