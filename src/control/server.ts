import {chmodSync, rmSync} from 'node:fs';
import net from 'node:net';
import type {Answerer, Answers, Handlers, PeerAnswers} from './answers.ts';
import {CommandError} from './error.ts';
import type {PeerCommandName} from './peer-commands.ts';
import {PROTOCOL_VERSION, type Command, type CommandName, type Request, type Response} from './protocol.ts';

/** A request is one short line; a client that sends more is cut off. */
const MAX_REQUEST = 64 * 1024;

/** Serves the control socket. A stale socket file of a dead daemon is replaced; the new one is for root and its group. */
export async function serveControl(
  path: string,
  answer: Answerer,
  mode = 0o660,
): Promise<{close(): Promise<void>}> {
  const connections = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections.add(socket);
    socket.setEncoding('utf8');
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = '';
    socket.on('data', (chunk: string) => {
      pending += chunk;
      if (pending.length > MAX_REQUEST) socket.destroy();
      for (let end = pending.indexOf('\n'); end !== -1; end = pending.indexOf('\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 1);
        void respond<Command, Answers[CommandName]>(line, answer).then((response) => {
          if (!socket.destroyed) socket.write(JSON.stringify(response) + '\n');
        });
      }
    });
  });
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
        for (const socket of connections) socket.destroy();
      }),
  };
}

const carryOut = <K extends CommandName>(handlers: Handlers, command: Command<K>): Promise<Answers[K]> => {
  const name: K = command.command;
  return handlers[name](command);
};

/** Carries each command out with its handler. */
export const answerWith =
  (handlers: Handlers): Answerer =>
  async (command) => {
    if (!Object.hasOwn(handlers, command.command))
      throw new CommandError('unknown-command', 'unknown command');
    return carryOut(handlers, command);
  };

/** One request as it came, and the answer to it; the channel between the directors speaks the same words. */
export async function respond<C, A extends Answers[CommandName] | PeerAnswers[PeerCommandName]>(
  line: string,
  answer: (command: C) => Promise<A>,
): Promise<Response<A>> {
  let id = 0;
  try {
    const request = JSON.parse(line) as Request;
    id = typeof request.id === 'number' ? request.id : 0;
    if (request.v !== PROTOCOL_VERSION)
      throw new CommandError(
        'version',
        `this daemon speaks version ${PROTOCOL_VERSION}, the request is ${request.v}`,
      );
    return {id, ok: true, result: await answer(request as unknown as C)};
  } catch (error) {
    const code =
      error instanceof CommandError ? error.code : error instanceof SyntaxError ? 'syntax' : 'internal';
    return {id, ok: false, error: {code, message: error instanceof Error ? error.message : String(error)}};
  }
}
