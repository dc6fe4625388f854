/** What the client saw, step by step. */
import type {ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import {until} from '../lab/until.ts';

interface Line {
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
  /** ms: the longest time in which no request that began was answered. */
  readonly outage: number;
  readonly errors: readonly string[];
}

export interface Traffic {
  /** Resolves at the first answer after now. */
  answered(limit: number): Promise<void>;
  /** All that ended since the last call. */
  take(): Seen;
  readonly open: number;
}

export function watch(client: ChildProcess): Traffic {
  let lines: Line[] = [];
  let answers = 0;
  let open = 0;
  if (!client.stdout) throw new Error('the client has no output');
  createInterface({input: client.stdout}).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.answer !== undefined) answers += 1;
    if (line.opened) open += 1;
    if (line.broken !== undefined) open -= 1;
    lines.push(line);
  });
  return {
    answered: async (limit) => {
      const before = answers;
      await until('the service answers', limit, () => answers > before);
    },
    take: () => {
      const taken = lines;
      lines = [];
      const good = taken
        .flatMap(({at, took, answer}) => (answer === undefined || at === undefined ? [] : [at + (took ?? 0)]))
        .toSorted((a, b) => a - b);
      const gaps = good.slice(1).map((time, index) => time - (good[index] ?? time));
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
