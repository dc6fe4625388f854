/**
 * How many steps a backtracking matcher can take at most, derived from an expression's form. Conservative: what it calls cheap is
 * cheap, what it calls expensive may still be cheap. Pure.
 */

interface Cost {
  /** Quantifiers that can stop at any character. */
  readonly loops: number;
  /** `?` and `|`: each can double the ways. */
  readonly forks: number;
  /** Characters that one way through compares: what stands in `{2000}` counts as often. */
  readonly width: number;
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
  return (length + 1) ** (1 + cost.loops) * 2 ** cost.forks * cost.width;
}

const token =
  /\\(?:[1-9]|k<)|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z]*(?:-[a-z]+)?:))?|\)|\||[*+?]\??|\{\d+(?:,\d*)?\}\??|[^]/g;

/** A text of so many characters is compared in one step, about: what stands once needs no counting. */
const PLAIN = 16;

interface Group {
  /** Choices seen when it began. */
  readonly choices: number;
  /** Width of what came before it. */
  readonly before: number;
}

function costOf(source: string): Cost {
  let [loops, forks, nested] = [0, 0, false];
  const open: Group[] = [];
  /** Choices inside the atom that stands before a quantifier, and its width. */
  let [inside, atom] = [0, 0];
  /** Of the group that is open; what is repeated most often, and all that stands once. */
  let width = 0;
  let repeated = 1;
  for (const [word] of source.matchAll(token)) {
    const isLoop = /^(?:[*+]|\{(?!(\d+)\}))/.test(word);
    const isRepeat = word.startsWith('{') && !isLoop;
    if (isLoop || isRepeat) {
      if (inside > 0) nested = true;
      if (isLoop) loops += 1;
      // {2,} needs its two in any case.
      const count = Math.max(1, Number(/^\{(\d+)/.exec(word)?.[1] ?? 1));
      width += atom * (count - 1);
      if (count > 1) repeated = Math.max(repeated, atom * count);
      [inside, atom] = [0, 0];
      continue;
    }
    if (word.startsWith('?') || word === '|') forks += 1;
    else if (/^\\(?:[1-9]|k)/.test(word)) nested = true;
    if (word.startsWith('(')) {
      open.push({choices: loops + forks, before: width});
      width = 0;
      [inside, atom] = [0, 0];
    } else if (word === ')') {
      const group = open.pop() ?? {choices: 0, before: 0};
      inside = loops + forks - group.choices;
      atom = width;
      width += group.before;
    } else {
      const counts = word === '|' || word.startsWith('?') ? 0 : 1;
      [inside, atom] = [0, counts];
      width += counts;
    }
  }
  return {loops, forks, width: Math.max(repeated, Math.floor(width / PLAIN), 1), nested};
}
