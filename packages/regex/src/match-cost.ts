/**
 * How many steps a backtracking matcher can take at most, told by an expression's form. Generous: what it calls cheap is
 * cheap, what it calls dear may be cheap all the same. Pure.
 */

interface Cost {
  /** Quantifiers that can stop at any character. */
  readonly loops: number;
  /** `?` and `|`: each can double the ways. */
  readonly forks: number;
  /** A loop around a loop or a fork, or a back reference: no bound. */
  readonly nested: boolean;
}

const known = new WeakMap<RegExp, Cost>();

/** At most so many steps on a text of this length; Infinity where the form gives no bound. */
export function mostSteps(pattern: RegExp, length: number): number {
  let cost = known.get(pattern);
  if (!cost) {
    cost = costOf(pattern.source);
    known.set(pattern, cost);
  }
  if (cost.nested) return Infinity;
  // A match may begin anywhere.
  return (length + 1) ** (1 + cost.loops) * 2 ** cost.forks;
}

const token =
  /\\(?:[1-9]|k<)|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z]*(?:-[a-z]+)?:))?|\)|\||[*+?]\??|\{\d+(?:,\d*)?\}\??|[^]/g;

function costOf(source: string): Cost {
  let [loops, forks, nested] = [0, 0, false];
  /** Choices seen when each open group began. */
  const open: number[] = [];
  /** Choices inside the atom that stands before a quantifier. */
  let inside = 0;
  for (const [word] of source.matchAll(token)) {
    const isLoop = /^(?:[*+]|\{(?!(\d+)\}))/.test(word);
    const isRepeat = word.startsWith('{') && !isLoop;
    if (isLoop || isRepeat) {
      if (inside > 0) nested = true;
      if (isLoop) loops += 1;
    } else if (word.startsWith('?') || word === '|') forks += 1;
    else if (/^\\(?:[1-9]|k)/.test(word)) nested = true;
    else if (word.startsWith('(')) open.push(loops + forks);
    inside = word === ')' ? loops + forks - (open.pop() ?? 0) : 0;
  }
  return {loops, forks, nested};
}
