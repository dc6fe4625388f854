/** Looks for `receive` in an answer that grows, without looking through all of it again at each piece. */
import type {Millis} from '@hactl/base';
import {receiveMatches, SlowMatch} from '@hactl/regex';

/** So many pieces are looked through as they come; from then on the answer must have doubled. */
const EAGER = 8;
/** Processor time that the looks after the first one may take together. */
const AGAIN_MAX: Millis = 50;

export class GrowingMatch {
  readonly #pattern: RegExp | undefined;
  readonly #matches: (pattern: RegExp, text: string) => boolean;
  #looks = 0;
  #next = 0;
  #spent: Millis = 0;

  /** No pattern: nothing is ever found. `how` a text is matched: octets that may be UTF-8, unless said otherwise. */
  constructor(pattern: RegExp | undefined, how: (pattern: RegExp, text: string) => boolean = receiveMatches) {
    this.#pattern = pattern;
    this.#matches = how;
  }

  /** Does it match? `last`: nothing more will come, so it must be decided now. Throws a SlowMatch. */
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
