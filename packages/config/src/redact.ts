/** Finds the secrets in configuration files, and removes them from lines that are shown. Pure. */
import {directiveRanges, queryPattern, rangesIn, requestPatterns, type Range} from './line-secrets.ts';
import {mayHoldSecret, quotedCommand, statementPatterns, urlPatterns, wordPatterns} from './secret-words.ts';

export {urlPatterns};
export type {Range};

export const HIDDEN = '(secret)';

/** A line may follow `12 | `, as in a diagnostic in a log. */
const START = String.raw`^(?:.*\| )?[ \t]*`;
const line = (rest: string): RegExp => new RegExp(START + rest, 'im');

/** An argument in haresources that is named like a password. */
const argumentPattern =
  /::\w*(?:pass(?:w\w*)?|pwd|secret|token|api_?key|community)(?:\s*[=:]+\s*|\s+)(?<secret>(?:(?!::)\S)+)/i;

/**
 * The secret part of a line is the capture group `secret`. Lines are recognised by their words, whatever the file
 * is called. The words are matched loosely, because a misspelled directive is the one that a diagnostic quotes.
 */
export const secretPatterns: readonly RegExp[] = [
  // authkeys: NUMBER METHOD KEY
  line(String.raw`\d+[).:]?\s+(?:crc|md\d|sha|hmac)\S*\s+(?<secret>\S.*)$`),
  // passwd=, password, secret=, auth_pass and the like, with or without = and quotes
  line(
    String.raw`[\w-]*(?:pass|pwd|p\w{0,3}w\w?r?\w?d|s\w{0,2}c\w{0,2}r\w{0,2}t|token|api_?key|credential)[\w-]{0,200}(?:[ \t]*[=:][ \t]*|[ \t]+)(?<secret>\S.*)$`,
  ),
  // ha.cf: everything but the host of a webhook or collector
  line(String.raw`hactl_[wo]\w*\s+\w+:\/\/(?<secret>[^\s/@]+)@`),
  line(String.raw`hactl_[wo]\w*\s+\w+:\/\/[^\s/?#]+[/?#](?<secret>\S+)`),
  line(String.raw`hactl_[wo]\w*\s+\S+\s+(?<secret>\S.*)$`),
  // Arguments of commands often are passwords; everything but the type of a fencing device
  line(String.raw`(?:hactl_f\w*|hactl_al\w*|[\w-]*fenc\w*|stonith)\s+\S+\s+(?<secret>\S.*)$`),
  line(
    String.raw`(?:stonith[_-]?h[\w-]*\*?|hactl_tr\w*s\w*|res?p\w*|failfast)\s+\S+\s+\S+\s+(?<secret>\S.*)$`,
  ),
  // ldirectord.cf: arguments of commands, the query of a request, credentials
  line(String.raw`\w+com\w*\s*=\s*"?[^\s"]+\s+(?<secret>[^\s"][^"]*)`),
  line(String.raw`(?:req\w*|real6?|virtual6?|url)\s*=[^?\n]*\?(?<secret>[^"\s]+)`),
  line(String.raw`hactl_s\w*\s*=.*?\b(?:auth|pass|login)\b[ \t]*(?<secret>[^"]+)`),
  // What is no path
  line(String.raw`hactl_mysql_key\s*=\s*"?(?!\/)(?<secret>[^\s"][^"]*)`),
  line(String.raw`hactl_\w+[\s:=]+\S*?:\/\/[^\s/?#;]+[/?#;](?<secret>\S.*)$`),
  // Behind a program stand its arguments, whatever is missing in front of it
  line(String.raw`(?:res?p\w*|failfast|hactl_\w+)\s+(?:[^\s/]\S*\s+)*\/\S+\s+(?<secret>\S.*)$`),
  line(String.raw`\w+(?:\s+|\s*=\s*"?)\/\S+\s+(?<secret>\S.*)$`),
  line(String.raw`env\s+\w+[\s=]+(?<secret>\S.*)$`),
  // Directives of other programs
  line(String.raw`auth(?:\s*=\s*|\s+\d+\s+)(?<secret>\S.*)$`),
  line(String.raw`\w+[_-]auth\w*(?:\s*[=:]\s*|\s+)(?<secret>\S.*)$`),
  line(String.raw`apiauth\s+\S+\s+(?:[ug]id=\S+\s+)*(?![ug]id=)(?<secret>\S.*)$`),
  line(String.raw`(?:[\w-]*[_-])?key\d*(?:\s*[=:]\s*|\s+)(?!"?\/)(?<secret>\S.*)$`),
  line(
    String.raw`[\w-]*(?:authori[sz]ation|header|cookie|bearer|basic_?auth|private_?key|community|psk|pin|tls_?key|\wpw)(?:\s*[=:]\s*|\s+)(?!"?\/)(?<secret>\S.*)$`,
  ),
  argumentPattern,
  ...wordPatterns,
];

/** The spans of the secrets in a text, in order and without overlaps; lines of our files are also judged by directive. */
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

/** `text` with `hide` in place of every secret found; `found` is called with each of them. */
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

/** One line of authkeys, each of which may hold a key, however it is misspelled; `found` is called with the hidden text. */
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

/** Arguments of resources, as a setting and in lists, without those that are named like passwords. */
export const hideArguments = (words: string, hide = '…'): string =>
  hideSecrets(hideWords(words, hide), [argumentPattern], hide);

/** Any text of a configuration, whatever it is for. */
export const hideWords = (text: string, hide = '…'): string =>
  mayHoldSecret.test(text) ? hideSecrets(text, wordPatterns, hide) : text;

/** A check's request as shown in a setting. */
export const hideRequest = (request: string, hide: string): string =>
  hideSecrets(hideWords(request, hide), requestPatterns, hide);

/** A shorter secret is a word of the message as well. */
const SHORTEST = 4;

/** A statement of a foreign file, and the message about it. */
export function hideStatement(
  what: string,
  message: string,
): {readonly what: string; readonly message: string} {
  // ipvsadm has no passwords: -p is its time of persistence.
  if (/^-\w\b|^--(?:add|edit)/.test(what)) return {what, message};
  const [kind = ''] = /^\w+/.exec(what) ?? [];
  const patterns =
    kind === 'path' || kind === 'url'
      ? [...wordPatterns.filter((pattern) => pattern !== quotedCommand), queryPattern]
      : [...statementPatterns, ...(/^(?:send|expect|request)$/.test(kind) ? requestPatterns : [])];
  const secrets: string[] = [];
  const shown = hideSecrets(what, patterns, '…', (secret) => secrets.push(secret));
  return {
    what: shown,
    message: secrets
      .filter((secret) => secret.length >= SHORTEST)
      .reduce((text, secret) => text.replaceAll(secret, '…'), hideSecrets(message, urlPatterns, '…')),
  };
}
