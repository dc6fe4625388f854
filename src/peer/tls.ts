/**
 * TLS 1.2 with a pre-shared key from authkeys (RFC 5489, RFC 7905): completing the handshake proves possession of the key, and
 * forward secrecy protects recorded traffic if the key is stolen later. One line of JSON each way, then the connection ends.
 */
import {constants, hkdfSync} from 'node:crypto';
import type net from 'node:net';
import type tls from 'node:tls';
import type {PeerKey, PeerSettings} from './settings.ts';

/** The largest message, in octets: a status, or all configuration files. */
export const MAX_MESSAGE = 8 << 20;

/** For both sides. Nothing carries over between connections: no session tickets, no renegotiation. */
export const tlsOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  ecdhCurve: 'X25519',
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies tls.SecureContextOptions;

/** A key derived for this purpose: a proof made with it is useless in the heartbeat or in connection sync. */
export const presharedKey = ({cluster}: PeerSettings, {secret}: PeerKey): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, cluster, 'hactl peer tls-psk', 32));

/** The client's identity: its key's number in authkeys and its node. Not secret; proved by the key. */
export const identityOf = ({node}: PeerSettings, {id}: PeerKey): string => `hactl-1 ${id} ${node}`;

/** The key for an identity; undefined: unknown node, or unknown key. */
export function keyFor(settings: PeerSettings, identity: string): PeerKey | undefined {
  const [, id, node] = /^hactl-1 (\d{1,5}) (\S{1,255})$/.exec(identity) ?? [];
  if (node === undefined || !settings.peers.includes(node)) return undefined;
  return settings.keys.find((key) => key.id === Number(id));
}

/** Maximum pieces of a message: each costs some hundred octets of memory, however short it is. A record has up to 16 KB. */
const PIECES_MOST = 1 << 15;

/** Calls `take` with the first line; ends the connection if it is longer than `limit` octets, or comes in crumbs. */
export function onLine(socket: net.Socket, limit: number, take: (line: string) => void): void {
  const parts: Buffer[] = [];
  let octets = 0;
  let taken = false;
  socket.on('data', (chunk: Buffer) => {
    if (taken) return;
    const end = chunk.indexOf(0x0a);
    parts.push(end === -1 ? chunk : chunk.subarray(0, end));
    octets += chunk.length;
    if (octets > limit || parts.length > PIECES_MOST) {
      socket.destroy();
      return;
    }
    if (end === -1) return;
    taken = true;
    take(Buffer.concat(parts).toString('utf8'));
  });
}
