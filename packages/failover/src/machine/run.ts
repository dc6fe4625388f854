/** Shared by driver and simulator around a step, so that the simulator tests what the driver runs. Pure. */
import type {Instant} from '@hactl/base';
import type {Effect, State} from './state.ts';

/**
 * Timers run before sockets: a datagram that has already arrived must be read before its sender is declared dead, or never
 * heard (a start can take longer than a short initdead).
 */
export const mustListenFirst = (state: State, now: Instant): boolean =>
  state.peers.some((peer) => peer.alive && now >= peer.downAt) ||
  state.groups.some((group) => group.role === 'Initialize');

/** Performs the effects in order. An address that could not be added is neither announced nor advertised: the peer keeps it. */
export function performAll(effects: readonly Effect[], perform: (effect: Effect) => void | 'failed'): void {
  const failed = new Set<number>();
  for (const effect of effects) {
    if (failed.size > 0 && (effect.type === 'send-advert' || ('vrid' in effect && failed.has(effect.vrid))))
      continue;
    if (perform(effect) === 'failed' && 'vrid' in effect) failed.add(effect.vrid);
  }
}
