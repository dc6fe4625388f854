/**
 * Limits for the compiler. V8 compiles an expression at its first match, in the thread of all checks, and nothing can
 * interrupt it. It looks ahead over up to eight characters along every path: eight times `(?:\w?a|\w?b|…)` with ten
 * alternatives takes 15 s, eight times `(?i)\P{L}` 5 s, the first time an answer has a character beyond Latin-1 (measured). Pure.
 */
import {token} from './match-cost.ts';

/** Characters of an expression as written. */
export const LENGTH_MAX = 2_000;
export const TOO_LONG = `it has more than ${LENGTH_MAX} characters`;

/** With this many, the slowest expressions found take 0.2 s. */
const CHOICES_MAX = 64;
/** A property is hundreds of ranges, most of them pairs of code units. */
const PROPERTY = 12;
/** V8 writes the body of `{3}` three times, that of `{4}` once with a counter. */
const COPIED_MAX = 3;

/** A pair of code units each, which is an alternative to the compiler. */
const astral = /\\u\{(?:0*[1-9a-f][\da-f]{4}|0*10[\da-f]{4})\}|[\u{10000}-\u{10FFFF}]/giu;
const property = /\\[pP]/g;
const propertyName = /(?<=\\[pP])\{[^}]*\}/g;

const countOf = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** How often the compiler writes the body of a quantifier, besides the choice itself. */
function copiesOf(quantifier: string): number {
  if (quantifier.startsWith('+')) return 2;
  const [, least, most] = /^\{(\d+)(?:,(\d*))?\}/.exec(quantifier) ?? [];
  if (least === undefined) return 1;
  if (most === '') return Number(least) <= COPIED_MAX ? Number(least) + 1 : 2;
  const count = Number(most ?? least);
  return count <= COPIED_MAX ? Math.max(1, count) : 1;
}

/** Choices on all paths through an expression, copies included. */
function choicesOf(source: string): number {
  const open: number[] = [];
  let [choices, atom] = [0, 0];
  for (const [word] of source.replace(propertyName, '').matchAll(token)) {
    if (/^(?:[*+?]|\{\d)/.test(word)) {
      const isChoice = !/^\{\d+\}/.test(word);
      choices += atom * (copiesOf(word) - 1) + (isChoice ? 1 : 0);
      atom = 0;
    } else if (word === '|') {
      choices += 1;
      atom = 0;
    } else if (word.startsWith('(')) {
      open.push(choices);
      atom = 0;
    } else if (word === ')') atom = choices - (open.pop() ?? 0);
    else {
      atom = /^\\[pP]/.test(word) ? PROPERTY : PROPERTY * countOf(word, property) + countOf(word, astral);
      choices += atom;
    }
  }
  return choices;
}

/** Why an expression in JavaScript's form would take the compiler too long, if it would. */
export const whyTooComplex = (source: string): string | undefined =>
  choicesOf(source) > CHOICES_MAX
    ? `it has more than ${CHOICES_MAX} choices (|, ?, *, +, {1,3}; a \\p{…} counts as ${PROPERTY}): the matcher would take seconds to prepare for it`
    : undefined;
