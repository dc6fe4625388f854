/** Pages and passing statuses of HTTP_GET and SSL_GET. Pure. */
import {translatePerlRegex} from '@hactl/regex';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  ignored,
  nameOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {StatusRange} from '../model.ts';
import type {Statement} from './keepalived-lines.ts';
import {escapedWords} from './keepalived-words.ts';
import {isQuotable} from './words.ts';

export interface WebPage {
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  /** Statuses that pass; keepalived's default is 200 to 299. */
  readonly statuses?: readonly StatusRange[];
}

/** keepalived's default. */
export const ORDINARY: readonly StatusRange[] = [[200, 299]];

/** The first page: ldirectord.cf requests one only. undefined: there is none, and keepalived drops the checker. */
export function parseUrls(
  block: Block,
  inheritedHost: string | undefined,
  tools: Tools,
): WebPage | undefined {
  const {notes} = tools;
  const protocol = block.last('http_protocol');
  if (protocol)
    notes.approximated(
      protocol.span,
      quoteStatement(protocol),
      'the check uses HTTP/1.1 and closes the connection',
    );
  const [first, ...further] = block.all('url').filter((url) => hasPath(url, tools));
  for (const url of further)
    notes.lost(
      url.span,
      quoteStatement(url),
      'only the first page is requested here; in keepalived all must pass',
    );
  if (!first) return undefined;
  const inner = blockOf(first.block ?? [], tools);
  const [path, host] = ['path', 'virtualhost'].map((name) => inner.last(name));
  notes.exact(first.span, 'url', 'ldirectord.cf: the page of the check');
  const written = argumentOf(path);
  const isUsable = isQuotable(written) && written.startsWith('/');
  if (path)
    if (isUsable) notes.exact(path.span, quoteStatement(path), 'ldirectord.cf: request');
    else
      notes.lost(path.span, quoteStatement(path), 'ldirectord.cf does not allow such a path: / is requested');
  if (host)
    if (isHost(argumentOf(host))) notes.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost');
    else notes.lost(host.span, quoteStatement(host), 'ldirectord.cf does not allow such a name');
  const receive = parseExpression(inner, tools);
  const statuses = parseStatuses(inner.all('status_code'), tools);
  for (const digest of inner.all('digest'))
    notes.lost(
      digest.span,
      quoteStatement(digest),
      'digests are not supported: the content of the page is not checked; use a regular expression (receive)',
    );
  inner.finish(
    {'regex_*': 'the whole page is searched'},
    'the check has no such setting',
    new Set(['regex_min_offset', 'regex_max_offset']),
  );
  const virtualHost = argumentOf(host) || inheritedHost;
  return {
    request: isUsable ? written : '/',
    ...(receive === undefined ? {} : {receive}),
    statuses,
    ...(virtualHost === undefined ? {} : {virtualHost}),
  };
}

/** Is the name valid for virtualhost in ldirectord.cf? */
export const isHost = (text: string): boolean => /^[\w.:[\]-]+$/.test(text);

/** keepalived drops a url without a path. */
function hasPath(url: Statement, tools: Tools): boolean {
  const path = (url.block ?? []).findLast((line) => nameOf(line) === 'path');
  if (argumentOf(path) !== '') return true;
  ignored(
    url,
    'missing-value',
    'the url has no path: keepalived leaves it out',
    'the import does too; write path /PAGE',
    tools,
  );
  tools.notes.omitted(url.span, quoteStatement(url), 'no path: keepalived leaves it out too');
  return false;
}

/** PCRE options that can be written as an inline flag. */
const inline: ReadonlyMap<string, string> = new Map([
  ['caseless', 'i'],
  ['multiline', 'm'],
  ['dotall', 's'],
  ['extended', 'x'],
]);

function parseExpression(inner: Block, tools: Tools): string | undefined {
  const {notes} = tools;
  const [inverse, options] = [inner.last('regex_no_match'), inner.all('regex_options')];
  const lines = inner.all('regex').filter((line) => hasOneWord(line, tools));
  const regex = lines.at(-1);
  for (const line of lines.slice(0, -1))
    notes.omitted(line.span, quoteStatement(line), 'overridden by a later line');
  const words = options.flatMap(argumentsOf);
  const flags = [...new Set(words.flatMap((word) => inline.get(word) ?? []))].join('');
  const [, written = ''] = (regex && escapedWords(regex.text)) ?? [];
  const pattern = flags === '' ? written : `(?${flags})${written}`;
  const usable = regex && !inverse && isQuotable(pattern) && translatePerlRegex(pattern).ok;
  for (const line of options)
    if (usable && argumentsOf(line).every((word) => inline.has(word)))
      notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: receive, as an inline flag');
    else notes.omitted(line.span, quoteStatement(line), 'not supported as an inline flag');
  if (regex)
    if (usable)
      notes.approximated(
        regex.span,
        quoteStatement(regex),
        'ldirectord.cf: receive; the expression is searched for in the body of the page',
      );
    else
      notes.lost(
        regex.span,
        quoteStatement(regex),
        inverse
          ? 'ldirectord.cf cannot require that a page does not match: the content of the page is not checked'
          : 'the expression cannot be written in ldirectord.cf: the content of the page is not checked',
      );
  if (inverse)
    notes.omitted(
      inverse.span,
      quoteStatement(inverse),
      regex
        ? 'ldirectord.cf cannot require that a page does not match'
        : 'there is no expression: keepalived ignores it',
    );
  return usable ? pattern : undefined;
}

/** Does regex have exactly one word? keepalived ignores the line otherwise. */
function hasOneWord(regex: Statement, tools: Tools): boolean {
  if (escapedWords(regex.text)?.length === 2) return true;
  ignored(
    regex,
    'bad-value',
    `${quoteStatement(regex)}: not exactly one word, keepalived ignores the line`,
    'the import does too; write regex "EXPRESSION"',
    tools,
  );
  tools.notes.omitted(regex.span, quoteStatement(regex), 'not exactly one word: keepalived ignores it too');
  return false;
}

const STATUS_LEAST = 100;
const STATUS_MOST = 599;

/** `200`, `200-299`, several per line, on several lines; invalid words are ignored, as in keepalived. */
function parseStatuses(statements: readonly Statement[], tools: Tools): readonly StatusRange[] {
  const ranges: StatusRange[] = [];
  for (const statement of statements) {
    const parsed = argumentsOf(statement).flatMap((text): StatusRange[] => {
      const [, from = '', to] = /^0*(\d{3})(?:-0*(\d{3}))?$/.exec(text) ?? [];
      const range: StatusRange = [Number(from), Number(to ?? from)];
      return range[0] >= STATUS_LEAST && range[0] <= range[1] && range[1] <= STATUS_MOST ? [range] : [];
    });
    ranges.push(...parsed);
    if (parsed.length < argumentsOf(statement).length)
      ignored(
        statement.words[1] ?? statement,
        'bad-value',
        `${quoteStatement(statement)}: not every word is a status`,
        `keepalived ignores the others, and so does the import; write statuses from ${STATUS_LEAST} to ${STATUS_MOST}`,
        tools,
      );
    tools.notes.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: hactl_status');
  }
  return ranges.length === 0 ? ORDINARY : ranges;
}
