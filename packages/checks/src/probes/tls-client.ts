/** What all TLS checks share: one context, and for each check the session of the last handshake, which shortens the next. */
import tls from 'node:tls';
import type {CheckSpec} from '../messages.ts';
import {serverName} from './connect.ts';

/** Made once: a context of its own for each connection costs more than the handshake. Any certificate will do. */
let context: tls.SecureContext | undefined;
const sessions = new WeakMap<CheckSpec, Buffer>();

/** The options of `tls.connect` for a check; `host` is the name for SNI, where it is one. */
export function secureOptions(spec: CheckSpec, host: string | undefined): tls.ConnectionOptions {
  context ??= tls.createSecureContext();
  const session = sessions.get(spec);
  return {
    secureContext: context,
    rejectUnauthorized: false,
    ...(session ? {session} : {}),
    ...serverName(host),
  };
}

/** Remembers the session of a connection for the check's next one; one that fails is forgotten. */
export function keepSession(spec: CheckSpec, socket: tls.TLSSocket): void {
  socket.on('session', (session) => void sessions.set(spec, session));
  socket.on('error', () => void sessions.delete(spec));
}
