/** One HTTP request on a connection of its own. */
import net from 'node:net';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Source port; any if absent. */
  readonly localPort?: number;
  /** Milliseconds until the request counts as lost. */
  readonly limit: number;
}

/** The outcome; times are performance.now()'s. */
export interface Answer {
  readonly error?: string;
  /** First line of the page. */
  readonly page: string;
  /** Source port. */
  readonly port: number;
  /** When the connection was established, if it was. */
  readonly connected?: number;
}

/** Calls `done` once. */
export function request(target: Target, done: (answer: Answer) => void): void {
  const {limit, ...where} = target;
  const socket = net.connect(where);
  let [port, text, finished] = [0, '', false];
  let connected: number | undefined;
  const timer = setTimeout(() => finish(`no answer within ${limit} ms`), limit);
  function finish(error?: string): void {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    socket.destroy();
    const page = (text.split('\r\n\r\n')[1] ?? '').split('\n')[0] ?? '';
    done({
      page,
      port,
      ...(error === undefined ? {} : {error}),
      ...(connected === undefined ? {} : {connected}),
    });
  }
  socket.setEncoding('utf8');
  // Only known while the socket exists.
  setImmediate(() => {
    port = socket.localPort ?? 0;
  });
  socket.on('connect', () => {
    connected = performance.now();
    socket.write('GET /index.html HTTP/1.0\r\nHost: www.esempio.com\r\n\r\n');
  });
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('end', () =>
    finish(text.startsWith('HTTP/1.1 200') ? undefined : `unexpected answer: ${text.slice(0, 30)}`),
  );
  socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
}
