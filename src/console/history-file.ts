/** Stores the plots' hour and day in a file, so that they survive a restart of the console. Bounded like the rings. */
import {readFileSync} from 'node:fs';
import {replaceFile} from '@hactl/base/files';
import {noHistory, SERIES_MOST, spans, type History} from './history.ts';

const VERSION = 1;

/** Each point: seconds, then series index, sum and count for each series. */
interface Stored {
  readonly version: number;
  readonly series: readonly string[];
  readonly hour: readonly (readonly number[])[];
  readonly day: readonly (readonly number[])[];
}

export interface HistoryStore {
  /** The stored history; empty if the file is missing or damaged. */
  load(): History;
  save(history: History): void;
}

export function encodeHistory({hour, day}: History): string {
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  const encode = (points: History['hour']): number[][] =>
    points.map(({time, sums}) => [time, ...[...sums].flatMap(([name, pair]) => [numberOf(name), ...pair])]);
  const points = {hour: encode(hour), day: encode(day)};
  return JSON.stringify({version: VERSION, series: [...numbers.keys()], ...points} satisfies Stored);
}

/** Throws unless the text has the format of `encodeHistory`. */
export function decodeHistory(text: string): History {
  const stored = JSON.parse(text) as Stored;
  const wrong = (): Error => new Error('not a history of the console');
  if (stored.version !== VERSION || !stored.series.every((name) => typeof name === 'string')) throw wrong();
  const decode = (span: 'hour' | 'day'): History['hour'] =>
    stored[span].slice(-spans[span].points).map(([time, ...rest]) => {
      if (time === undefined || rest.length % 3 !== 0 || ![time, ...rest].every(Number.isFinite))
        throw wrong();
      const sums = new Map<string, readonly [number, number]>();
      for (let offset = 0; offset < rest.length && sums.size < SERIES_MOST; offset += 3) {
        const [index = 0, sum = 0, count = 0] = rest.slice(offset, offset + 3);
        const name = stored.series[index];
        if (name === undefined || count < 1) throw wrong();
        sums.set(name, [sum, count]);
      }
      return {time, sums};
    });
  return {now: [], hour: decode('hour'), day: decode('day')};
}

export function openHistoryFile(stateDir: string): HistoryStore {
  const file = `${stateDir}/history.json`;
  return {
    load: () => {
      try {
        return decodeHistory(readFileSync(file, 'utf8'));
      } catch {
        return noHistory;
      }
    },
    save: (history) => replaceFile(file, encodeHistory(history), 0o600),
  };
}
