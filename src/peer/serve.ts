/** Answers the peer's supervisor. No data is sent before the client has proved possession of the key. */
import net from 'node:net';
import tls from 'node:tls';
import type {PeerAnswerer, PeerAnswers, PeerHandlers} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {EventDraft} from '../control/events.ts';
import type {PeerCommand, PeerCommandName} from '../control/peer-commands.ts';
import type {Response} from '../control/protocol.ts';
import {readPeerCommand} from '../control/requests.ts';
import {respond} from '../control/respond.ts';
import type {Log} from '../system/log.ts';
import {strangerAt, type PeerSettings} from './settings.ts';
import {reportStrangers} from './stranger-report.ts';
import {keyFor, MAX_MESSAGE, onLine, presharedKey, tlsOptions} from './tls.ts';
import {PEER_HANDSHAKE_LIMIT_MS, PEER_REQUEST_LIMIT_MS} from '../system/limits.ts';

/** Maximum connections; one that has not proved the key makes room for a new one. */
const MAX_CONNECTIONS = 8;
/** Maximum read-only requests among them: the rest is reserved for pushes, overrides and configuration comparison. */
const MAX_LOOKS = 3;
/** Retry interval for a port that another program uses, in ms. */
const LISTEN_AGAIN = 10_000;

/** Read-only commands, which any reader can cause. */
const looks = ({command}: PeerCommand): boolean => command === 'status' || command === 'events';

/** Executes only commands that have a handler: the peer may not use every command of the control socket. */
export const answerPeerWith =
  (handlers: PeerHandlers): PeerAnswerer =>
  async (command) => {
    if (!Object.hasOwn(handlers, command.command))
      throw new CommandError('not-for-peers', `the peer may not ask for ${command.command}`);
    return carryOut(handlers, command);
  };

const carryOut = <K extends PeerCommandName>(
  handlers: PeerHandlers,
  command: PeerCommand<K>,
): Promise<PeerAnswers[K]> => {
  const name: K = command.command;
  return handlers[name](command);
};

export interface PeerServer {
  /** Listens according to the current settings, or not at all. */
  configure(): void;
  close(): void;
}

export interface PeerServerOptions {
  readonly log: Log;
  /** For the journal. */
  readonly record?: (draft: EventDraft) => void;
  readonly settings: () => PeerSettings | undefined;
  readonly answer: PeerAnswerer;
}

const nameOf = (socket: net.Socket): string => `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;

/** A key that does not fit fails at once: who ran out of time has shown no key at all. */
const handshakeFailure = (code: string): string =>
  code === 'ERR_TLS_HANDSHAKE_TIMEOUT'
    ? `no handshake within ${PEER_HANDSHAKE_LIMIT_MS / 1_000} s (${code}): an overloaded machine, lost packets, or a port scan`
    : keyFailure(code);

const keyFailure = (code: string): string =>
  /WRONG_VERSION_NUMBER|HTTP_REQUEST|UNSUPPORTED_PROTOCOL|UNKNOWN_PROTOCOL/.test(code)
    ? `it speaks no TLS 1.2 (${code}): an older hactl? both directors need the same version`
    : `the handshake failed (${code}): no key of authkeys fits`;

function encode(response: Response<PeerAnswers[PeerCommandName]>): string {
  const text = `${JSON.stringify(response)}\n`;
  if (Buffer.byteLength(text) <= MAX_MESSAGE) return text;
  const message = `the answer is larger than ${MAX_MESSAGE >> 20} MB`;
  return `${JSON.stringify({id: response.id, ok: false, error: {code: 'too-large', message}})}\n`;
}

/** Limits concurrent read-only requests; passes everything else. */
function limitLooks(answer: PeerAnswerer): PeerAnswerer {
  let looking = 0;
  return async (command) => {
    if (!looks(command)) return answer(command);
    if (looking >= MAX_LOOKS)
      throw new CommandError('busy', 'too many requests for status and events are being answered; try again');
    looking += 1;
    try {
      return await answer(command);
    } finally {
      looking -= 1;
    }
  };
}

/** Serves with the settings that `settings` returns at each connection. */
export function servePeer(options: PeerServerOptions): PeerServer {
  const {log} = options;
  const strangers = reportStrangers(options);
  const answer = limitLooks(options.answer);
  /** By remote address and port, in order of arrival. */
  const connections = new Map<string, {readonly socket: net.Socket; authenticated: boolean}>();
  let server: net.Server | undefined;
  let port = 0;
  let retry: NodeJS.Timeout | undefined;

  function onConnection(socket: net.Socket): void {
    const settings = options.settings();
    const source = socket.remoteAddress ?? 'somebody';
    const reason = settings && strangerAt(settings, source, socket.localAddress ?? '');
    if (!settings || reason !== undefined) {
      if (reason !== undefined) strangers.refused(source, reason);
      socket.resetAndDestroy();
      return;
    }
    if (connections.size >= MAX_CONNECTIONS) {
      const leaving = [...connections.values()].find(({authenticated}) => !authenticated);
      (leaving?.socket ?? socket).destroy();
    }
    const name = nameOf(socket);
    connections.set(name, {socket, authenticated: false});
    socket.on('close', () => connections.delete(name));
    socket.on('error', () => socket.destroy());
    if (!socket.destroyed) secure.emit('connection', socket);
  }

  const secure = tls.createServer({
    ...tlsOptions,
    handshakeTimeout: PEER_HANDSHAKE_LIMIT_MS,
    pskCallback: (_, identity) => {
      const settings = options.settings();
      const key = settings && keyFor(settings, identity);
      return settings && key ? presharedKey(settings, key) : null;
    },
  });
  secure.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const code = error.code ?? error.message;
    // A connection that closed without data is not reported.
    if (code !== 'ECONNRESET') strangers.refused(socket.remoteAddress ?? 'somebody', handshakeFailure(code));
    socket.destroy();
  });
  secure.on('secureConnection', (socket) => {
    const connection = connections.get(nameOf(socket));
    if (!connection) {
      socket.destroy();
      return;
    }
    connection.authenticated = true;
    const timer = setTimeout(() => socket.destroy(), PEER_REQUEST_LIMIT_MS);
    socket.on('close', () => clearTimeout(timer));
    socket.on('error', () => socket.destroy());
    onLine(socket, MAX_MESSAGE, (line) => {
      void respond(line, readPeerCommand, answer).then((response) => {
        if (!socket.destroyed) socket.end(encode(response));
      });
    });
  });

  function listen(): void {
    const wanted = options.settings()?.port ?? 0;
    if (wanted === port && (server || wanted === 0)) return;
    stop();
    port = wanted;
    if (wanted === 0) return;
    const made = net.createServer(onConnection);
    server = made;
    made.on('error', (error: NodeJS.ErrnoException) => {
      if (server !== made) return;
      log(
        'warn',
        `peer channel: cannot listen on TCP port ${wanted}: ${error.code ?? error.message}; the peer cannot reach this director`,
      );
      server = undefined;
      retry = setTimeout(listen, LISTEN_AGAIN);
      retry.unref();
    });
    made.listen(wanted);
  }

  function stop(): void {
    clearTimeout(retry);
    server?.close();
    server = undefined;
    for (const {socket} of connections.values()) socket.destroy();
  }

  return {
    configure: listen,
    close: () => {
      strangers.close();
      stop();
    },
  };
}
