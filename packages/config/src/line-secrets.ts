/**
 * Finds the secrets in a line of ha.cf or ldirectord.cf by its directive, even if the directive is misspelled, has a
 * word in front or a sign other than `=` after it: such a line is the one that a diagnostic quotes. Pure.
 */
import {editDistance} from './edit-distance.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The part of a value that is shown: a number of words, the host of a URL, a harmless request, the user of a log-in. */
type Rule = number | 'webhook' | 'request' | 'login';

const rules: Readonly<Record<string, Rule>> = {
  passwd: 0,
  password: 0,
  secret: 0,
  hactl_fence: 1,
  hactl_alert_command: 1,
  hactl_track_script: 2,
  hactl_webhook: 'webhook',
  hactl_otlp: 'webhook',
  respawn: 2,
  stonith: 1,
  stonith_host: 2,
  callback: 1,
  fallbackcommand: 1,
  checkcommand: 1,
  request: 'request',
  hactl_send: 'request',
  hactl_send_program: 1,
  load: 'request',
  login: 'login',
  hactl_check: 'request',
  real: 'request',
  real6: 'request',
};

/** Names that people invent; no misspelling of them is tried, since those are words of other directives. */
const aliases: Readonly<Record<string, Rule>> = {
  fence: 1,
  alert: 1,
  alert_command: 1,
  track_script: 2,
  webhook: 'webhook',
  otlp: 'webhook',
  send: 'request',
  tsig: 0,
  psk: 0,
  key: 0,
  authkey: 0,
  hactl_key: 0,
  community: 0,
  snmp_community: 0,
};

/** Directives that resemble one above and hold no secret. */
const harmless: ReadonlySet<string> = new Set(['fallback', 'receive', 'hactl_expect', 'realtime']);

/** A word that is longer is no directive, however it is misspelled. */
const LONGEST = 40;

const mistakesIn = (word: string): number => (word.length <= 4 ? 1 : word.length <= 8 ? 2 : 3);

/** Swapped letters are a misspelling too. */
const lettersOf = (word: string): string => word.split('').toSorted().join('');

const aliasOf = (name: string): Rule | undefined =>
  Object.hasOwn(aliases, name) ? aliases[name] : undefined;

function ruleOf(word: string, isFirst: boolean): Rule | undefined {
  const name = word.toLowerCase().replaceAll('-', '_');
  const exact = Object.hasOwn(rules, name) ? rules[name] : isFirst ? aliasOf(name) : undefined;
  if (exact !== undefined || harmless.has(name) || !isFirst || name.length > LONGEST) return exact;
  const near = Object.keys(rules).map(
    (known) => [known, lettersOf(known) === lettersOf(name) ? 0 : editDistance(name, known)] as const,
  );
  const [best, distance] = near.reduce((left, right) => (right[1] < left[1] ? right : left));
  return distance <= mistakesIn(best) ? rules[best] : undefined;
}

/** What follows the name of a page. */
export const queryPattern = /[?;#&](?<secret>[^"\s]+)/i;

/** A check's request: the query of a path, the word after a login command, a value in SQL, a string nobody would type. */
export const requestPatterns: readonly RegExp[] = [
  queryPattern,
  /(?:\b|(?<=\\[rnt]))(?:auth|pass(?:word)?|login|identified by)\b[ \t:=]*(?:\\?["'])?(?<secret>[^"”\n]+)/i,
  /'(?<secret>[^\n"”]+)/,
  /\\"(?<secret>[^"\\]+)/,
  /\/(?<secret>(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{16,})(?![\w-])/i,
  /(?<![\w-])(?:passw?o?r?d?|passwd|secret|token)\s*[=:]\s*(?<secret>[^\s"”]+)/i,
];

/** As written, and with the flags of a search for all. */
const compiled = new WeakMap<RegExp, RegExp>();

function searching(pattern: RegExp): RegExp {
  const known = compiled.get(pattern) ?? new RegExp(pattern, `${pattern.flags.replaceAll(/[gd]/g, '')}gd`);
  compiled.set(pattern, known);
  return known;
}

/** Every match of the group `secret`. */
export function rangesIn(text: string, patterns: readonly RegExp[], offset = 0): Range[] {
  const found: Range[] = [];
  for (const pattern of patterns) {
    const search = searching(pattern);
    search.lastIndex = 0;
    // matchAll would make a copy of each of many expressions for each line.
    for (let match = search.exec(text); match; match = search.exec(text)) {
      const group = match.indices?.groups?.['secret'];
      if (group) found.push({start: offset + group[0], end: offset + group[1]});
      if (match[0] === '') search.lastIndex += 1;
    }
  }
  return found;
}

/** Behind the user: some write the password there too. */
export const loginPatterns: readonly RegExp[] = [/^\s*["'“]?[^\s:"'”]+[\s:]\s*(?<secret>[^\s"'”][^"'”]*)/];

/** Only the scheme and host of a webhook are shown. */
function webhookRanges(rest: string, offset: number): Range[] {
  const [, front = '', user = '', host = ''] =
    /^(\s*["'“]?(?:\w+:\/\/)?)([^\s/@]*@)?((?:\[[^\]\s]*\]|[^\s/?#;,\\:]*)(?::\d+(?![^\s/?#;,\\"'”]))?)/.exec(
      rest,
    ) ?? [];
  const behind = front.length + user.length + host.length;
  return [
    {start: offset + front.length, end: offset + front.length + Math.max(0, user.length - 1)},
    {
      start: offset + behind + (/^(?:[/?#;,\\:]|\s+)/.exec(rest.slice(behind))?.[0].length ?? 0),
      end: offset + rest.length,
    },
  ];
}

/** The secrets of a line's directive; none if the line starts with another directive. */
export function directiveRanges(line: string): Range[] {
  const words = [
    ...line.matchAll(/(?<=^|[\s#])(?<word>[A-Za-z][\w-]*)(?:\s*[=:]+\s*|\s+|(?=["'“*]))/g),
  ].slice(0, 3);
  for (const [index, match] of words.entries()) {
    const rule = ruleOf(match.groups?.['word'] ?? '', index === 0);
    if (rule === undefined) continue;
    const start = match.index + match[0].length;
    const rest = line.slice(start);
    if (rule === 'login') return rangesIn(rest, loginPatterns, start);
    if (rule === 'request') return rangesIn(rest, requestPatterns, start);
    if (rule === 'webhook') return webhookRanges(rest, start);
    // A variable in front of a command hides what it is set to, and all behind it.
    const variable = rule > 0 ? /^["'“]?\w+=/.exec(rest)?.[0].length : undefined;
    const shown =
      variable ?? new RegExp(String.raw`^(?:\s*\S+){${rule}}\s*`).exec(rest)?.[0].length ?? rest.length;
    // A word that is no directive may be followed by a list.
    const list = index > 0 ? rest.slice(shown).search(/[,;]\s/) : -1;
    return [{start: start + shown, end: start + (list < 0 ? rest.trimEnd().length : shown + list)}];
  }
  return [];
}
