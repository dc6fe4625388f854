/** Configuration and engine → who the peer is, where it is, and which keys count. Pure. */
import net from 'node:net';
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
  /** Where a peer may connect from: all that is known of it. */
  readonly sources: readonly string[];
  /** Addresses of the service: nobody is answered there. */
  readonly vips: readonly string[];
  /** The key that this side asks with; undefined: it has none that proves anything. */
  readonly signing: PeerKey | undefined;
  /** All keys that it answers to. */
  readonly keys: readonly PeerKey[];
}

/** undefined: there is no pair, or the channel is switched off. */
export function peerSettings(
  {ha, authkeys, haresources}: ClusterConfig,
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
  const configured = ha.hactl.peerAddresses;
  return {
    cluster: ha.cluster,
    node,
    peers: ha.nodes.map(({name}) => name).filter((name) => name !== node),
    port: ha.hactl.peerPort,
    addresses: [...new Set(configured.length > 0 ? configured : [...heard, ...ucast])],
    sources: [...new Set([...configured, ...heard, ...ucast])],
    vips: haresources.groups.flatMap(({resources}) =>
      resources.flatMap(({vip}) => (vip ? [vip.address] : [])),
    ),
    signing: keys.find(({id}) => id === authkeys.active),
    keys,
  };
}

/** One form for one address: without the zone, IPv4 as such where a socket of both families has it mapped. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  const family = net.isIP(bare);
  if (family === 0) return bare;
  return new net.SocketAddress({address: bare, family: family === 6 ? 'ipv6' : 'ipv4'}).address;
}

/** Why a connection from `remote` to `local` is not the peer's; undefined: it may be. */
export function strangerAt({sources, vips}: PeerSettings, remote: string, local: string): string | undefined {
  const address = plainAddress(local);
  if (vips.some((vip) => plainAddress(vip) === address))
    return `it asked at ${address}, an address of the service`;
  const from = plainAddress(remote);
  return sources.some((source) => plainAddress(source) === from)
    ? undefined
    : 'no address of the peer (hactl_peer, ucast, or where its adverts come from)';
}
