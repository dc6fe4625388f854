/** Sends the peer's supervisor one request. */
import tls from 'node:tls';
import type {PeerAnswers} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import {PROTOCOL_VERSION, type Response} from '../control/protocol.ts';
import type {PeerKey, PeerSettings} from './settings.ts';
import {identityOf, MAX_MESSAGE, onLine, presharedKey, tlsOptions} from './tls.ts';
import {PEER_CONNECT_LIMIT_MS} from '../system/limits.ts';

/** The address at which the peer answered last. */
let answered: string | undefined;

/** Tries each address in turn; returns the peer's answer, or throws a CommandError with its or our code. */
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
      `${peer} cannot be asked: it was not heard, and no hactl_peer gives its address`,
    );
  const until = performance.now() + limit;
  let failure: Error | undefined;
  // With a link down, do not spend the time to detect it again on every request.
  for (const address of addresses.toSorted((a, b) => Number(b === answered) - Number(a === answered))) {
    const left = until - performance.now();
    if (left <= 0) break;
    try {
      // oxlint-disable-next-line no-await-in-loop -- one address after another.
      const answer = await askAt<PeerAnswers[C['command']]>(address, settings, signing, command, left);
      answered = address;
      return answer;
    } catch (error) {
      // The peer's own answer, or a request that may have been executed: it must not be repeated.
      if (error instanceof CommandError) throw error;
      failure = error as Error;
    }
  }
  throw new CommandError('no-peer', `${peer} cannot be asked: ${failure?.message ?? 'no time left'}`);
}

/** The likely cause of an error before the handshake completed. */
function explain(error: NodeJS.ErrnoException, connected: boolean): string {
  const code = error.code ?? error.message;
  if (!connected) return code;
  return /SSL|TLS/.test(code)
    ? `the handshake failed (${code}): do authkeys and the cluster names match?`
    : `closed in the handshake (${code}): is this director's address among those the peer expects (hactl_peer there), and does the peer's hactl speak TLS?`;
}

function askAt<A>(
  address: string,
  settings: PeerSettings,
  key: PeerKey,
  command: PeerCommand,
  limit: number,
): Promise<A> {
  const {port} = settings;
  const where = `${address} port ${port}`;
  return new Promise((resolve, reject) => {
    let [connected, asked] = [false, false];
    const socket = tls.connect({
      ...tlsOptions,
      host: address,
      port,
      pskCallback: () => ({psk: presharedKey(settings, key), identity: identityOf(settings, key)}),
      // Without certificates there is no name to verify: the peer has the key or the handshake fails.
      checkServerIdentity: () => undefined,
    });
    const end = (error: Error): void => {
      clearTimeout(timer);
      clearTimeout(connecting);
      socket.destroy();
      reject(error);
    };
    const broken = (text: string): void =>
      end(
        asked
          ? new CommandError('peer-lost', `${where}: ${text}; whether it was done is unknown`)
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
      () => end(new Error(`${where}: no connection within ${PEER_CONNECT_LIMIT_MS} ms`)),
      PEER_CONNECT_LIMIT_MS,
    );
    socket.on('connect', () => (connected = true));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      broken(asked ? (error.code ?? error.message) : explain(error, connected)),
    );
    socket.on('close', () => broken('closed by the peer'));
    socket.on('secureConnect', () => {
      clearTimeout(connecting);
      socket.write(`${JSON.stringify({v: PROTOCOL_VERSION, id: 1, ...command})}\n`);
      asked = true;
    });
    onLine(socket, MAX_MESSAGE, (line) => {
      let response: Response<A>;
      try {
        response = JSON.parse(line) as Response<A>;
      } catch {
        return broken('the answer is not JSON');
      }
      if (!response.ok) return end(new CommandError(response.error.code, response.error.message));
      clearTimeout(timer);
      resolve(response.result);
      socket.destroy();
    });
  });
}
