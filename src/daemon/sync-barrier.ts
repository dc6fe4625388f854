/**
 * Planned moves wait for connection sync: what connects until then is known to both directors before an address changes its
 * place. A move never waits for longer than the limit, and never without a sync process that answers.
 */
import type {FromSync, ToSync} from '@hactl/sync';
import {SYNC_BARRIER_LIMIT_MS, SYNC_SILENCE_LIMIT_MS} from '../system/limits.ts';

type BarrierDone = FromSync & {readonly type: 'barrier-done'};

export interface SyncBarrier {
  /** Resolves when both kernels have every connection, or the limit is over: then to why not. */
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
 * Readiness on its way to the engine: a director that becomes ready may take an address back at once, so its connections
 * come first. The newest word counts.
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
      // It may not be ready any more by now.
      if (state.newest) deliver(state.newest);
      state.newest = undefined;
    });
  };
}
