/** Looks for `receive` in several texts: names of a DNS answer, rows of a table. */
import type {Millis} from '@hactl/base';
import {SlowMatch, textMatches} from '@hactl/regex';

/** Processor time that looking through the texts may take; the first one may take what a match may take. */
const SPENT_MAX: Millis = 50;

/** The first text that matches, if any does. Throws a SlowMatch. */
export function firstMatch(texts: readonly string[], receive: string): string | undefined {
  const before = process.threadCpuUsage();
  return texts.find((text, index) => {
    if (index > 0) {
      const {user, system} = process.threadCpuUsage(before);
      if ((user + system) / 1_000 > SPENT_MAX)
        throw new SlowMatch(`the expression takes more than ${SPENT_MAX} ms on ${index} texts: given up`);
    }
    return textMatches(receive, text);
  });
}
