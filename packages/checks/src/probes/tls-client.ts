/**
 * Shared by all TLS checks: one context, and for each check the session of the last handshake, which shortens the next,
 * and the expiry of the server's certificate.
 */
import type net from 'node:net';
import tls from 'node:tls';
import type {CertificateEnd, CheckSpec} from '../messages.ts';
import {spendingOf} from '../spending.ts';
import {serverName} from './connect.ts';

/** A day, in ms. */
const DAY = 86_400_000;
/** A resumed handshake shows no certificate: after this time a full one is made, in ms. */
const SHOWN_FOR = 3_600_000;
/**
 * Maximum handshakes on one connection: a server may ask for another one (IIS does before asking for a client certificate). Each
 * costs as much as dozens of checks, and is not charged by any event of the check.
 */
const HANDSHAKES_MAX = 3;
/** Tickets for later sessions on one connection: OpenSSL sends 2. Each is an event that a check does not see. */
const TICKETS_MAX = 16;
/**
 * Octets that bring no data: handshake messages, new keys, padding. A long chain of certificates has 100 KB. OpenSSL reads them
 * by itself, so they are looked at from time to time.
 */
const EMPTY_MAX = 1 << 18;
const LOOK_EVERY = 20;

interface Known {
  /** The session for the next handshake. */
  session?: Buffer;
  /** Wall-clock times of the certificate's expiry, and of the handshake that showed it, in ms. */
  ends?: number;
  shownAt: number;
}

/** Created once: a context for each connection costs more than the handshake. Any certificate is accepted. */
let context: tls.SecureContext | undefined;
const known = new WeakMap<CheckSpec, Known>();

/** Is a full handshake needed? A certificate that expires soon is looked at in every check. */
const mustBeShown = (spec: CheckSpec, {ends, shownAt}: Known, now: number): boolean =>
  (spec.certDays ?? 0) > 0 &&
  (now - shownAt > SHOWN_FOR || (ends !== undefined && ends - now < (spec.certDays ?? 0) * DAY));

/** The options of `tls.connect` for a check; `host` is used for SNI if it is a name. */
function secureOptions(spec: CheckSpec, host: string | undefined): tls.ConnectionOptions {
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

/** Ends a connection whose server keeps this process busy with TLS itself. The check's meter sees nothing of that. */
function bound(spec: CheckSpec, raw: net.Socket, socket: tls.TLSSocket): void {
  const end = (reason: string): void => {
    const spending = spendingOf(spec);
    if (spending) spending.unseen = true;
    socket.destroy(new Error(reason));
  };
  let [handshakes, tickets] = [0, 0];
  socket.on('secureConnect', () => {
    handshakes += 1;
    if (handshakes > HANDSHAKES_MAX) end(`the server asks for more than ${HANDSHAKES_MAX} TLS handshakes`);
  });
  socket.on('session', () => {
    tickets += 1;
    if (tickets > TICKETS_MAX) end(`the server sends more than ${TICKETS_MAX} TLS session tickets`);
  });
  const timer = setInterval(() => {
    if (raw.bytesRead - (spendingOf(spec)?.octets ?? 0) > EMPTY_MAX)
      end(`more than ${EMPTY_MAX >> 10} KiB of TLS that carry no data`);
  }, LOOK_EVERY);
  timer.unref();
  socket.on('close', () => clearInterval(timer));
}

/** TLS over a connection of a check, open or not; closing it closes that. `host` is used for SNI if it is a name. */
export function startTls(spec: CheckSpec, host: string | undefined, raw: net.Socket): tls.TLSSocket {
  const socket = tls.connect({socket: raw, ...secureOptions(spec, host)});
  socket.on('close', () => raw.destroy());
  bound(spec, raw, socket);
  keepSession(spec, socket);
  return socket;
}

/** Remembers the session of a connection for the check's next one; forgets it if the connection fails. */
function keepSession(spec: CheckSpec, socket: tls.TLSSocket): void {
  const note = (more: Partial<Known>): void => {
    known.set(spec, {shownAt: 0, ...known.get(spec), ...more});
  };
  socket.on('session', (session) => note({session}));
  socket.on('error', () => void known.delete(spec));
  if ((spec.certDays ?? 0) === 0) return;
  socket.on('secureConnect', () => {
    if (socket.isSessionReused()) return;
    const ends = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
    note({shownAt: Date.now(), ...(Number.isNaN(ends) ? {} : {ends})});
  });
}

/** The expiry of the certificate of the check's server, if it was shown. */
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
