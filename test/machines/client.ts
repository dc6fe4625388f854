/**
 * The client: `client.ts ADDRESS` sends a request every 50 ms on a new connection, and keeps streams open. Prints a line of JSON
 * for each completed request (number, start in ms since 1970, duration, answer or error) and for each broken stream.
 */
import http from 'node:http';

const [host = ''] = process.argv.slice(2);
const EVERY = 50;
const STREAMS = 5;
const LIMIT = 5_000;
/** A stream silent for this long counts as broken. */
const SILENT = 8_000;
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

let asked = 0;

function ask(): void {
  const at = Date.now();
  const number = (asked += 1);
  const done = (more: object): boolean => say({number, at, took: Date.now() - at, ...more});
  const request = http.get({host, port: 80, agent: false, timeout: LIMIT}, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('end', () => done({answer: text.trim()}));
    response.on('error', (error) => done({error: error.message}));
  });
  request.on('timeout', () => request.destroy(new Error('timed out')));
  request.on('error', (error) => done({error: error.message}));
}

/** Opened when the service first answers; not reopened when broken. */
function stream(index: number): void {
  let last = Date.now();
  let open = false;
  const broken = (why: string): void => {
    clearInterval(timer);
    if (open) say({stream: index, broken: why});
    else setTimeout(() => stream(index), 500);
    open = false;
  };
  const timer = setInterval(() => {
    if (open && Date.now() - last > SILENT) request.destroy(new Error('silent'));
  }, 500);
  const request = http.get({host, port: 80, path: '/stream', agent: false}, (response) => {
    open = true;
    say({stream: index, opened: true});
    response.on('data', () => (last = Date.now()));
    response.on('error', (error) => broken(error.message));
    response.on('end', () => broken('ended'));
  });
  request.on('error', (error) => broken(error.message));
}

setInterval(ask, EVERY);
for (let index = 0; index < STREAMS; index += 1) stream(index);
