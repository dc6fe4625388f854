/**
 * The server of a control socket. A client cannot cost more than its place: one request of a connection is carried out
 * at a time, nothing more is read meanwhile, and nothing waits in memory for a client that does not read.
 */
import {chmodSync, rmSync} from 'node:fs';
import net from 'node:net';
import type {Answerer, Answers, Handlers} from './answers.ts';
import {CommandError} from './error.ts';
import {jsonPieces} from './json-pieces.ts';
import {makeLane} from './lane.ts';
import {PROTOCOL_VERSION, type Command, type CommandName, type Response} from './protocol.ts';
import {readCommand} from './requests.ts';
import {REFUSAL_LIMIT_MS} from '../system/limits.ts';

export interface ControlLimits {
  /** Connections at a time; the longest idle one makes room for a new one. */
  readonly connections: number;
  /** Octets of one request, which is one line. */
  readonly request: number;
  /** Octets of one answer; a larger one is refused. */
  readonly answer: number;
  /** Clients that have not read their answer yet: when there are more, the slowest is cut off. */
  readonly unread: number;
  /** Milliseconds without a whole request. */
  readonly idle: number;
  /** Milliseconds in which a client has to read its answer. */
  readonly read: number;
  /** One request after another over all connections, with pauses: whoever asks here must not take a processor. */
  readonly paced: boolean;
}

export const controlLimits: ControlLimits = {
  connections: 64,
  request: 64 * 1024,
  answer: 16 << 20,
  unread: 32,
  idle: 60_000,
  read: 30_000,
  paced: false,
};

/** Minimum time between two evictions for a newcomer, in ms. */
const EVICT_EVERY = 50;

/** A connection and what it is doing; `since` in milliseconds of performance.now(). */
interface Connection {
  readonly socket: net.Socket;
  state: 'idle' | 'waiting' | 'working' | 'sending';
  since: number;
}

/** What is answered when something happens, or when the peer answers. */
const waits = (command: Command): boolean =>
  command.command === 'peer' || (command.command === 'events' && (command.wait ?? 0) > 0);

/** Serves the control socket. A stale socket file of a dead daemon is replaced; the new one is for root and its group. */
export async function serveControl(
  path: string,
  answer: Answerer,
  mode = 0o660,
  given: Partial<ControlLimits> = {},
): Promise<{close(): Promise<void>}> {
  const limits = {...controlLimits, ...given};
  const connections = new Set<Connection>();
  const refused = new Set<net.Socket>();
  const lane = limits.paced ? makeLane() : undefined;

  const longest = (state: Connection['state']): Connection | undefined =>
    [...connections]
      .filter((connection) => connection.state === state)
      .toSorted((a, b) => a.since - b.since)[0];

  /** Room for one more connection. A wait for news is cheap to ask for again: hactl does so. */
  function makeRoom(): boolean {
    if (connections.size < limits.connections) return true;
    const leaving = longest('idle') ?? longest('waiting');
    if (!leaving) return false;
    drop(leaving);
    // A crowd of reconnecting clients: a refusal by the kernel costs least.
    server.maxConnections = limits.connections;
    setTimeout(() => (server.maxConnections = limits.connections + 1), EVICT_EVERY).unref();
    return true;
  }

  /** The data of an answer stay in memory until it is read. */
  function limitUnread(): void {
    const sending = [...connections].filter(({state}) => state === 'sending').length;
    const slow = sending > limits.unread ? longest('sending') : undefined;
    if (slow) drop(slow);
  }

  function drop(connection: Connection): void {
    connections.delete(connection);
    connection.socket.destroy();
  }

  /** Sends the refusal, drains the input so that it arrives, and closes. */
  function refuse(socket: net.Socket): void {
    const message = 'too many clients are being answered; try again';
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LIMIT_MS);
    refused.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      refused.delete(socket);
    });
    socket.resume();
    socket.end(`${JSON.stringify({id: 0, ok: false, error: {code: 'busy', message}})}\n`);
  }

  const server = net.createServer((socket) => {
    if (!makeRoom()) {
      refuse(socket);
      return;
    }
    const connection: Connection = {socket, state: 'idle', since: performance.now()};
    connections.add(connection);
    serveConnection(connection);
  });

  function serveConnection(connection: Connection): void {
    const {socket} = connection;
    const gone = new AbortController();
    let pending = '';
    let timer: NodeJS.Timeout | undefined;
    const enter = (state: Connection['state'], limit?: number): void => {
      clearTimeout(timer);
      connection.state = state;
      connection.since = performance.now();
      if (limit !== undefined) timer = setTimeout(() => drop(connection), limit);
    };
    const next = (): void => {
      if (connection.state !== 'idle' || socket.destroyed) return;
      const end = pending.indexOf('\n');
      if ((end === -1 ? pending.length : end) > limits.request) return drop(connection);
      if (end === -1) return;
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      enter('working');
      void carryOutLine(line, gone.signal, enter).then(async (response) => {
        if (!response || socket.destroyed) return;
        enter('sending', limits.read);
        limitUnread();
        await send(socket, response);
        enter('idle', limits.idle);
        if (socket.destroyed) return;
        socket.resume();
        next();
      });
    };
    socket.setEncoding('utf8');
    socket.on('close', () => {
      clearTimeout(timer);
      gone.abort();
      connections.delete(connection);
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      pending += chunk;
      // Read on below the limit, though a request is being answered: only so is it noticed that the client is gone.
      if (connection.state !== 'idle' && pending.length > limits.request) socket.pause();
      next();
    });
    enter('idle', limits.idle);
  }

  /** Writes an answer as the client reads it; ends early when the connection does. */
  async function send(socket: net.Socket, response: Response<Answers[CommandName]>): Promise<void> {
    const turn = lane ?? (<T>(work: () => Promise<T>): Promise<T> => work());
    const size = await turn(async () => sizeOf(response, limits.answer));
    const message = `the answer is larger than ${limits.answer >> 20} MB: ask for less (hactl events -n)`;
    const tooLarge = {id: response.id, ok: false, error: {code: 'too-large', message}};
    const pieces = jsonPieces(size > limits.answer ? tooLarge : response);
    // oxlint-disable no-await-in-loop -- one piece after another, as the client reads.
    for (;;) {
      const piece = await turn(async () => pieces.next());
      if (piece.done || socket.destroyed) break;
      await write(socket, piece.value);
    }
    // oxlint-enable no-await-in-loop
    await write(socket, '\n');
  }

  /** The answer to one line; undefined: nobody waits for it any more. */
  async function carryOutLine(
    line: string,
    gone: AbortSignal,
    enter: (state: Connection['state']) => void,
  ): Promise<Response<Answers[CommandName]> | undefined> {
    const request = readLine(line, readCommand);
    const carryOut = (): Promise<Response<Answers[CommandName]>> =>
      answerRequest(request, (command) => answer(command, gone));
    if (!lane) return carryOut();
    // Whoever waits must not keep others from being answered.
    if ('command' in request && waits(request.command)) {
      enter('waiting');
      return carryOut();
    }
    return lane(async () => (gone.aborted ? undefined : carryOut()));
  }

  server.maxConnections = limits.connections + 1;
  rmSync(path, {force: true});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, mode);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const {socket} of connections) socket.destroy();
        for (const socket of refused) socket.destroy();
      }),
  };
}

/** Characters of an answer, as far as they matter: counting stops beyond `most`. */
function sizeOf(response: object, most: number): number {
  let size = 0;
  for (const piece of jsonPieces(response)) {
    size += piece.length;
    if (size > most) break;
  }
  return size;
}

/** Ends when the kernel has it, or when the connection is gone. */
const write = (socket: net.Socket, text: string): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      socket.off('close', end);
      resolve();
    };
    socket.on('close', end);
    socket.write(text, end);
  });

const carryOut = <K extends CommandName>(
  handlers: Handlers,
  command: Command<K>,
  gone: AbortSignal | undefined,
): Promise<Answers[K]> => {
  const name: K = command.command;
  return handlers[name](command, gone);
};

/** Carries each command out with its handler. */
export const answerWith =
  (handlers: Handlers): Answerer =>
  async (command, gone) =>
    carryOut(handlers, command, gone);

/** A request that was read, or why it could not be. */
type ReadRequest<C> =
  | {readonly id: number; readonly command: C}
  | {readonly id: number; readonly error: {readonly code: string; readonly message: string}};

const errorOf = (error: unknown): {code: string; message: string} => ({
  code: error instanceof CommandError ? error.code : error instanceof SyntaxError ? 'syntax' : 'internal',
  message: error instanceof Error ? error.message : String(error),
});

/** One line as a request. `read` throws a CommandError for what is none. */
function readLine<C>(line: string, read: (value: unknown) => C): ReadRequest<C> {
  let id = 0;
  try {
    const request: unknown = JSON.parse(line);
    const stamp = (key: string): unknown =>
      typeof request === 'object' && request !== null ? Reflect.get(request, key) : undefined;
    const given = stamp('id');
    id = typeof given === 'number' ? given : 0;
    if (stamp('v') !== PROTOCOL_VERSION)
      throw new CommandError(
        'version',
        `this daemon speaks version ${PROTOCOL_VERSION}, the request ${(JSON.stringify(stamp('v')) ?? 'none').slice(0, 40)}`,
      );
    return {id, command: read(request)};
  } catch (error) {
    return {id, error: errorOf(error)};
  }
}

async function answerRequest<C, A>(
  request: ReadRequest<C>,
  answer: (command: C) => Promise<A>,
): Promise<Response<A>> {
  const {id} = request;
  if ('error' in request) return {id, ok: false, error: request.error};
  try {
    return {id, ok: true, result: await answer(request.command)};
  } catch (error) {
    return {id, ok: false, error: errorOf(error)};
  }
}

/** One request as it came, and the answer to it; the channel between the directors speaks the same words. */
export const respond = <C, A>(
  line: string,
  read: (value: unknown) => C,
  answer: (command: C) => Promise<A>,
): Promise<Response<A>> => answerRequest(readLine(line, read), answer);
