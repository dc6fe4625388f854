/**
 * Planned moves wait for connection sync: both directors know every connection before an address moves. A move never waits
 * longer than the limit, and does not wait for a sync process that does not answer.
 */
import type {FromSync, ToSync} from '@hactl/sync';
import {SYNC_BARRIER_LIMIT_MS, SYNC_SILENCE_LIMIT_MS} from '../system/limits.ts';

type BarrierDone = FromSync & {readonly type: 'barrier-done'};

export interface SyncBarrier {
  /** Resolves when both kernels have every connection, or after the limit, then with the reason why not. */
  pass(): Promise<string | undefined>;
  /** An answer of the sync process. */
  onDone(message: BarrierDone): void;
}

export function makeSyncBarrier(send: (message: ToSync) => void): SyncBarrier {
  const waiting = new Map<number, (reason: string | undefined) => void>();
  const last = {id: 0};
  return {
    pass: () =>
      new Promise((resolve) => {
        last.id += 1;
        const {id} = last;
        const finish = (reason: string | undefined): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(reason);
        };
        const timer = setTimeout(
          () => finish('the sync process does not answer'),
          SYNC_BARRIER_LIMIT_MS + SYNC_SILENCE_LIMIT_MS,
        );
        waiting.set(id, finish);
        send({type: 'barrier', id, limit: SYNC_BARRIER_LIMIT_MS});
      }),
    onDone: ({id, ok, reason}) => waiting.get(id)?.(ok ? undefined : reason),
  };
}

/**
 * Passes readiness to the engine: a director that becomes ready may take an address back at once, so its connections must be
 * synced first. The latest state wins.
 */
export function gateReadiness<Readiness extends {readonly ready: boolean}>(
  pass: () => Promise<unknown>,
  send: (readiness: Readiness) => void,
): (readiness: Readiness) => void {
  const state: {ready: boolean; newest: Readiness | undefined} = {ready: false, newest: undefined};
  const deliver = (readiness: Readiness): void => {
    state.ready = readiness.ready;
    send(readiness);
  };
  return (readiness) => {
    const isWaiting = state.newest !== undefined;
    if (!readiness.ready || (state.ready && !isWaiting)) {
      state.newest = undefined;
      deliver(readiness);
      return;
    }
    state.newest = readiness;
    if (isWaiting) return;
    void pass().then(() => {
      // It may no longer be ready.
      if (state.newest) deliver(state.newest);
      state.newest = undefined;
    });
  };
}
