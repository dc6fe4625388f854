/** A takeover that is computed and forgotten: code that has not run lately is compiled anew, or not compiled yet. Pure. */
import type {EngineConfig} from '../messages.ts';
import type {Effect, State} from './state.ts';
import {step} from './step.ts';

/** What this director would do if its peers died now. Nothing if it holds every group, or hears nobody. */
export function rehearseTakeover(config: EngineConfig, state: State): readonly Effect[] {
  const {listenOnlyUntil: _, ...awake} = state;
  const living = state.peers.filter(({alive}) => alive);
  if (living.length === 0 || state.groups.every(({role}) => role === 'Active')) return [];
  const at = Math.max(...living.map(({downAt}) => downAt));
  const silent = {
    ...awake,
    // Its timers would be on time.
    advertAt: at,
    sentAt: at,
    peers: state.peers.map((peer) => (peer.alive ? {...peer, kernel: 'asked' as const, downAt: at} : peer)),
  };
  const [, effects] = step(config, silent, {type: 'tick'}, at);
  return effects;
}
