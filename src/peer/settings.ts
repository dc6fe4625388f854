/** Configuration and engine → the peer's name, addresses and valid keys. Pure. */
import net from 'node:net';
import type {ClusterConfig} from '@hactl/config';
import type {EngineStatus} from '@hactl/failover';

export interface PeerKey {
  readonly id: number;
  readonly secret: string;
}

/** The channel's settings. */
export interface PeerSettings {
  readonly cluster: string;
  readonly node: string;
  /** The other nodes of ha.cf. */
  readonly peers: readonly string[];
  readonly port: number;
  /** In the order in which they are tried. */
  readonly addresses: readonly string[];
  /** The addresses a peer may connect from: all known ones. */
  readonly sources: readonly string[];
  /** Virtual addresses: no request is answered there. */
  readonly vips: readonly string[];
  /** The key for outgoing requests; undefined: none that authenticates. */
  readonly signing: PeerKey | undefined;
  /** All keys accepted from the peer. */
  readonly keys: readonly PeerKey[];
}

/** undefined: there is no pair, or the channel is off. */
export function peerSettings(
  {ha, authkeys, haresources}: ClusterConfig,
  node: string,
  engine: EngineStatus | undefined,
): PeerSettings | undefined {
  if (!ha || ha.nodes.length < 2 || ha.hactl.peerPort === 0) return undefined;
  // crc has no secret: anyone who can reach the port could claim to be the peer.
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

/** Normalises an address: without the zone, and IPv4-mapped IPv6 as IPv4. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  const family = net.isIP(bare);
  if (family === 0) return bare;
  return new net.SocketAddress({address: bare, family: family === 6 ? 'ipv6' : 'ipv4'}).address;
}

/** Why a connection from `remote` to `local` is not from the peer; undefined: it may be. */
export function strangerAt({sources, vips}: PeerSettings, remote: string, local: string): string | undefined {
  const address = plainAddress(local);
  if (vips.some((vip) => plainAddress(vip) === address))
    return `it connected to ${address}, a virtual address`;
  const from = plainAddress(remote);
  return sources.some((source) => plainAddress(source) === from)
    ? undefined
    : 'not an address of the peer (hactl_peer, ucast, or the source of its adverts)';
}
