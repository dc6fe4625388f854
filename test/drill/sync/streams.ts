/**
 * The client of the sync drills: thousands of streams in one process. An idle stream sends one request when opened and then only
 * on command; a busy one sends the next request an interval after each answer.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import {createInterface} from 'node:readline';
import {FRAME, parseAnswer, question, type ClientCommand, type ClientReport} from './frame.ts';

type Open = Extract<ClientCommand, {do: 'open'}>;

interface Stream {
  readonly service: string;
  readonly interval: number;
  /** undefined: the socket is closed. */
  send: ((frame: Buffer) => void) | undefined;
  close: () => void;
  real: string;
  /** Number of the outstanding request, 0 for none. */
  waiting: number;
  askedAt: number;
  /** Requests per burst, and how many of the current burst are left. */
  readonly burst: number;
  left: number;
  broken: boolean;
  moved: boolean;
  onAnswer: (() => void) | undefined;
}

/** Connections opened in parallel; more would overflow the servers' accept queues. */
const BATCH = 50;
/** Retransmission interval of a UDP request, ms. */
const AGAIN = 1_000;
/** Requests in a burst of an idle UDP stream: the kernel synchronises a connection with its second packet. */
const UDP_BURST = 3;
/** Timeout of a stream's first answer, ms. */
const OPEN_LIMIT = 60_000;

const streams: Stream[] = [];
const homes = new Map<string, string>();
const errors: Record<string, number> = {};
let [numbers, answers, longest, churned, churnFailed] = [0, 0, 0, 0, 0];
let churn: NodeJS.Timeout | undefined;

const note = (stream: Stream, reason: string): void => {
  if (stream.broken) return;
  stream.broken = true;
  const key = `${stream.service}: ${reason}`;
  errors[key] = (errors[key] ?? 0) + 1;
  stream.send = undefined;
  stream.close();
  stream.onAnswer?.();
};

function ask(stream: Stream, left = stream.burst - 1): void {
  if (!stream.send) return;
  stream.left = left;
  numbers += 1;
  stream.waiting = numbers;
  stream.askedAt = performance.now();
  stream.send(question(stream.waiting));
}

function heard(stream: Stream, frame: Buffer): void {
  const {real, number} = parseAnswer(frame);
  if (number !== stream.waiting) return;
  stream.waiting = 0;
  answers += 1;
  if (stream.interval > 0) longest = Math.max(longest, performance.now() - stream.askedAt);
  if (stream.real === '') stream.real = real;
  else if (stream.real !== real) stream.moved = true;
  if (stream.left > 0) {
    ask(stream, stream.left - 1);
    return;
  }
  stream.onAnswer?.();
  if (stream.interval > 0) setTimeout(() => ask(stream), stream.interval);
}

/** Resolves when the stream is answered or broken, or after the limit. */
const answered = (stream: Stream, limit: number): Promise<boolean> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      clearInterval(again);
      stream.onAnswer = undefined;
      resolve(stream.waiting === 0 && !stream.broken);
    };
    const timer = setTimeout(done, limit);
    const again = setInterval(() => stream.send && repeat(stream), AGAIN);
    stream.onAnswer = done;
    if (stream.broken) done();
  });
const repeats = new WeakSet<Stream>();
const repeat = (stream: Stream): void => {
  if (repeats.has(stream) && stream.waiting !== 0) stream.send?.(question(stream.waiting));
};

function openTcp(stream: Stream, {host, port}: Open, localAddress: string | undefined): void {
  const socket = net.connect({host, port, ...(localAddress === undefined ? {} : {localAddress})});
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  stream.close = () => socket.destroy();
  socket.on('connect', () => {
    stream.send = (frame) => void socket.write(frame);
    ask(stream);
  });
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME) {
      heard(stream, rest.subarray(0, FRAME));
      rest = rest.subarray(FRAME);
    }
  });
  socket.on('error', (error: NodeJS.ErrnoException) => note(stream, error.code ?? error.message));
  socket.on('end', () => note(stream, 'closed by the other side'));
}

function openUdp(stream: Stream, {host, port}: Open): void {
  const socket = dgram.createSocket('udp4');
  repeats.add(stream);
  stream.close = () => socket.close();
  socket.on('message', (frame) => heard(stream, frame));
  // An ICMP error does not end the stream: the next request decides.
  socket.on('error', () => undefined);
  socket.connect(port, host, () => {
    stream.send = (frame) => socket.send(frame, () => undefined);
    ask(stream);
    if (stream.interval > 0)
      setInterval(() => {
        if (performance.now() - stream.askedAt > AGAIN) repeat(stream);
      }, AGAIN);
  });
}

async function open(command: Open): Promise<void> {
  for (let first = 0; first < command.count; first += BATCH) {
    const batch = Array.from({length: Math.min(BATCH, command.count - first)}, (_, at) => {
      const stream: Stream = {
        service: command.service,
        interval: command.interval,
        send: undefined,
        close: () => undefined,
        real: '',
        waiting: -1,
        askedAt: performance.now(),
        burst: command.protocol === 'udp' && command.interval === 0 ? UDP_BURST : 1,
        left: 0,
        broken: false,
        moved: false,
        onAnswer: undefined,
      };
      const from = command.from?.[(first + at) % command.from.length];
      if (command.sticks && from !== undefined) stream.real = homes.get(`${command.service} ${from}`) ?? '';
      if (command.protocol === 'tcp') openTcp(stream, command, from);
      else openUdp(stream, command);
      streams.push(stream);
      return answered(stream, OPEN_LIMIT).then((ok) => {
        if (!ok) note(stream, 'not opened');
        if (command.sticks && from !== undefined) homes.set(`${command.service} ${from}`, stream.real);
      });
    });
    // oxlint-disable-next-line no-await-in-loop -- one batch after another.
    await Promise.all(batch);
  }
}

async function askIdle(limit: number): Promise<void> {
  const idle = streams.filter((stream) => stream.interval === 0 && !stream.broken);
  const end = performance.now() + limit;
  const waits: Promise<void>[] = [];
  for (const [at, stream] of idle.entries()) {
    ask(stream);
    waits.push(
      answered(stream, end - performance.now()).then((ok) => {
        if (!ok) note(stream, 'no answer');
      }),
    );
    // oxlint-disable-next-line no-await-in-loop -- the event loop must read answers meanwhile.
    if (at % BATCH === BATCH - 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await Promise.all(waits);
}

function short(host: string, port: number): void {
  const socket = net.connect({host, port});
  socket.on('connect', () => socket.write(question(1)));
  socket.on('data', () => {
    churned += 1;
    socket.end();
  });
  socket.on('error', () => {
    churnFailed += 1;
  });
}

function report(): ClientReport {
  const names = [...new Set(streams.map((stream) => stream.service))];
  const now = performance.now();
  for (const stream of streams)
    if (stream.interval > 0 && !stream.broken && stream.waiting !== 0)
      longest = Math.max(longest, now - stream.askedAt);
  const out = {
    services: names.map((service) => {
      const mine = streams.filter((stream) => stream.service === service);
      return {
        service,
        idle: mine.filter((stream) => stream.interval === 0).length,
        busy: mine.filter((stream) => stream.interval > 0).length,
        broken: mine.filter((stream) => stream.broken).length,
        moved: mine.filter((stream) => stream.moved).length,
      };
    }),
    answers,
    longest: Math.round(longest),
    churned,
    churnFailed,
    errors,
  };
  longest = 0;
  return out;
}

async function obey(command: ClientCommand): Promise<void> {
  if (command.do === 'open') await open(command);
  if (command.do === 'ask') await askIdle(command.limit);
  if (command.do === 'churn') churn = setInterval(() => short(command.host, command.port), command.every);
  if (command.do === 'calm') clearInterval(churn);
  process.stdout.write(JSON.stringify(report()) + '\n');
}

const input = createInterface({input: process.stdin});
let last: Promise<void> = Promise.resolve();
input.on('line', (line) => {
  last = last.then(() => obey(JSON.parse(line) as ClientCommand));
});
input.on('close', () => process.exit(0));
