/** The client's results, step by step. */
import type {ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import {until} from '../lab/until.ts';

interface Line {
  /** Number of the request, from 1, in order of start. */
  readonly number?: number;
  readonly at?: number;
  readonly took?: number;
  readonly answer?: string;
  readonly error?: string;
  readonly stream?: number;
  readonly opened?: boolean;
  readonly broken?: string;
}

export interface Seen {
  readonly requests: number;
  readonly lost: number;
  /** Streams that broke. */
  readonly broken: number;
  /** Longest time in which no started request was answered, ms. */
  readonly outage: number;
  readonly errors: readonly string[];
}

export interface Traffic {
  /** Resolves when a request started from now on is answered and all earlier ones have ended. Rejects after `limit` ms. */
  answered(limit: number): Promise<void>;
  /** Everything completed since the last call. */
  take(): Seen;
  readonly open: number;
}

export function watch(client: ChildProcess): Traffic {
  let lines: Line[] = [];
  const ended = new Set<number>();
  let whole = 0;
  /** End of the last answer of the previous steps. */
  let lastGood: number | undefined;
  /** Start of the latest answered request for which all earlier ones have ended. */
  let answered = 0;
  let open = 0;
  if (!client.stdout) throw new Error('the client has no output');
  createInterface({input: client.stdout}).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.number !== undefined) ended.add(line.number);
    while (ended.delete(whole + 1)) whole += 1;
    if (line.answer !== undefined && ended.size === 0) answered = line.at ?? 0;
    if (line.opened) open += 1;
    if (line.broken !== undefined) open -= 1;
    lines.push(line);
  });
  return {
    answered: async (limit) => {
      const before = Date.now();
      await until('the service answers', limit, () => answered > before);
    },
    take: () => {
      const taken = lines;
      lines = [];
      const good = taken
        .flatMap(({at, took, answer}) => (answer === undefined || at === undefined ? [] : [at + (took ?? 0)]))
        .toSorted((a, b) => a - b);
      // An outage may begin with the step.
      const times = lastGood === undefined ? good : [lastGood, ...good];
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
      lastGood = times.at(-1);
      const errors = taken.flatMap(
        ({error, broken}) => error ?? (broken === undefined ? [] : `stream: ${broken}`),
      );
      return {
        requests: taken.filter(({at}) => at !== undefined).length,
        lost: taken.filter(({error}) => error !== undefined).length,
        broken: taken.filter(({broken}) => broken !== undefined).length,
        outage: Math.max(0, ...gaps),
        errors: [...new Set(errors)],
      };
    },
    get open() {
      return open;
    },
  };
}
