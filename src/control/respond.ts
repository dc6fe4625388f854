/** One request line and its answer; the control socket and the peer channel share this format. */
import type {Answerer, Answers, Handlers} from './answers.ts';
import {CommandError} from './error.ts';
import {PROTOCOL_VERSION, type Command, type CommandName, type Response} from './protocol.ts';

const carryOut = <K extends CommandName>(
  handlers: Handlers,
  command: Command<K>,
  gone: AbortSignal | undefined,
): Promise<Answers[K]> => {
  const name: K = command.command;
  return handlers[name](command, gone);
};

/** Executes each command with its handler. */
export const answerWith =
  (handlers: Handlers): Answerer =>
  async (command, gone) =>
    carryOut(handlers, command, gone);

/** A parsed request, or why it is invalid. */
export type ReadRequest<C> =
  | {readonly id: number; readonly command: C}
  | {readonly id: number; readonly error: {readonly code: string; readonly message: string}};

const errorOf = (error: unknown): {code: string; message: string} => ({
  code: error instanceof CommandError ? error.code : error instanceof SyntaxError ? 'syntax' : 'internal',
  message: error instanceof Error ? error.message : String(error),
});

/** Parses a line as a request. `read` throws a CommandError if it is invalid. */
export function readLine<C>(line: string, read: (value: unknown) => C): ReadRequest<C> {
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

export async function answerRequest<C, A>(
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

/** Answers one request line; the peer channel uses the same format. */
export const respond = <C, A>(
  line: string,
  read: (value: unknown) => C,
  answer: (command: C) => Promise<A>,
): Promise<Response<A>> => answerRequest(readLine(line, read), answer);
