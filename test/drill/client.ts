/**
 * The drill's client, one process: a loop of HTTP requests (a new connection each) and a number of long-lived TCP
 * connections (HTTP keep-alive, one request after another on the same connection). Commands on stdin: `mark NAME` prints one
 * JSON line about the time since the last mark; `again NAME` repeats a request from the source port last answered by the web
 * server NAME; `refill` reopens missing long-lived connections. Exits when stdin closes.
 */
import net from 'node:net';
import {createInterface} from 'node:readline';
import {readOptions} from '../options.ts';
import {request} from './request.ts';

const {values} = readOptions({
  options: {
    help: {type: 'boolean', default: false},
    vip: {type: 'string', default: '127.0.0.1'},
    port: {type: 'string', default: '80'},
    streams: {type: 'string', default: '20'},
    'stream-interval': {type: 'string', default: '200'},
    'request-interval': {type: 'string', default: '100'},
    timeout: {type: 'string', default: '3000'},
  },
});
if (values.help) {
  process.stdout.write('options: see the head of this file, or docs/testing.md\n');
  process.exit(0);
}
const host = values.vip;
const port = Number(values.port);
const streamInterval = Number(values['stream-interval']);
const requestLimit = Number(values.timeout);

/** Output of `mark`. Times in milliseconds; `at` counts from the last mark; for a failed request it is the start. */
export interface ClientReport {
  mark: string;
  period: number;
  requests: number;
  failed: {at: number; error: string; port: number}[];
  /** Requests answered by each real server, by the first line of its page. */
  answers: Record<string, number>;
  streams: number;
  /** Connections that were reset or closed unexpectedly. */
  broken: {at: number; error: string}[];
  replies: number;
  /** Longest time without a reply on any of the streams. */
  outage: number;
  outageAt: number;
  /** Longest time without a reply on a single stream. */
  longestSilence: number;
  /** Completed requests: start, duration, and the answering server; null: failed. */
  samples: [at: number, took: number, server: string | null][];
}

let since = performance.now();
let lastReply = since;
let report = fresh();
let alive = 0;

function fresh(): ClientReport {
  return {
    mark: '',
    period: 0,
    requests: 0,
    failed: [],
    answers: {},
    streams: 0,
    broken: [],
    replies: 0,
    outage: 0,
    outageAt: 0,
    longestSilence: 0,
    samples: [],
  };
}

const at = (): number => Math.round(performance.now() - since);

function noteSample(began: number, server: string | null): void {
  const took = Math.round((performance.now() - began) * 10) / 10;
  report.samples.push([Math.round(began - since), took, server]);
}

function noteReply(): void {
  const now = performance.now();
  const gap = now - Math.max(lastReply, since);
  if (gap > report.outage) {
    report.outage = Math.round(gap * 10) / 10;
    report.outageAt = Math.round(now - since - gap);
  }
  lastReply = now;
  report.replies += 1;
}

/** Source port of the last request, by the first line of its page. */
const lastPorts = new Map<string, number>();

/** One short request on its own connection, from any port or again from the given one, which is reported separately. */
function ask(localPort?: number): void {
  if (localPort === undefined) report.requests += 1;
  const mine = report;
  const began = at();
  const asked = performance.now();
  const target = {host, port, limit: requestLimit, ...(localPort === undefined ? {} : {localPort})};
  request(target, ({error, page, port: from}) => {
    if (localPort !== undefined) process.stdout.write(JSON.stringify({again: localPort, error}) + '\n');
    else if (error !== undefined) {
      mine.failed.push({at: began, error, port: from});
      noteSample(asked, null);
    } else {
      noteSample(asked, page.split(' ').at(-1) ?? '');
      mine.answers[page] = (mine.answers[page] ?? 0) + 1;
      lastPorts.set(page, from);
    }
  });
}

/** Streams that are open or opening. */
let wanted = 0;

/** A connection that lasts as long as the drill. */
function stream(index: number): void {
  wanted += 1;
  const socket = net.connect({host, port});
  let heard = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let [over, connected] = [false, false];
  const askAgain = (): void => {
    socket.write('GET /index.html HTTP/1.1\r\nHost: www.esempio.com\r\n\r\n');
  };
  const breaks = (error: string): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    wanted -= 1;
    if (connected) alive -= 1;
    report.broken.push({at: at(), error: `stream ${index}: ${error}`});
    socket.destroy();
  };
  socket.setNoDelay(true);
  socket.on('connect', () => {
    connected = true;
    alive += 1;
    heard = performance.now();
    askAgain();
  });
  socket.on('data', () => {
    const now = performance.now();
    report.longestSilence = Math.max(report.longestSilence, Math.round(now - heard));
    heard = now;
    noteReply();
    clearTimeout(timer);
    timer = setTimeout(askAgain, streamInterval);
  });
  socket.on('end', () => breaks('closed by the other side'));
  socket.on('error', (error: NodeJS.ErrnoException) => breaks(error.code ?? error.message));
}

const count = Number(values.streams);
for (let index = 0; index < count; index += 1)
  setTimeout(() => stream(index), (index * streamInterval) / Math.max(1, count));
const loop = setInterval(() => ask(), Number(values['request-interval']));

const input = createInterface({input: process.stdin});
input.on('line', (line) => {
  const [word, mark = ''] = line.split(' ');
  if (word === 'again') for (const [page, last] of lastPorts) if (page.endsWith(` ${mark}`)) ask(last);
  if (word === 'refill') while (wanted < count) stream(wanted);
  if (word !== 'mark') return;
  const now = performance.now();
  // Count an ongoing silence up to now.
  const open = now - Math.max(lastReply, since);
  if (open > report.outage) report.outage = Math.round(open * 10) / 10;
  process.stdout.write(
    JSON.stringify({...report, mark, period: Math.round(now - since), streams: alive}) + '\n',
  );
  since = now;
  report = fresh();
});
input.on('close', () => {
  clearInterval(loop);
  process.exit(0);
});
process.stdout.write(JSON.stringify({mark: 'started'}) + '\n');
