/**
 * Piranha's check (nanny -s SEND -x EXPECT): connect, send the text if there is one, and compare the beginning of the answer
 * with the expected text. nanny compared only the beginning; `*` matched anything.
 */
import {translatePosixRegex} from '@hactl/regex';
import {type Clock, type Millis} from '@hactl/base';
import {matches} from '@hactl/regex';
import type {CheckSpec, SendExpect} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {converse, DialogueError, quoted} from './dialogue.ts';
import {GrowingMatch} from './growing-match.ts';

/** A regular expression has no length to wait for: this much is searched, the size of nanny's buffer. */
const REGEX_MAX = 4_096;

const escapes: Readonly<Record<string, string>> = {n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', "'": "'"};

/** A text of lvs.cf as octets: expands `\r\n`, `\0` and `\x41`. */
export const unescape = (text: string): string =>
  Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/\\(?:x([\da-f]{1,2})|([0-7]{1,3})|(.))/gi, (_, hex?: string, octal?: string, letter = '') =>
      hex !== undefined
        ? String.fromCharCode(Number.parseInt(hex, 16))
        : octal !== undefined
          ? String.fromCharCode(Number.parseInt(octal, 8) & 0xff)
          : (escapes[letter] ?? letter),
    );

/** undefined if it is invalid, which the configuration's parser has reported. */
const patternOf = (text: string): RegExp | undefined => {
  const translated = translatePosixRegex(text);
  return translated.ok ? translated.value : undefined;
};

/**
 * Is the answer as expected? undefined: not decided yet, more data is needed. `matches` tells whether the expression
 * matches; `ended`: the answer is complete.
 */
export function compareExpected(
  script: SendExpect,
  text: string,
  ended: boolean,
  matches: (text: string, last: boolean) => boolean = (all) => seeker(script).found(all, true),
): boolean | undefined {
  if (script.expect === undefined || script.expect === '') return true;
  if (script.regex) {
    const last = ended || text.length >= REGEX_MAX;
    return matches(text.slice(0, REGEX_MAX), last) ? true : last ? false : undefined;
  }
  if (script.expect === '*') return text !== '' ? true : ended ? false : undefined;
  const expected = unescape(script.expect);
  if (text.startsWith(expected)) return true;
  return ended || text.length >= expected.length || !expected.startsWith(text) ? false : undefined;
}

const seeker = (script: SendExpect): GrowingMatch =>
  new GrowingMatch(patternOf(script.expect ?? ''), matches);

export function probeSendExpect(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect}) => {
    const script = spec.sendExpect ?? {regex: false};
    if (script.regex && script.expect !== undefined && patternOf(script.expect) === undefined)
      throw new DialogueError(`expect /${script.expect}/ is not a regular expression`);
    const connection = await connect(spec.port);
    if (script.send) connection.send(unescape(script.send));
    let verdict: boolean | undefined;
    let text = '';
    const seek = seeker(script);
    await connection.rest('what is expected', (piece, ended) => {
      text += piece;
      verdict = compareExpected(script, text, ended, (all, last) => seek.found(all, last));
      return verdict !== undefined;
    });
    if (script.expect === undefined || script.expect === '') return {passed: true, words: 'nothing expected'};
    const expected = script.regex ? `/${script.expect}/` : quoted(unescape(script.expect));
    if (verdict) return {passed: true, words: `answer ${quoted(text)}, as expected`};
    return {
      passed: false,
      words:
        text === ''
          ? `closed without an answer, expected ${expected}`
          : `answer ${quoted(text)}, expected ${expected}`,
    };
  });
}
