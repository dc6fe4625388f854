/** Asks the peer's supervisor one thing. */
import {randomBytes} from 'node:crypto';
import net from 'node:net';
import {channelKeys, senderNumber, type ChannelKeys} from '@hactl/channel';
import {PROTOCOL_VERSION, type Response} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import {greet, hear, makeConversation, say} from './conversation.ts';
import {onFrames, sendFrame} from './frames.ts';
import type {PeerAnswers} from '../control/answers.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import {MAX_MESSAGE} from './protocol.ts';
import type {PeerKey, PeerSettings} from './settings.ts';

/** An address that does not answer must not use up the time of the next one, in ms. */
const CONNECT_LIMIT = 3_000;

export const random64 = (): bigint => randomBytes(8).readBigUInt64BE();

const derived = new Map<string, ChannelKeys>();

/** Derived once for each secret: every conversation needs them. */
export function keysOf({cluster}: PeerSettings, {secret}: PeerKey): ChannelKeys {
  const name = `${cluster}\n${secret}`;
  let keys = derived.get(name);
  if (!keys) {
    if (derived.size > 32) derived.clear();
    keys = channelKeys('peer', secret, cluster, true);
    derived.set(name, keys);
  }
  return keys;
}

/** The nodes of a cluster as frames name them. */
export const sendersOf = ({cluster, peers}: PeerSettings): number[] =>
  peers.map((peer) => senderNumber(cluster, peer));

/** Where the peer answered last. */
let answered: string | undefined;

/** Asks over each address in turn; what the peer answers, or a CommandError with its or our code. */
export async function askPeer<C extends PeerCommand>(
  settings: PeerSettings,
  command: C,
  limit: number,
): Promise<PeerAnswers[C['command']]> {
  const {addresses, signing} = settings;
  const peer = settings.peers.join(', ');
  if (!signing)
    throw new CommandError(
      'no-key',
      `${peer} cannot be asked: authkeys signs with crc, which proves nothing`,
    );
  if (addresses.length === 0)
    throw new CommandError(
      'no-peer',
      `${peer} cannot be asked: it was not heard, and no hactl_peer says where it is`,
    );
  const until = performance.now() + limit;
  let failure: Error | undefined;
  // With a link down the time to find that out again is not spent at every question.
  for (const address of addresses.toSorted((a, b) => Number(b === answered) - Number(a === answered))) {
    const left = until - performance.now();
    if (left <= 0) break;
    try {
      // oxlint-disable-next-line no-await-in-loop -- one address after another.
      const answer = await askAt<PeerAnswers[C['command']]>(address, settings, signing, command, left);
      answered = address;
      return answer;
    } catch (error) {
      // The peer's own word, or a request that may have been carried out: not to be asked again.
      if (error instanceof CommandError) throw error;
      failure = error as Error;
    }
  }
  throw new CommandError('no-peer', `${peer} cannot be asked: ${failure?.message ?? 'no time left'}`);
}

function askAt<A>(
  address: string,
  settings: PeerSettings,
  signing: PeerKey,
  command: PeerCommand,
  limit: number,
): Promise<A> {
  const {port, cluster, node} = settings;
  const where = `${address} port ${port}`;
  const senders = sendersOf(settings);
  const talk = makeConversation(
    keysOf(settings, signing),
    senderNumber(cluster, node),
    random64(),
    random64(),
  );
  return new Promise((resolve, reject) => {
    const socket = net.connect({host: address, port});
    let asked = false;
    const end = (error: Error): void => {
      clearTimeout(timer);
      clearTimeout(connecting);
      socket.destroy();
      reject(error);
    };
    const broken = (text: string): void =>
      end(
        asked
          ? new CommandError('peer-lost', `${where}: ${text}; whether it was done is not known`)
          : new Error(`${where}: ${text}`),
      );
    const timer = setTimeout(
      () =>
        end(
          asked
            ? new CommandError('peer-timeout', `${where}: no answer within ${Math.round(limit)} ms`)
            : new Error(`${where}: no answer`),
        ),
      limit,
    );
    const connecting = setTimeout(
      () => end(new Error(`${where}: no connection within ${CONNECT_LIMIT} ms`)),
      CONNECT_LIMIT,
    );
    socket.on('error', (error: NodeJS.ErrnoException) => broken(error.code ?? error.message));
    socket.on('close', () => broken("closed by the peer (do authkeys and the clusters' names agree?)"));
    socket.on('connect', () => {
      clearTimeout(connecting);
      sendFrame(socket, greet(talk, 0n));
    });
    onFrames(
      socket,
      () => MAX_MESSAGE,
      (frame) => {
        const heard = hear(talk, senders, frame, random64);
        if (heard.type === 'refused') return broken(`the answer is not the peer's (${heard.reason})`);
        if (heard.type === 'greeting') {
          if (heard.admission !== 'new-peer') return broken('the greeting is not fresh');
          sendFrame(socket, greet(talk));
          sendFrame(socket, say(talk, JSON.stringify({v: PROTOCOL_VERSION, id: 1, ...command})));
          asked = true;
          return;
        }
        let response: Response<A>;
        try {
          response = JSON.parse(heard.text) as Response<A>;
        } catch {
          return broken('the answer is no JSON');
        }
        if (!response.ok) return end(new CommandError(response.error.code, response.error.message));
        clearTimeout(timer);
        resolve(response.result);
        socket.destroy();
      },
    );
  });
}
