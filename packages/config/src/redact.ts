/** What in a configuration file is secret, and its lines without that, to be shown to people. Pure. */
import {directiveRanges, rangesIn, requestPatterns, type Range} from './line-secrets.ts';

export type {Range};

export const HIDDEN = '(secret)';

/** A line may stand behind `12 | `, as diagnostics in a log show it. */
const START = String.raw`^(?:.*\| )?[ \t]*`;
const line = (rest: string): RegExp => new RegExp(START + rest, 'im');

/** User and password of a URL. */
export const urlPatterns: readonly RegExp[] = [/:\/\/(?<secret>[^\s/@"']+)@/i];

/** An argument in haresources that is called a password. */
const argumentPattern =
  /::\w*(?:pass(?:w\w*)?|pwd|secret|token|api_?key|community)(?:\s*[=:]+\s*|\s+)(?<secret>(?:(?!::)\S)+)/i;

/**
 * What of a line is a secret: all that the group named `secret` holds. Lines are known by their words, whatever the file
 * is called. The words are matched loosely, because a misspelled directive is the one that a diagnostic quotes.
 */
export const secretPatterns: readonly RegExp[] = [
  // authkeys: NUMBER METHOD KEY
  line(String.raw`\d+\s+(?:crc|md\d|sha|hmac)\S*\s+(?<secret>\S.*)$`),
  // passwd=, password, secret=, auth_pass and what looks like them, with or without = and quotes
  line(
    String.raw`[\w-]*(?:pass|pwd|p\w{0,3}w\w?r?\w?d|s\w{0,2}c\w{0,2}r\w{0,2}t|token|api_?key|credential)[\w-]*(?:[ \t]*[=:][ \t]*|[ \t]+)(?<secret>\S.*)$`,
  ),
  // ha.cf: of a webhook or a collector everything but its host
  line(String.raw`hactl_[wo]\w*\s+\w+:\/\/(?<secret>[^\s/@]+)@`),
  line(String.raw`hactl_[wo]\w*\s+\w+:\/\/[^\s/?#]+[/?#](?<secret>\S+)`),
  line(String.raw`hactl_[wo]\w*\s+\S+\s+(?<secret>\S.*)$`),
  // Arguments of commands often are passwords; of a fencing device all but its type
  line(String.raw`(?:hactl_f\w*|hactl_al\w*|stonith)\s+\S+\s+(?<secret>\S.*)$`),
  line(String.raw`(?:stonith_?h\w*|hactl_tr\w*s\w*|res?p\w*|failfast)\s+\S+\s+\S+\s+(?<secret>\S.*)$`),
  // ldirectord.cf: arguments of commands, the query of a request, what is sent to log in
  line(String.raw`\w+com\w*\s*=\s*"?[^\s"]+\s+(?<secret>[^\s"][^"]*)`),
  line(String.raw`(?:req\w*|real6?|virtual6?|url)\s*=[^?\n]*\?(?<secret>[^"\s]+)`),
  line(String.raw`hactl_s\w*\s*=.*?\b(?:auth|pass|login)\b[ \t]*(?<secret>[^"]+)`),
  argumentPattern,
  // Anywhere in a line: options and words that announce a password
  ...urlPatterns,
  /(?<=^|\s)--?(?:p|pw|pass\w*|pwd|token|secret|api[_-]?key)(?:=|\s+)(?<secret>[^\s"']+)/i,
  /\b\w*(?:auth_pass|auth_key|passwd|password|passphrase|secret|token|api[_-]?key|community)["']?[ \t]*[=:][ \t]*["']?(?<secret>[^\s"'&,;]+)/i,
  /\b(?:auth_pass|auth_key)[ \t]+"?(?<secret>[^\s"}]+)/i,
  // Variables in front of a command
  /(?<![\w-])[A-Z_]*(?:PASS|PWD|TOKEN|SECRET)[A-Z_]*=(?<secret>[^\s"']+)/,
];

/** Where the secrets are in a text, in order and without overlaps; in lines of our files their directive counts too. */
export function secretRanges(
  text: string,
  patterns: readonly RegExp[] = secretPatterns,
  byDirective = patterns === secretPatterns,
): Range[] {
  const found = [...rangesIn(text, patterns), ...(byDirective ? directiveRanges(text) : [])]
    .filter(({start, end}) => end > start)
    .toSorted((left, right) => left.start - right.start);
  const ranges: Range[] = [];
  for (const {start, end} of found) {
    const last = ranges.at(-1);
    if (last && start <= last.end)
      ranges[ranges.length - 1] = {start: last.start, end: Math.max(end, last.end)};
    else ranges.push({start, end});
  }
  return ranges;
}

/** `text` with `hide` in the place of every secret that a pattern finds; `found` is told each of them. */
export function hideSecrets(
  text: string,
  patterns: readonly RegExp[],
  hide: string,
  found: (secret: string) => void = () => undefined,
  byDirective = patterns === secretPatterns,
): string {
  let [result, copied] = ['', 0];
  for (const {start, end} of secretRanges(text, patterns, byDirective)) {
    const secret = text.slice(start, end);
    if (secret.startsWith(hide)) continue;
    found(secret);
    result += text.slice(copied, start) + hide;
    copied = end;
  }
  return result + text.slice(copied);
}

/** One line of one of our files. */
export const redactLine = (text: string): string => hideSecrets(text, secretPatterns, HIDDEN);

/** One line of authkeys: every one may be a key, however it is misspelled; `found` is told what is hidden. */
export function redactKeyLine(
  text: string,
  hide = HIDDEN,
  found: (secret: string) => void = () => undefined,
): string {
  if (/^\s*(?:#\s*$|auth\s+\d+\s*$|$)/.test(text)) return text;
  const [shown = ''] = /^\s*\d+\s+(?:crc|md5|sha1|sha256)(?=\s|$)/.exec(text) ?? [];
  const secret = text.slice(shown.length).trim();
  if (secret === '') return text;
  found(secret);
  return `${shown}${shown === '' ? '' : ' '}${hide}`;
}

/** Arguments of resources, as a setting and in lists: what the file calls a password is for none of those who look. */
export const hideArguments = (words: string, hide = '…'): string =>
  hideSecrets(words, [argumentPattern], hide);

/** What a check sends, as a setting is shown. */
export const hideRequest = (request: string, hide: string): string =>
  hideSecrets(request, [...urlPatterns, ...requestPatterns], hide);
