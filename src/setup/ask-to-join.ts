/** The second director's side of a join: connects with the token, receives the files, and reports the result. */
import tls from 'node:tls';
import {MAX_MESSAGE, tlsOptions} from '../peer/tls.ts';
import {JOIN_FILES_LIMIT_MS} from '../system/limits.ts';
import type {JoinOutcome, JoinRequest} from './invitation.ts';
import {onLines, readJson} from './lines.ts';
import {JOIN_IDENTITY, tokenKey} from './token.ts';

export class JoinError extends Error {
  override name = 'JoinError';
}

export interface AskOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: Uint8Array;
  readonly request: JoinRequest;
  readonly limit?: number;
  /** Validates and writes the files; its result is sent to the first director. */
  readonly receive: (bundle: unknown) => Promise<JoinOutcome>;
}

/** Resolves to the result of `take`; rejects with a JoinError if nothing was received. */
export function askToJoin(options: AskOptions): Promise<JoinOutcome> {
  const {address, port, secret, request} = options;
  const where = `${address} port ${port}`;
  return new Promise((resolve, reject) => {
    let [connected, secured, answered] = [false, false, false];
    const socket = tls.connect({
      ...tlsOptions,
      host: address,
      port,
      pskCallback: () => ({psk: tokenKey(secret), identity: JOIN_IDENTITY}),
      // Without certificates there is no name to verify: whoever has the token is the first director.
      checkServerIdentity: () => undefined,
    });
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.destroy();
      if (!answered) reject(new JoinError(text));
    };
    const timer = setTimeout(
      () => end(`${where}: no whole answer within ${(options.limit ?? JOIN_FILES_LIMIT_MS) / 1_000} s`),
      options.limit ?? JOIN_FILES_LIMIT_MS,
    );
    socket.on('connect', () => (connected = true));
    socket.on('error', (error: NodeJS.ErrnoException) => end(failure(where, error, connected, secured)));
    socket.on('close', () =>
      end(
        secured
          ? `${where}: the transfer was interrupted`
          : `${where}: closed before the token was asked for`,
      ),
    );
    socket.on('secureConnect', () => {
      secured = true;
      socket.write(`${JSON.stringify(request)}\n`);
    });
    onLines(socket, MAX_MESSAGE, (line) => {
      if (answered) return;
      const {ok, text, bundle} = (readJson(line) ?? {}) as {ok?: unknown; text?: unknown; bundle?: unknown};
      if (ok !== true) {
        end(typeof text === 'string' ? text.slice(0, 500) : `${where}: its answer cannot be read`);
        return;
      }
      answered = true;
      clearTimeout(timer);
      void options.receive(bundle).then(
        (outcome) => {
          socket.end(`${JSON.stringify(outcome)}\n`);
          resolve(outcome);
        },
        (error: unknown) => {
          socket.end(`${JSON.stringify({ok: false, text: 'it failed there'})}\n`);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  });
}

function failure(where: string, error: NodeJS.ErrnoException, connected: boolean, secured: boolean): string {
  const code = error.code ?? error.message;
  if (!connected)
    return `${where} cannot be reached (${code}): is hactl init or hactl invite waiting there, and does its firewall let the port through?`;
  if (secured) return `${where}: the transfer was interrupted (${code})`;
  return `${where} does not take this token (${code}): it is another one's, was used, or is older than ten minutes`;
}
