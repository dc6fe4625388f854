/** Frames on a stream: four octets of length, then the frame. */
import type net from 'node:net';

const LENGTH = 4;

export function sendFrame(socket: net.Socket, frame: Buffer): void {
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32BE(frame.length);
  socket.write(Buffer.concat([length, frame]));
}

/** Calls `take` for each whole frame; one that is longer than `limit` says ends the connection. */
export function onFrames(socket: net.Socket, limit: () => number, take: (frame: Buffer) => void): void {
  const parts: Buffer[] = [];
  let held = 0;
  const whole = (): Buffer => {
    const [first, ...more] = parts.splice(0);
    return first && more.length === 0 ? first : Buffer.concat(first ? [first, ...more] : []);
  };
  const keep = (rest: Buffer): void => {
    held = rest.length;
    if (held > 0) parts.push(rest);
  };
  let wanted = LENGTH;
  socket.on('data', (chunk: Buffer) => {
    parts.push(chunk);
    held += chunk.length;
    while (held >= wanted && !socket.destroyed) {
      const bytes = whole();
      const length = bytes.readUInt32BE(0);
      if (length > limit()) {
        socket.destroy();
        return;
      }
      wanted = LENGTH + length;
      if (bytes.length >= wanted) {
        keep(bytes.subarray(wanted));
        take(bytes.subarray(LENGTH, wanted));
        wanted = LENGTH;
      } else keep(bytes);
    }
  });
}
