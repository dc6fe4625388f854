/** A takeover that is computed and forgotten: code that has not run lately is compiled anew, or not compiled yet. Pure. */
import type {EngineConfig} from '../messages.ts';
import type {Effect, State} from './state.ts';
import {step} from './step.ts';

/**
 * How this director would take one group over if its peers died now. Only one: with hundreds of them the engine would be busy
 * for milliseconds. Nothing if it holds every group, or hears nobody.
 */
export function rehearseTakeover(config: EngineConfig, state: State): readonly Effect[] {
  const {listenOnlyUntil: _, ...awake} = state;
  const living = state.peers.filter(({alive}) => alive);
  const group = state.groups.find(({role}) => role !== 'Active');
  if (living.length === 0 || !group) return [];
  const at = Math.max(...living.map(({downAt}) => downAt));
  const silent = {
    ...awake,
    groups: [group],
    // Its timers would be on time.
    advertAt: at,
    sentAt: at,
    peers: state.peers.map((peer) => (peer.alive ? {...peer, kernel: 'asked' as const, downAt: at} : peer)),
  };
  const groups = config.groups.filter(({vrid}) => vrid === group.vrid);
  const [, effects] = step({...config, groups}, silent, {type: 'tick'}, at);
  return effects;
}
