/** Searches several texts for `receive`: names of a DNS answer, rows of a table. */
import type {Millis} from '@hactl/base';
import {SlowMatch, textMatches} from '@hactl/regex';

/** Maximum CPU time for the search in all texts; the first text has a match's own limit. */
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
