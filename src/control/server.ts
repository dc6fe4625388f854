/**
 * The server of a control socket. A client cannot cost more than its place: one request of a connection is carried out
 * at a time, nothing more is read meanwhile, and nothing waits in memory for a client that does not read.
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
  const lane = limits.paced ? makeLane() : undefined;
  const turn: Lane = lane ?? ((work) => work());
  const connections = makeConnections(limits, () => {
    // A crowd of reconnecting clients: a refusal by the kernel costs least.
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
      // Read on below the limit, though a request is being answered: only so is it noticed that the client is gone.
      if (connection.state !== 'idle' && pending.length > limits.request) socket.pause();
      next();
    });
    enter('idle', limits.idle);
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
        connections.close();
      }),
  };
}
