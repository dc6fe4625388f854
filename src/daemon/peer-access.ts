/** How to reach the peer's supervisor, from the current configuration and engine status. */
import type {AskPeer} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import {askPeer} from '../peer/ask.ts';
import {peerSettings, type PeerSettings} from '../peer/settings.ts';
import type {Loop} from './loop.ts';

export interface PeerAccess {
  /** undefined: there is no pair, or the channel is off. */
  readonly settings: () => PeerSettings | undefined;
  /** Throws a CommandError that says why the peer could not be reached, or what it refused. */
  readonly ask: AskPeer;
}

export function peerAccess(loop: Loop, node: string): PeerAccess {
  const settings = (): PeerSettings | undefined => {
    const {configuration, roles} = loop.state;
    return peerSettings(configuration.running.cluster, node.toLowerCase(), roles.engine?.status);
  };
  return {
    settings,
    ask: async (command, limit) => {
      const found = settings();
      if (found) return askPeer(found, command, limit);
      throw new CommandError(
        'no-pair',
        'there is no peer channel: no pair in ha.cf, or hactl_peer_port is 0',
      );
    },
  };
}
