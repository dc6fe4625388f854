/**
 * An upper bound on the steps of a backtracking matcher, derived from an expression's form. Conservative: a low bound is
 * certain, a high one may be pessimistic. Pure.
 */

interface Cost {
  /** Quantifiers that can stop at any character. */
  readonly loops: number;
  /** `?` and `|`: each can double the paths. */
  readonly forks: number;
  /** Characters compared on one path: the contents of `{2000}` count as often. */
  readonly width: number;
  /** A loop around a loop or an alternative, or a back reference: no bound. */
  readonly nested: boolean;
}

const known = new WeakMap<RegExp, Cost>();

/** Maximum steps on a text of this length; Infinity if the form gives no bound. */
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

/** Tokens of an expression's source. */
export const token =
  /\\(?:[1-9]|k<)|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z]*(?:-[a-z]+)?:))?|\)|\||[*+?]\??|\{\d+(?:,\d*)?\}\??|[^]/g;

/** About one step compares this many characters: parts that occur once need no counting. */
const PLAIN = 16;

interface Group {
  /** Choices seen at its start. */
  readonly choices: number;
  /** Width of the part before it. */
  readonly before: number;
  /** Entering a look-around is a step: `(?=(?=(?=a)))` enters three wherever a match may begin. */
  readonly entry: number;
}

function costOf(source: string): Cost {
  let [loops, forks, nested] = [0, 0, false];
  const open: Group[] = [];
  /** Choices inside the atom before a quantifier, and its width. */
  let [inside, atom] = [0, 0];
  /** For the open group: the most repeated part, and the width of all parts that occur once. */
  let width = 0;
  let repeated = 1;
  for (const [word] of source.matchAll(token)) {
    const isLoop = /^(?:[*+]|\{(?!(\d+)\}))/.test(word);
    const isRepeat = word.startsWith('{') && !isLoop;
    if (isLoop || isRepeat) {
      if (inside > 0) nested = true;
      if (isLoop) loops += 1;
      // {2,} always needs its two.
      const count = Math.max(1, Number(/^\{(\d+)/.exec(word)?.[1] ?? 1));
      width += atom * (count - 1);
      if (count > 1) repeated = Math.max(repeated, atom * count);
      [inside, atom] = [0, 0];
      continue;
    }
    if (word.startsWith('?') || word === '|') forks += 1;
    else if (/^\\(?:[1-9]|k)/.test(word)) nested = true;
    if (word.startsWith('(')) {
      open.push({choices: loops + forks, before: width, entry: /^\(\?<?[=!]/.test(word) ? 1 : 0});
      width = 0;
      [inside, atom] = [0, 0];
    } else if (word === ')') {
      const group = open.pop() ?? {choices: 0, before: 0, entry: 0};
      inside = loops + forks - group.choices;
      atom = width + group.entry;
      width = atom + group.before;
    } else {
      const counts = word === '|' || word.startsWith('?') ? 0 : 1;
      [inside, atom] = [0, counts];
      width += counts;
    }
  }
  return {loops, forks, width: Math.max(repeated, Math.floor(width / PLAIN), 1), nested};
}
