/**
 * The client of drill e: short requests at a fixed rate, each on its own connection and answered after 300 ms. It records when
 * each was in flight, so that the drill can query the outcome of those in flight at an instant. Commands on stdin, one JSON
 * object per line, each answered with a line: `begin` (rate and targets), `became` (outcome of those in flight between two
 * Date.now() instants), `end`.
 */
import net from 'node:net';
import {createInterface} from 'node:readline';
import {FRAME, question} from './frame.ts';

export interface Place {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}
export type RequestCommand =
  /** `rate`: requests per second to each target. */
  | {readonly do: 'begin'; readonly rate: number; readonly places: readonly Place[]}
  | {readonly do: 'became'; readonly from: number; readonly to: number; readonly limit: number}
  | {readonly do: 'end'};
/** Per target: requests in flight, and how many of them got no answer. */
export type Became = Readonly<Record<string, {readonly underWay: number; readonly lost: number}>>;

interface Request {
  readonly name: string;
  /** When the request was sent, after the handshake. */
  readonly since: number;
  ended?: {readonly at: number; readonly answered: boolean};
}

/** Records older than this are dropped: they are never queried. */
const KEPT = 300_000;
let requests: Request[] = [];
const timers: NodeJS.Timeout[] = [];

function begin({name, host, port}: Place): void {
  const socket = net.connect({host, port});
  let request: Request | undefined;
  let octets = 0;
  const end = (): void => {
    if (request) request.ended ??= {at: Date.now(), answered: octets >= FRAME};
    socket.destroy();
  };
  socket.setNoDelay(true);
  socket.on('connect', () => {
    request = {name, since: Date.now()};
    requests.push(request);
    socket.write(question(1));
  });
  socket.on('data', (chunk) => {
    octets += chunk.length;
    if (octets >= FRAME) end();
  });
  socket.on('error', end);
  socket.on('close', end);
}

/** Waits until all in-flight requests have ended; at the limit the rest count as lost. */
async function became(from: number, to: number, limit: number): Promise<Became> {
  const end = Date.now() + limit;
  const asked = requests.filter(({since, ended}) => since <= to && (!ended || ended.at > from));
  while (Date.now() < end && asked.some(({ended}) => !ended))
    // oxlint-disable-next-line no-await-in-loop -- this is the waiting.
    await new Promise((resolve) => setTimeout(resolve, 100));
  const names = [...new Set(requests.map(({name}) => name))];
  requests = requests.filter(({since}) => since > Date.now() - KEPT);
  return Object.fromEntries(
    names.map((name) => {
      const mine = asked.filter((one) => one.name === name);
      return [name, {underWay: mine.length, lost: mine.filter(({ended}) => !ended?.answered).length}];
    }),
  );
}

async function obey(command: RequestCommand): Promise<unknown> {
  switch (command.do) {
    case 'begin':
      for (const place of command.places) timers.push(setInterval(() => begin(place), 1_000 / command.rate));
      return {};
    case 'became':
      return became(command.from, command.to, command.limit);
    case 'end':
      for (const timer of timers.splice(0)) clearInterval(timer);
      return {};
  }
}

const input = createInterface({input: process.stdin});
let last: Promise<void> = Promise.resolve();
input.on('line', (line) => {
  last = last.then(async () => {
    process.stdout.write(JSON.stringify(await obey(JSON.parse(line) as RequestCommand)) + '\n');
  });
});
input.on('close', () => process.exit(0));
