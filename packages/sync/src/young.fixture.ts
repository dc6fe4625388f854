/**
 * Requests through a director's own IPVS, and the time from the end of each handshake until the connection is in the peer's
 * list, in ms. Client, service and real server are addresses of this namespace's `lo`. Every message of its parent, `{kind,
 * rate, count}`, is answered with the delays; -1: not before the response arrived. Arguments: the pid of a process of the other
 * director (its list is read in /proc), `compile`.
 */
import dgram from 'node:dgram';
import {readFileSync} from 'node:fs';
import net from 'node:net';
import {abi, beginConnect, openSocket, setIntOption, socketAddress} from '@hactl/net';

export type YoungKind = 'ipv4' | 'ipv6' | 'persistent' | 'udp' | 'fwmark';
export interface YoungOrder {
  readonly kind: YoungKind;
  /** Requests per second, and their number. */
  readonly rate: number;
  readonly count: number;
}

const ANSWER_AFTER = 3_000;
const LOOK_EVERY = 10;
const SO_MARK = 36;
/** The service in pair.fixture.ts. */
const MARK = 9;
const [, , pid = '', word = ''] = process.argv;
if (word === 'compile') process.exit(0);
const listen = (host: string): Promise<void> =>
  new Promise((resolve) => {
    net
      .createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => setTimeout(() => socket.end('x'), ANSWER_AFTER));
      })
      .listen(8_080, host, 4_096, resolve);
  });
await Promise.all([listen('10.96.0.2'), listen('10.96.0.3'), listen('fd96::2')]);
const echo = dgram.createSocket('udp4');
echo.on('message', (bytes, from) =>
  setTimeout(() => echo.send(bytes, from.port, from.address), ANSWER_AFTER),
);
await new Promise<void>((resolve) => {
  echo.bind(8_080, '10.96.0.2', resolve);
});

/** `TCP` or `UDP` and the client's port, as the kernel prints them, of what the peer's list has. */
const listed = (): Set<string> =>
  new Set(
    readFileSync(`/proc/${pid}/net/ip_vs_conn`, 'latin1')
      .split('\n')
      .map((line) => line.split(/\s+/, 3))
      .map(([protocol, , port]) => `${protocol} ${port}`),
  );
const nameOf = (protocol: string, port: number): string =>
  `${protocol} ${port.toString(16).toUpperCase().padStart(4, '0')}`;

const waiting = new Map<string, {readonly since: number; readonly known: (delay: number) => void}>();
let looking: NodeJS.Timeout | undefined;
function look(): void {
  looking = undefined;
  if (waiting.size === 0) return;
  const now = performance.now();
  const names = listed();
  for (const [name, {since, known}] of waiting)
    if (names.has(name)) {
      waiting.delete(name);
      known(now - since);
    }
  looking = setTimeout(look, LOOK_EVERY);
}
/** Resolves to the delay, or to -1 when `ended` comes first. */
const watch = (name: string, ended: Promise<unknown>): Promise<number> =>
  new Promise((resolve) => {
    waiting.set(name, {since: performance.now(), known: resolve});
    looking ??= setTimeout(look, 0);
    void ended.then(() => {
      if (waiting.delete(name)) resolve(-1);
    });
  });

const endpoints = {
  ipv4: ['10.96.0.100', 80],
  ipv6: ['fd96::64', 80],
  persistent: ['10.96.0.100', 81],
  fwmark: ['10.96.0.100', 90],
  udp: ['10.96.0.100', 80],
} as const;

/** A connection whose packets carry the mark; established when this returns. */
function marked(host: string, port: number): net.Socket {
  const fd = openSocket(abi.AF_INET, abi.SOCK_STREAM, 0, host);
  setIntOption(fd, abi.SOL_SOCKET, SO_MARK, MARK, host);
  beginConnect(fd, socketAddress(host, port));
  return new net.Socket({fd});
}

const tcp = (kind: YoungKind): Promise<number> =>
  new Promise((resolve, reject) => {
    const [host, port] = endpoints[kind];
    const socket = kind === 'fwmark' ? marked(host, port) : net.connect(port, host);
    socket.on('error', reject);
    const ended = new Promise((done) => socket.on('close', done));
    const stands = (): void => {
      resolve(watch(nameOf('TCP', socket.localPort ?? 0), ended));
      socket.write('x');
    };
    socket.resume();
    if (kind === 'fwmark') stands();
    else socket.on('connect', stands);
  });
const udp = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const ended = new Promise((done) => {
      socket.on('message', done);
    });
    void ended.then(() => socket.close());
    socket.connect(80, '10.96.0.100', () => {
      socket.send('x');
      resolve(watch(nameOf('UDP', socket.address().port), ended));
    });
  });

process.on('message', ({kind, rate, count}: YoungOrder) => {
  void (async () => {
    const delays: Promise<number>[] = [];
    for (let made = 0; made < count; made += 1) {
      delays.push(kind === 'udp' ? udp() : tcp(kind));
      // oxlint-disable-next-line no-await-in-loop -- one after another, at the rate.
      await new Promise((resolve) => setTimeout(resolve, 1_000 / rate));
    }
    process.send?.(await Promise.all(delays));
  })();
});
process.send?.('up');
process.on('disconnect', () => process.exit(0));
