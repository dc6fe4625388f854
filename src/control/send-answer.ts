/** Writes answers in pieces at the client's reading speed. */
import type net from 'node:net';
import {jsonPieces} from './json-pieces.ts';
import type {Lane} from './lane.ts';
import type {Response} from './protocol.ts';

/** Writes an answer of at most `most` octets as the client reads it; ends early if the connection does. */
export async function sendAnswer(
  socket: net.Socket,
  response: Response<unknown>,
  most: number,
  turn: Lane,
): Promise<void> {
  const size = await turn(async () => sizeOf(response, most));
  const message = `the answer is larger than ${most >> 20} MB: ask for less (hactl events -n)`;
  const tooLarge = {id: response.id, ok: false, error: {code: 'too-large', message}};
  const pieces = jsonPieces(size > most ? tooLarge : response);
  // oxlint-disable no-await-in-loop -- one piece after another, as the client reads.
  for (;;) {
    const piece = await turn(async () => pieces.next());
    if (piece.done || socket.destroyed) break;
    await write(socket, piece.value);
  }
  // oxlint-enable no-await-in-loop
  await write(socket, '\n');
}

/** Counts the characters of an answer, up to just beyond `most`. */
function sizeOf(response: object, most: number): number {
  let size = 0;
  for (const piece of jsonPieces(response)) {
    size += piece.length;
    if (size > most) break;
  }
  return size;
}

/** Resolves when the kernel has it, or when the connection is closed. */
const write = (socket: net.Socket, text: string): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      socket.off('close', end);
      resolve();
    };
    socket.on('close', end);
    socket.write(text, end);
  });
