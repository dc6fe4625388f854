/** The first director's side of a join: listens with a token, and sends the files once. */
import net from 'node:net';
import tls from 'node:tls';
import {tlsOptions} from '../peer/tls.ts';
import {INVITED_ASK_LIMIT_MS, JOIN_OUTCOME_LIMIT_MS} from '../system/limits.ts';
import type {Bundle} from './bundle.ts';
import {
  isOpen,
  openInvitation,
  stepInvitation,
  type InvitationEvent,
  type InvitationState,
  type JoinRequest,
} from './invitation.ts';
import {onLines, readJson} from './lines.ts';
import {JOIN_IDENTITY, tokenKey} from './token.ts';

/** TCP port of an invitation: beside that of the supervisors. */
export const JOIN_PORT = 6945;
const MOST_CONNECTIONS = 8;
/** Maximum octets from a joining director. */
const MOST_REQUEST = 64 << 10;
const TICK = 1_000;

export interface InviteOptions {
  readonly secret: Uint8Array;
  readonly awaited: readonly string[];
  readonly bundle: Bundle;
  readonly version: string;
  /** 0: a free one. */
  readonly port: number;
  readonly host?: string;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
  readonly tick?: number;
  readonly print: (text: string) => void;
}

export interface Invitation {
  readonly port: number;
  /** How it ended. */
  readonly ended: Promise<{readonly ok: boolean; readonly text: string}>;
  close(): void;
}

/** Rejects when the port cannot be listened on. */
export function invite(options: InviteOptions): Promise<Invitation> {
  const now = options.now ?? ((): number => performance.now());
  const psk = tokenKey(options.secret);
  const sockets = new Set<net.Socket>();
  let state: InvitationState = openInvitation(options.awaited, now());
  let finish: (result: {readonly ok: boolean; readonly text: string}) => void = () => undefined;
  const ended = new Promise<{readonly ok: boolean; readonly text: string}>((resolve) => (finish = resolve));

  function feed(event: InvitationEvent, asker?: tls.TLSSocket): void {
    const [next, effects] = stepInvitation(options.version, state, event, now());
    state = next;
    for (const effect of effects)
      if (effect.kind === 'hand-out') asker?.write(`${JSON.stringify({ok: true, bundle: options.bundle})}\n`);
      else if (effect.kind === 'refuse') asker?.end(`${JSON.stringify({ok: false, text: effect.text})}\n`);
      else close(effect);
  }

  const secure = tls.createServer({
    ...tlsOptions,
    handshakeTimeout: INVITED_ASK_LIMIT_MS,
    pskCallback: (_, identity) => (identity === JOIN_IDENTITY && isOpen(state, now()) ? psk : null),
  });
  secure.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const code = error.code ?? error.message;
    // Only a handshake with a wrong key counts as an attempt; a port scan does not.
    if (/BAD_RECORD_MAC|DECRYPTION_FAILED|DECRYPT_ERROR|BAD_DECRYPT|DIGEST_CHECK/i.test(code)) {
      options.print(`${socket.remoteAddress ?? 'somebody'} came with a wrong token`);
      feed({kind: 'wrong-token'});
    }
    socket.destroy();
  });
  secure.on('secureConnection', (socket) => {
    let asked = false;
    let timer = setTimeout(() => socket.destroy(), INVITED_ASK_LIMIT_MS);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      if (asked && state.phase === 'taken') feed({kind: 'lost'});
    });
    onLines(socket, MOST_REQUEST, (line) => {
      const value = readJson(line);
      if (asked) {
        const {ok, text} = (value ?? {}) as {ok?: unknown; text?: unknown};
        feed({
          kind: 'outcome',
          outcome: {ok: ok === true, text: typeof text === 'string' ? text.slice(0, 500) : ''},
        });
        socket.end();
        return;
      }
      const request = readRequest(value);
      if (!request) {
        socket.destroy();
        return;
      }
      const before = state.phase;
      feed({kind: 'asked', request}, socket);
      asked = before === 'open' && state.phase === 'taken';
      if (!asked) return;
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), JOIN_OUTCOME_LIMIT_MS);
    });
  });

  const server = net.createServer((socket) => {
    if (sockets.size >= MOST_CONNECTIONS || state.phase !== 'open') {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    secure.emit('connection', socket);
  });
  const ticking = setInterval(() => feed({kind: 'tick'}), options.tick ?? TICK);

  function close(result: {readonly ok: boolean; readonly text: string}): void {
    state = {...state, phase: 'over'};
    clearInterval(ticking);
    server.close();
    // Pending output is sent first; connections without a token are not waited for.
    for (const socket of sockets) if (socket.writableLength === 0) socket.destroySoon();
    finish(result);
  }

  return new Promise((resolve, reject) => {
    server.on('error', (error) => {
      clearInterval(ticking);
      reject(error);
    });
    server.listen({port: options.port, ...(options.host === undefined ? {} : {host: options.host})}, () =>
      resolve({
        port: (server.address() as net.AddressInfo).port,
        ended,
        close: () => close({ok: false, text: 'ended: hactl invite prints a new token'}),
      }),
    );
  });
}

function readRequest(value: unknown): JoinRequest | undefined {
  const {node, version} = (value ?? {}) as {node?: unknown; version?: unknown};
  return typeof node === 'string' &&
    /^[\w.-]{1,255}$/.test(node) &&
    typeof version === 'string' &&
    version.length < 64
    ? {node, version}
    : undefined;
}
