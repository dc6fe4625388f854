/** JSON lines over a connection, each of a bounded length. */
import type net from 'node:net';

/** Maximum pieces of a line: each costs some hundred octets of memory, however short it is. */
const PIECES_MOST = 1 << 15;

/** Calls `take` with each line; ends the connection when more than `limit` octets came in all. */
export function onLines(socket: net.Socket, limit: number, take: (line: string) => void): void {
  let parts: Buffer[] = [];
  let octets = 0;
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > limit) {
      socket.destroy(new Error(`more than ${limit} octets came`));
      return;
    }
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      parts.push(rest.subarray(0, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      rest = rest.subarray(end + 1);
      take(line);
    }
    parts.push(rest);
    if (parts.length > PIECES_MOST)
      socket.destroy(new Error(`a line came in more than ${PIECES_MOST} pieces`));
  });
}

/** undefined: invalid. */
export function readJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
