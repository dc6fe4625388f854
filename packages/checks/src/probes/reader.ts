/** Takes messages off a socket one after another, as they complete. */
import type {Socket} from 'node:net';

/** A message found at the front of what has come, and how many octets it takes. */
export interface Found<T> {
  readonly value: T;
  readonly used: number;
}

export interface Reader {
  /** The next message. `find` gives undefined while it is incomplete, and throws what no server would say. */
  readonly next: <T>(find: (octets: Buffer) => Found<T> | undefined) => Promise<T>;
}

/** Reads `socket`; more than `most` octets that make no message, or that nobody asked for, end the connection. */
export function makeReader(socket: Socket, most: number): Reader {
  let have: Buffer = Buffer.alloc(0);
  let look = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    have = have.length === 0 ? chunk : Buffer.concat([have, chunk]);
    look();
    if (have.length > most) socket.destroy(new Error(`more than ${most} octets that make no message`));
  });
  // Whoever had it before may have paused it, that nothing be missed in between.
  socket.resume();
  return {
    next: (find) =>
      new Promise((resolve, reject) => {
        look = () => {
          try {
            const found = find(have);
            if (!found) return;
            have = have.subarray(found.used);
            look = () => undefined;
            resolve(found.value);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        look();
      }),
  };
}
