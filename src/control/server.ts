/**
 * The server of a control socket. It bounds the cost of a client: one request per connection is executed at a time, no further
 * input is read meanwhile, and no output accumulates in memory for a client that does not read.
 */
import {chmodSync, rmSync} from 'node:fs';
import net from 'node:net';
import type {Answerer, Answers} from './answers.ts';
import {makeConnections, type Connection} from './connections.ts';
import {makeLane, type Lane} from './lane.ts';
import type {Command, CommandName, Response} from './protocol.ts';
import {readCommand} from './requests.ts';
import {answerRequest, readLine} from './respond.ts';
import {sendAnswer} from './send-answer.ts';

export interface ControlLimits {
  /** Maximum connections; the longest idle one makes room for a new one. */
  readonly connections: number;
  /** Maximum octets of a request, which is one line. */
  readonly request: number;
  /** Maximum octets of an answer; a larger one is refused. */
  readonly answer: number;
  /** Maximum clients with an unread answer; beyond it the slowest is cut off. */
  readonly unread: number;
  /** Maximum milliseconds without a complete request. */
  readonly idle: number;
  /** Milliseconds a client has to read its answer. */
  readonly read: number;
  /** Serialises requests over all connections, with pauses: these clients must not saturate a processor. */
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

/** Requests that wait for an event or for the peer. */
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
  const lane = limits.paced ? makeLane() : undefined;
  const turn: Lane = lane ?? ((work) => work());
  const connections = makeConnections(limits, () => {
    // With many reconnecting clients a refusal by the kernel is cheapest.
    server.maxConnections = limits.connections;
    setTimeout(() => (server.maxConnections = limits.connections + 1), EVICT_EVERY).unref();
  });
  const server = net.createServer((socket) => {
    const connection = connections.admit(socket);
    if (connection) serveConnection(connection);
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
      if (limit !== undefined) timer = setTimeout(() => connections.drop(connection), limit);
    };
    const next = (): void => {
      if (connection.state !== 'idle' || socket.destroyed) return;
      const end = pending.indexOf('\n');
      if ((end === -1 ? pending.length : end) > limits.request) return connections.drop(connection);
      if (end === -1) return;
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      enter('working');
      void carryOutLine(line, gone.signal, enter).then(async (response) => {
        if (!response || socket.destroyed) return;
        enter('sending', limits.read);
        connections.limitUnread();
        await sendAnswer(socket, response, limits.answer, turn);
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
      // Keep reading up to the limit while a request is being answered: only this reveals a disconnect.
      if (connection.state !== 'idle' && pending.length > limits.request) socket.pause();
      next();
    });
    enter('idle', limits.idle);
  }

  /** The answer to one line; undefined: the client has disconnected. */
  async function carryOutLine(
    line: string,
    gone: AbortSignal,
    enter: (state: Connection['state']) => void,
  ): Promise<Response<Answers[CommandName]> | undefined> {
    const request = readLine(line, readCommand);
    const carryOut = (): Promise<Response<Answers[CommandName]>> =>
      answerRequest(request, (command) => answer(command, gone));
    if (!lane) return carryOut();
    // A waiting client must not block others.
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
        connections.close();
      }),
  };
}
