/**
 * Shared by the line protocols: connections to the real server, read line by line, under one deadline for connecting, TLS and
 * every answer. However a dialogue ends, its sockets are closed and its reason is a readable sentence.
 */
import net from 'node:net';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import {Incoming} from './incoming.ts';
import {oneVerdict, type Talk} from './one-verdict.ts';
import {startTls} from './tls-client.ts';

/** Maximum octets that a probe reads from one connection: a server that never stops sending fails. */
export const INPUT_MAX = 1 << 20;
/** Maximum lines of one answer: a check cannot wait for a longer greeting. */
export const LINES_MAX = 1_000;
/** How long to wait for the farewell; the verdict does not wait for it. */
const PARTING: Millis = 1_000;

/** Ends the dialogue: the server violated the protocol. */
export class DialogueError extends Error {
  override name = 'DialogueError';
}

/** The result of a dialogue. */
export interface Finding {
  readonly passed: boolean;
  readonly words: string;
  /** Sent on the first connection before it is closed: keeps lost connections out of the server's log. */
  readonly bye?: string;
}

export interface Connection {
  /** The local address, as seen by the server. */
  readonly localAddress: string;
  readonly send: (text: string) => void;
  /** Half-closes: the server sees the end of our data, and can still answer. */
  readonly finish: () => void;
  /** The next line without its line break; `what` names it in reasons: `the greeting`. */
  readonly line: (what: string) => Promise<string>;
  /** Passes the data on piece by piece, until the server closes (then with `ended`) or `enough` returns true. */
  readonly rest: (what: string, enough: (piece: string, ended: boolean) => boolean) => Promise<void>;
  readonly close: () => void;
}

export interface Dialogue {
  readonly connect: (port: number, secure?: boolean) => Promise<Connection>;
  /** Appends to the progress with which every reason begins. */
  readonly note: (words: string) => void;
}

/** Server output, short and on one line. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** Runs a dialogue within `limit`. The script's promises all settle with it, so that nothing is left behind. */
export function converse(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  script: (dialogue: Dialogue) => Promise<Finding>,
): Promise<ProbeResult> {
  return oneVerdict<string>(spec, limit, clock, (verdict) => {
    const sockets: net.Socket[] = [];
    const dialogue: Dialogue = {
      connect(port, secure = false) {
        const at = clock.now();
        const first = sockets.length === 0;
        verdict.phase('connecting');
        const socket = open(spec, port, secure);
        sockets.push(socket);
        if (verdict.over()) socket.destroy();
        socket.once('connect', () => {
          if (first) verdict.note(`connected in ${Math.round(clock.now() - at)} ms`);
          if (secure) verdict.phase('TLS handshake');
        });
        return talk(socket, `${spec.address} port ${port}`, secure, verdict).then((connection) => {
          if (secure && first) verdict.note('TLS ok');
          return connection;
        });
      },
      note: verdict.note,
    };
    script(dialogue).then(
      ({passed, words, bye}) => verdict.end(passed, words, bye),
      (error: unknown) => {
        // A socket's error tells a local shortage from the server's fault.
        const words = error instanceof Error ? error.message : String(error);
        verdict.fail(error instanceof DialogueError ? (error.cause ?? error) : error, words);
      },
    );
    return (bye) => {
      for (const [index, socket] of sockets.entries())
        if (index === 0 && bye !== undefined && socket.writable) part(socket, bye);
        else socket.destroy();
    };
  });
}

/** Accepts any certificate, as ldirectord does. */
function open(spec: CheckSpec, port: number, secure: boolean): net.Socket {
  const options = {host: spec.address, port, family: spec.family};
  const socket = net.connect(options);
  return secure ? startTls(spec, spec.virtualHost, socket) : socket;
}

function part(socket: net.Socket, bye: string): void {
  const timer = setTimeout(() => socket.destroy(), PARTING);
  timer.unref();
  socket.on('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(bye);
}

/** Wraps a socket; resolves when it is connected (and through its TLS handshake). */
async function talk(
  socket: net.Socket,
  target: string,
  secure: boolean,
  {meter, phase: enter}: Pick<Talk<string>, 'meter' | 'phase'>,
): Promise<Connection> {
  const incoming = new Incoming();
  let [taken, ended] = [0, false];
  let broken: Error | undefined;
  let wake = (): void => undefined;
  const news = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  let connected = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    meter.enter(chunk.length);
    incoming.add(chunk);
    taken += chunk.length;
    if (taken > INPUT_MAX) {
      broken ??= new DialogueError(`${target} sent more than ${INPUT_MAX} octets`);
      socket.destroy();
    }
    wake();
  });
  socket.on('error', (error) => {
    broken ??= new DialogueError(explainError(error, target), {cause: error});
    wake();
  });
  for (const event of ['end', 'close'])
    socket.on(event, () => {
      ended = true;
      wake();
    });
  socket.on(secure ? 'secureConnect' : 'connect', () => {
    connected = true;
    wake();
  });
  while (!connected) {
    // oxlint-disable-next-line no-await-in-loop -- one event after another.
    await news();
    if (broken) throw broken;
    if (ended) throw new DialogueError(`${target} closed the connection`);
  }
  return {
    localAddress: socket.localAddress ?? '',
    send: (words) => void socket.write(words, 'latin1'),
    finish: () => void socket.end(),
    async line(what) {
      enter(`waiting for ${what}`);
      for (;;) {
        const line = incoming.line();
        if (line !== undefined) return line;
        if (broken) throw broken;
        if (ended) {
          const text = incoming.all();
          throw new DialogueError(
            `${target} closed the connection instead of ${what}${text === '' ? '' : ` after ${quoted(text)}`}`,
          );
        }
        // oxlint-disable-next-line no-await-in-loop -- as above.
        await news();
      }
    },
    async rest(what, enough) {
      enter(`waiting for ${what}`);
      for (;;) {
        // `ended` is read first: data that comes with the end is passed on once.
        const over = ended;
        const piece = incoming.all();
        if (enough(piece, over)) return;
        if (broken) throw broken;
        if (over) return;
        // oxlint-disable-next-line no-await-in-loop -- as above.
        await news();
      }
    },
    close: () => void socket.destroy(),
  };
}

/** A reply as in SMTP and FTP: a three-digit code with a text of one or more lines. */
export interface Reply {
  readonly code: number;
  readonly text: string;
}

/** Reads lines until one starts with the first line's code and a blank; LINES_MAX at most. */
export async function readReply(connection: Connection, what: string): Promise<Reply> {
  const first = await connection.line(what);
  const head = /^(\d{3})(?:([ -])|$)/.exec(first);
  if (!head) throw new DialogueError(`${what} is not a reply: ${quoted(first)}`);
  if (head[2] === '-')
    for (let lines = 1; ; lines += 1) {
      if (lines >= LINES_MAX) throw new DialogueError(`${what} has more than ${LINES_MAX} lines`);
      // oxlint-disable-next-line no-await-in-loop -- line by line.
      const line = await connection.line(what);
      if (line === head[1] || line.startsWith(`${head[1]} `)) break;
    }
  return {code: Number(head[1]), text: first};
}

/** The reply if its code is in the class (2 = done, 3 = continue); otherwise the dialogue ends with the reply as the reason. */
export async function expectReply(connection: Connection, what: string, classes: string): Promise<Reply> {
  const reply = await readReply(connection, what);
  if (!classes.includes(String(reply.code).slice(0, 1)))
    throw new DialogueError(`${what} is ${quoted(reply.text)}`);
  return reply;
}
