/** Takes messages off a socket one after another, as they complete. */
import type {Socket} from 'node:net';
import type {Meter} from './meter.ts';

/** A message found at the front of what has come, and how many octets it takes. */
export interface Found<T> {
  readonly value: T;
  readonly used: number;
}

/** It is incomplete: so many octets, from its beginning, say more (its header, or all of it). */
export interface Needs {
  readonly needs: number;
  readonly value?: undefined;
  readonly used?: undefined;
}

export interface Reader {
  /** The next message. `find` says how many octets it needs while it is incomplete, and throws what no server would say. */
  readonly next: <T>(find: (octets: Buffer) => Found<T> | Needs) => Promise<T>;
}

export interface Limits {
  /** Octets that make no message, or that nobody asked for. */
  readonly message: number;
  /** Octets of the whole conversation. */
  readonly total: number;
  readonly messages: number;
}

/** Reads `socket`; what exceeds the limits ends the connection. Octets are copied together once for each message. */
export function makeReader(socket: Socket, limits: Limits, meter: Meter): Reader {
  let pieces: Buffer[] = [];
  let [size, total, messages, needs] = [0, 0, 0, 0];
  let look = (): void => undefined;
  const together = (): Buffer => {
    const [first] = pieces;
    if (pieces.length === 1 && first) return first;
    const all = Buffer.concat(pieces);
    pieces = [all];
    return all;
  };
  socket.on('data', (chunk: Buffer) => {
    meter.enter(chunk.length);
    pieces.push(chunk);
    size += chunk.length;
    total += chunk.length;
    if (size >= needs) look();
    if (size > limits.message)
      socket.destroy(new Error(`more than ${limits.message} octets that make no message`));
    else if (total > limits.total) socket.destroy(new Error(`says more than ${limits.total} octets`));
  });
  // Whoever had it before may have paused it, that nothing be missed in between.
  socket.resume();
  return {
    next: (find) =>
      new Promise((resolve, reject) => {
        messages += 1;
        if (messages > limits.messages)
          return reject(new Error(`the server sends more than ${limits.messages} messages`));
        look = () => {
          try {
            const have = together();
            const found = find(have);
            needs = 'needs' in found ? found.needs : 0;
            if (found.used === undefined) return;
            pieces = [have.subarray(found.used)];
            size -= found.used;
            look = () => undefined;
            resolve(found.value);
          } catch (error) {
            look = () => undefined;
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        look();
      }),
  };
}
