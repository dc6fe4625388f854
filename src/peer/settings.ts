/** Configuration and engine → who the peer is, where it is, and which keys count. Pure. */
import type {ClusterConfig} from '@hactl/config';
import type {EngineStatus} from '@hactl/failover';

export interface PeerKey {
  readonly id: number;
  readonly secret: string;
}

/** What the channel needs to know of the pair. */
export interface PeerSettings {
  readonly cluster: string;
  readonly node: string;
  /** The other nodes of ha.cf. */
  readonly peers: readonly string[];
  readonly port: number;
  /** In the order in which they are tried. */
  readonly addresses: readonly string[];
  /** The key that this side asks with; undefined: it has none that proves anything. */
  readonly signing: PeerKey | undefined;
  /** All keys that it answers to. */
  readonly keys: readonly PeerKey[];
}

/** undefined: there is no pair, or the channel is switched off. */
export function peerSettings(
  {ha, authkeys}: ClusterConfig,
  node: string,
  engine: EngineStatus | undefined,
): PeerSettings | undefined {
  if (!ha || ha.nodes.length < 2 || ha.hactl.peerPort === 0) return undefined;
  // crc is a sum without a secret: whoever can reach the port could claim to be the peer.
  const keys = authkeys.keys
    .filter(({method, secret}) => method !== 'crc' && secret !== '')
    .map(({id, secret}) => ({id, secret}));
  const ucast = ha.media.flatMap((medium) => (medium.kind === 'ucast' ? [medium.peer] : []));
  const heard = engine?.peers.flatMap(({addresses}) => addresses ?? []) ?? [];
  const said = ha.hactl.peerAddresses;
  return {
    cluster: ha.cluster,
    node,
    peers: ha.nodes.map(({name}) => name).filter((name) => name !== node),
    port: ha.hactl.peerPort,
    addresses: [...new Set(said.length > 0 ? said : [...heard, ...ucast])],
    signing: keys.find(({id}) => id === authkeys.active),
    keys,
  };
}
