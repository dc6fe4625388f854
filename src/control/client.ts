import net from 'node:net';
import {dirname} from 'node:path';
import {readSocket} from '../system/paths.ts';
import type {AnswerTo} from './answers.ts';
import type {Command, Response} from './protocol.ts';
import {PROTOCOL_VERSION} from './protocol.ts';

/** The daemon was unreachable, or refused. `code` is for scripts, the message for people. */
export class ControlError extends Error {
  override name = 'ControlError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const explain = (path: string, code: string | undefined): string => {
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return `no daemon at ${path}: is hactld running? Try: systemctl status hactld`;
  if (code === 'EACCES')
    return `no permission for ${path}: run hactl as root, or as a member of hactl_admin_group or hactl_read_group (ha.cf)`;
  return `cannot talk to the daemon at ${path}: ${code ?? 'unknown error'}`;
};

/**
 * Sends the daemon one request and waits up to `timeout` milliseconds for the answer. Without access to the control socket it
 * falls back to the read socket.
 */
export async function ask<const C extends Command>(
  path: string,
  command: C,
  timeout: number,
): Promise<AnswerTo<C>> {
  try {
    return await exchange<AnswerTo<C>>(path, command, timeout);
  } catch (error) {
    if (!(error instanceof ControlError && error.code === 'no-permission')) throw error;
    return exchange<AnswerTo<C>>(readSocket(dirname(path)), command, timeout).catch((second: unknown) => {
      throw second instanceof ControlError && ['no-daemon', 'no-permission'].includes(second.code)
        ? error
        : second;
    });
  }
}

/** Maximum characters of an answer: twice what a daemon sends (`controlLimits`). */
const ANSWER_MOST = 32 << 20;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** An answer line; undefined: no answer of a daemon. */
function readAnswer<A>(line: string): Response<A> | undefined {
  try {
    const answer: unknown = JSON.parse(line);
    if (!isRecord(answer)) return undefined;
    const {ok, result, error} = answer;
    const isAnswer =
      ok === true
        ? result !== undefined
        : ok === false &&
          isRecord(error) &&
          typeof error['code'] === 'string' &&
          typeof error['message'] === 'string';
    return isAnswer ? (answer as unknown as Response<A>) : undefined;
  } catch {
    return undefined;
  }
}

function exchange<A>(path: string, command: Command, timeout: number): Promise<A> {
  return new Promise((resolve, reject) => {
    const socket = net.createConnection(path);
    socket.setEncoding('utf8');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new ControlError('timeout', `the daemon at ${path} did not answer within ${timeout} ms`));
    }, timeout);
    const parts: string[] = [];
    let size = 0;
    const strange = (what: string): void =>
      reject(new ControlError('strange-answer', `${path} answers ${what}: is it hactld's?`));
    socket.on('connect', () => socket.write(JSON.stringify({v: PROTOCOL_VERSION, id: 1, ...command}) + '\n'));
    socket.on('data', (chunk: string) => {
      const end = chunk.indexOf('\n');
      parts.push(end === -1 ? chunk : chunk.slice(0, end));
      size += chunk.length;
      if (end === -1 && size <= ANSWER_MOST) return;
      clearTimeout(timer);
      socket.destroy();
      if (size > ANSWER_MOST) return strange(`with more than ${ANSWER_MOST >> 20} MB`);
      const response = readAnswer<A>(parts.join(''));
      if (!response) strange('with no answer of hactl');
      else if (response.ok) resolve(response.result);
      else reject(new ControlError(response.error.code, response.error.message));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        new ControlError(error.code === 'EACCES' ? 'no-permission' : 'no-daemon', explain(path, error.code)),
      );
    });
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new ControlError('closed', `the daemon at ${path} closed the connection without an answer`));
    });
  });
}
