/** Reports a local resource shortage once, and its end once. Pure. */
import type {ProbeResult} from './verdict.ts';

/** Successful probes in a row before it is over: at the edge of a limit only some succeed. */
const RECOVERED = 100;

export interface Shortages {
  note(result: ProbeResult): void;
}

export function makeShortages(say: (message: string) => void): Shortages {
  const open = new Map<string, number>();
  const inARow = {worked: 0};
  return {
    note: ({shortage}) => {
      if (shortage !== undefined) {
        inARow.worked = 0;
        const checks = (open.get(shortage) ?? 0) + 1;
        open.set(shortage, checks);
        if (checks === 1) say(`${shortage}: servers that cannot be checked keep their state`);
      } else if (open.size > 0 && (inARow.worked += 1) >= RECOVERED) {
        const checks = [...open.values()].reduce((sum, count) => sum + count, 0);
        open.clear();
        say(`servers can be checked again; ${checks} checks could not be made meanwhile`);
      }
    },
  };
}
