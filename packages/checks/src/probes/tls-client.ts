/**
 * What all TLS checks share: one context, and for each check the session of the last handshake, which shortens the next,
 * and until when the server's certificate is valid.
 */
import tls from 'node:tls';
import type {CertificateEnd, CheckSpec} from '../messages.ts';
import {serverName} from './connect.ts';

/** A day, in ms. */
const DAY = 86_400_000;
/** A short handshake shows no certificate: after so long a full one is made, in ms. */
const SHOWN_FOR = 3_600_000;
/**
 * Handshakes on one connection: a server may ask for another one (IIS does, before it asks for a client's certificate). Each
 * costs as much as dozens of checks, and no event of the check would count it.
 */
const HANDSHAKES_MAX = 3;

interface Known {
  /** For the next handshake. */
  session?: Buffer;
  /** Wall-clock time at which the certificate ends, and at which it was shown, in ms. */
  ends?: number;
  shownAt: number;
}

/** Made once: a context of its own for each connection costs more than the handshake. Any certificate will do. */
let context: tls.SecureContext | undefined;
const known = new WeakMap<CheckSpec, Known>();

/** Whether a renewed certificate would matter now: one that ends soon is looked at with each check. */
const mustBeShown = (spec: CheckSpec, {ends, shownAt}: Known, now: number): boolean =>
  (spec.certDays ?? 0) > 0 &&
  (now - shownAt > SHOWN_FOR || (ends !== undefined && ends - now < (spec.certDays ?? 0) * DAY));

/** The options of `tls.connect` for a check; `host` is the name for SNI, where it is one. */
export function secureOptions(spec: CheckSpec, host: string | undefined): tls.ConnectionOptions {
  context ??= tls.createSecureContext();
  const before = known.get(spec);
  const session = before && !mustBeShown(spec, before, Date.now()) ? before.session : undefined;
  return {
    secureContext: context,
    rejectUnauthorized: false,
    ...(session ? {session} : {}),
    ...serverName(host),
  };
}

/** Remembers the session of a connection for the check's next one; one that fails is forgotten. */
export function keepSession(spec: CheckSpec, socket: tls.TLSSocket): void {
  const note = (more: Partial<Known>): void => {
    known.set(spec, {shownAt: 0, ...known.get(spec), ...more});
  };
  let handshakes = 0;
  socket.on('secureConnect', () => {
    handshakes += 1;
    if (handshakes > HANDSHAKES_MAX)
      socket.destroy(new Error(`the server asks for more than ${HANDSHAKES_MAX} TLS handshakes`));
  });
  socket.on('session', (session) => note({session}));
  socket.on('error', () => void known.delete(spec));
  if ((spec.certDays ?? 0) === 0) return;
  socket.on('secureConnect', () => {
    if (socket.isSessionReused()) return;
    const ends = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
    note({shownAt: Date.now(), ...(Number.isNaN(ends) ? {} : {ends})});
  });
}

/** Until when the certificate of the check's server is valid, as far as it was shown. */
export function certificateOf(spec: CheckSpec, now: number): CertificateEnd | undefined {
  const ends = known.get(spec)?.ends;
  return ends === undefined ? undefined : certificateEnd(ends, now);
}

/** Both in ms of wall-clock time. */
export function certificateEnd(ends: number, now: number): CertificateEnd {
  const date = new Date(ends).toISOString().slice(0, 10);
  const days = Math.floor((ends - now) / DAY);
  const span = Math.abs(days) === 1 ? '1 day' : `${Math.abs(days)} days`;
  const when =
    days < 0 ? `ran out ${span} ago` : days === 0 ? 'runs out within a day' : `runs out in ${span}`;
  return {date, days, words: `the certificate ${when} (${date})`};
}
