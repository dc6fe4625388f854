/** Reads messages from a socket as they complete. */
import type {Socket} from 'node:net';
import type {Meter} from './meter.ts';

/** The first message of the data received, and its length in octets. */
export interface Found<T> {
  readonly value: T;
  readonly used: number;
}

/** It is incomplete: the number of octets needed to continue (its header, or all of it). */
export interface Needs {
  readonly needs: number;
  readonly value?: undefined;
  readonly used?: undefined;
}

export interface Reader {
  /** The next message. `find` returns the octets it needs while it is incomplete, and throws on invalid data. */
  readonly next: <T>(find: (octets: Buffer) => Found<T> | Needs) => Promise<T>;
}

export interface Limits {
  /** Maximum octets of an incomplete message, or of data nobody asked for. */
  readonly message: number;
  /** Maximum octets of the whole conversation. */
  readonly total: number;
  readonly messages: number;
}

/** Reads `socket`; data beyond the limits ends the connection. Pieces are joined once per message. */
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
    else if (total > limits.total) socket.destroy(new Error(`sent more than ${limits.total} octets`));
  });
  // The previous reader may have paused it so that no data is lost in between.
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
