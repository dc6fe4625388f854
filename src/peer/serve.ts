/** Answers the peer's supervisor. Nobody who has not shown that he has the key now is told anything. */
import net from 'node:net';
import {open, senderNumber} from '@hactl/channel';
import {CommandError} from '../control/error.ts';
import {readPeerCommand} from '../control/requests.ts';
import {respond} from '../control/server.ts';
import type {Log} from '../system/log.ts';
import {keysOf, random64, sendersOf} from './ask.ts';
import {greet, hear, makeConversation, say, type Conversation} from './conversation.ts';
import {onFrames, sendFrame} from './frames.ts';
import type {PeerAnswerer, PeerAnswers, PeerHandlers} from '../control/answers.ts';
import type {PeerCommand, PeerCommandName} from '../control/peer-commands.ts';
import {MAX_GREETING, MAX_MESSAGE} from './protocol.ts';
import type {PeerSettings} from './settings.ts';

/** How many talk at once; a stranger makes room for whoever comes after him. */
const MAX_CONNECTIONS = 8;
const GREETING_LIMIT = 5_000;
const REQUEST_LIMIT = 90_000;
/** A port that somebody else has is tried again so often. */
const LISTEN_AGAIN = 10_000;

/** Carries out only what the handlers name: not all that the control socket does is the peer's business. */
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
  /** Listens where the settings of now say, or nowhere. */
  configure(): void;
  close(): void;
}

/** Serves the settings that `settings` gives at each connection. */
export function servePeer(options: {
  readonly log: Log;
  readonly settings: () => PeerSettings | undefined;
  readonly answer: PeerAnswerer;
}): PeerServer {
  const {log, answer} = options;
  /** In order of arrival; true: believed. */
  const guests = new Map<net.Socket, boolean>();
  let server: net.Server | undefined;
  let port = 0;
  let retry: NodeJS.Timeout | undefined;

  function onConnection(socket: net.Socket): void {
    const settings = options.settings();
    if (!settings) {
      socket.destroy();
      return;
    }
    if (guests.size >= MAX_CONNECTIONS)
      ([...guests].find(([, believed]) => !believed)?.[0] ?? socket).destroy();
    guests.set(socket, false);
    const senders = sendersOf(settings);
    let talk: Conversation | undefined;
    let asked = false;
    let timer = setTimeout(() => socket.destroy(), GREETING_LIMIT);
    socket.on('close', () => {
      clearTimeout(timer);
      guests.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    const refuse = (reason: string): void => {
      log('warn', `peer channel: ${socket.remoteAddress ?? 'somebody'} was refused: ${reason}`);
      socket.destroy();
    };
    /** The key is the first one that opens the first frame. */
    const begin = (frame: Buffer): Conversation | undefined => {
      const own = senderNumber(settings.cluster, settings.node);
      const key = settings.keys.find((one) => open(keysOf(settings, one), own, frame).ok);
      return key && makeConversation(keysOf(settings, key), own, random64(), random64());
    };
    onFrames(
      socket,
      () => (guests.get(socket) === true ? MAX_MESSAGE : MAX_GREETING),
      (frame) => {
        const first = talk === undefined;
        talk ??= begin(frame);
        if (!talk) return refuse('no key of authkeys fits');
        const heard = hear(talk, senders, frame, random64);
        if (heard.type === 'refused') return refuse(heard.reason);
        if (heard.type === 'greeting') {
          // One try: who answers with an old number is a recording.
          if (first && heard.admission === 'answer') sendFrame(socket, greet(talk, heard.greeting.challenge));
          else if (!first && heard.admission === 'new-peer') guests.set(socket, true);
          else refuse('a greeting that is not fresh');
          return;
        }
        if (asked) return refuse('a second request');
        asked = true;
        clearTimeout(timer);
        timer = setTimeout(() => socket.destroy(), REQUEST_LIMIT);
        const current = talk;
        void respond(heard.text, readPeerCommand, answer).then((response) => {
          if (!socket.destroyed) sendFrame(socket, say(current, JSON.stringify(response)));
          socket.end();
        });
      },
    );
  }

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
        `peer channel: cannot listen on TCP port ${wanted}: ${error.code ?? error.message}; the peer cannot ask this director`,
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
    for (const socket of guests.keys()) socket.destroy();
  }

  return {configure: listen, close: stop};
}
