/** Searches a growing answer for `receive` without searching all of it again for each piece. */
import type {Millis} from '@hactl/base';
import {receiveMatches, SlowMatch} from '@hactl/regex';

/** This many pieces are searched as they arrive; after that, only when the answer has doubled. */
const EAGER = 8;
/** Maximum CPU time of all searches after the first. */
const AGAIN_MAX: Millis = 50;

export class GrowingMatch {
  readonly #pattern: RegExp | undefined;
  readonly #matches: (pattern: RegExp, text: string) => boolean;
  #looks = 0;
  #next = 0;
  #spent: Millis = 0;

  /** Without pattern nothing is ever found. `how`: how a text is matched; by default as octets that may be UTF-8. */
  constructor(pattern: RegExp | undefined, how: (pattern: RegExp, text: string) => boolean = receiveMatches) {
    this.#pattern = pattern;
    this.#matches = how;
  }

  /** Does it match? `last`: the answer is complete, so decide now. Throws a SlowMatch. */
  found(text: string, last: boolean): boolean {
    if (!this.#pattern || (!last && text.length < this.#next)) return false;
    this.#looks += 1;
    this.#next = this.#looks < EAGER ? text.length + 1 : text.length * 2;
    if (this.#looks === 1) return this.#matches(this.#pattern, text);
    if (this.#spent > AGAIN_MAX)
      throw new SlowMatch(
        `the expression takes more than ${AGAIN_MAX} ms on an answer of ${text.length} characters: given up`,
      );
    const before = process.threadCpuUsage();
    const found = this.#matches(this.#pattern, text);
    const {user, system} = process.threadCpuUsage(before);
    this.#spent += (user + system) / 1_000;
    return found;
  }
}
