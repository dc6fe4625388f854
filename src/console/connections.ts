/** Per-network limits of the console: concurrent connections, and the keys under which login attempts are counted. */
import type {Server, Socket} from 'node:net';

/** Concurrent connections per network; a browser needs six and a stream. */
const EACH_MOST = 100;
const ALL_MOST = 1_000;

/** An IPv6 client controls a whole /64: its addresses count as one. */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (!bare.includes(':')) return bare;
  const [front = '', back] = bare.split('::');
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  const all = [...groups, ...Array.from({length: zeros}, () => '0'), ...behind];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}

/** Closes connections beyond the limits before the TLS handshake. */
export function limitConnections(server: Server, limits: {each?: number; all?: number} = {}): void {
  const {each = EACH_MOST, all = ALL_MOST} = limits;
  const open = new Map<string, number>();
  server.maxConnections = all;
  server.on('connection', (socket: Socket) => {
    if (socket.remoteAddress === undefined) return;
    const network = networkOf(socket.remoteAddress);
    const count = (open.get(network) ?? 0) + 1;
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
    if (count > each) socket.destroy();
  });
}
