/** Drill e: requests of 300 ms are in flight when a director loses power, hands over, or fails back. */
import type {Program} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import {addressOf, reals, type Network} from './network.ts';
import {kernelOf, LIMIT, type Pair} from './pair.ts';
import {realsOf, slow, VIP} from './plan.ts';
import type {Became, RequestCommand} from './requests.ts';

/** Timeout of an in-flight request's answer, ms: a client would give up after this. */
const ANSWER_LIMIT = 30_000;
/** Duration of requests before each move, ms. */
const CALM = 4_000;

export interface YoungRow {
  readonly pair: string;
  readonly rate: number;
  readonly move: string;
  readonly became: Became;
}

interface Stage {
  readonly pair: Pair;
  readonly network: Network;
  readonly rate: number;
  readonly say: (line: string) => void;
}

/** Runs all three moves at one rate; the caller destroys the network. */
export async function youngDrill(stage: Stage): Promise<YoungRow[]> {
  const {pair, network, rate, say} = stage;
  const kernel = kernelOf(network);
  const servers = await startServers(network);
  const client = await openClient(network);
  const rows: YoungRow[] = [];
  /** Outcome of the requests in flight from just before the move until the address has moved. */
  const watched = async (move: string, holder: 'director1' | 'director2', work: () => Promise<unknown>) => {
    await new Promise((resolve) => setTimeout(resolve, CALM));
    const from = Date.now();
    await work();
    // At a power loss only those in flight at that instant count: later ones wait for the other director anyway.
    const cut = Date.now();
    await kernel.taken(holder);
    const to = move === 'power loss' ? cut : Date.now();
    const became = await client.tell<Became>({do: 'became', from, to, limit: ANSWER_LIMIT});
    rows.push({pair: pair.name, rate, move, became});
    say(`  ${rate}/s, ${move}: ${becameText(became)}`);
    for (const line of await pair.word('director1')) if (line.startsWith('young')) say(`    ${line}`);
  };
  try {
    await pair.start();
    say(`drill e, ${pair.name}, ${rate} requests/s to each service`);
    const places = slow.map(({name, port}) => ({name, host: VIP, port}));
    await client.tell({do: 'begin', rate, places});
    if (pair.give) await watched('planned move', 'director2', () => pair.give!('director1'));
    if (pair.takeBack) await watched('planned return', 'director1', () => pair.takeBack!('director1'));
    await watched('power loss', 'director2', () => pair.powerOff('director1'));
    await watched('return', 'director1', () => pair.powerOn('director1'));
    return rows;
  } finally {
    await client.stop();
    for (const server of servers)
      // oxlint-disable-next-line no-await-in-loop -- four programs.
      await server.kill('SIGKILL', true);
    await pair.stop();
  }
}

export const becameText = (became: Became): string =>
  Object.entries(became)
    .map(([name, {underWay, lost}]) => `${name} ${lost} of ${underWay} lost`)
    .join('; ');

/** Sums rows with the same pair, rate and move. */
export function renderYoung(rows: readonly YoungRow[]): string[] {
  const sums = new Map<
    string,
    {runs: number; readonly became: Map<string, {underWay: number; lost: number}>}
  >();
  for (const {pair, rate, move, became} of rows) {
    const key = `${pair.padEnd(24)} ${String(rate).padStart(5)}/s  ${move.padEnd(15)}`;
    const sum = sums.get(key) ?? {runs: 0, became: new Map<string, {underWay: number; lost: number}>()};
    sum.runs += 1;
    for (const [name, {underWay, lost}] of Object.entries(became)) {
      const before = sum.became.get(name) ?? {underWay: 0, lost: 0};
      sum.became.set(name, {underWay: before.underWay + underWay, lost: before.lost + lost});
    }
    sums.set(key, sum);
  }
  return [...sums].map(
    ([key, {runs, became}]) => `${key} ${runs} runs: ${becameText(Object.fromEntries(became))}`,
  );
}

async function startServers({site}: Network): Promise<Program[]> {
  const servers: Program[] = [];
  for (const real of reals) {
    const ports = slow.filter((one) => realsOf(one).includes(addressOf(real))).map(({port}) => port);
    const words = [site.node, `${site.checkout}/test/drill/sync/slow.ts`, real, ports.join(',')];
    // oxlint-disable-next-line no-await-in-loop -- four programs.
    servers.push(await site.start(real, words, `${site.directory(real)}/${real}.log`));
  }
  await until('the real servers listen', LIMIT, async () => {
    const lists = await Promise.all(reals.map((real) => site.run(real, ['ss', '-Hltn'])));
    return lists.every(({stdout}) => stdout.includes(':701'));
  });
  return servers;
}

async function openClient({site}: Network) {
  const words = [site.node, `${site.checkout}/test/drill/sync/requests.ts`];
  const client = await site.start('client', words, `${site.directory('client')}/requests.log`);
  return {
    tell: async <Answer>(command: RequestCommand): Promise<Answer> => {
      const seen = client.lines.length;
      client.write(JSON.stringify(command));
      const line = await until(`the client has executed: ${command.do}`, LIMIT, () => {
        if (!client.running) throw new Error('the client has ended');
        return client.lines[seen];
      });
      return JSON.parse(line) as Answer;
    },
    stop: () => client.kill('SIGKILL', true),
  };
}
