/** The pages of HTTP_GET and SSL_GET, and the statuses that pass. Pure. */
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

/** The first page: ldirectord.cf asks for one. Nothing: no page is written, and keepalived drops the checker. */
export function takeUrls(block: Block, inheritedHost: string | undefined, tools: Tools): WebPage | undefined {
  const {book} = tools;
  const protocol = block.last('http_protocol');
  if (protocol)
    book.approximated(protocol.span, quoteStatement(protocol), 'the check speaks HTTP/1.1 and closes');
  const [first, ...others] = block.all('url').filter((url) => hasPath(url, tools));
  for (const url of others)
    book.lost(
      url.span,
      quoteStatement(url),
      'one page is asked for here: the first, all must pass in keepalived',
    );
  if (!first) return undefined;
  const inner = blockOf(first.block ?? [], tools);
  const [path, host] = ['path', 'virtualhost'].map((name) => inner.last(name));
  book.exact(first.span, 'url', 'ldirectord.cf: the page of the check');
  const written = argumentOf(path);
  const isUsable = isQuotable(written) && written.startsWith('/');
  if (path)
    if (isUsable) book.exact(path.span, quoteStatement(path), 'ldirectord.cf: request');
    else book.lost(path.span, quoteStatement(path), 'ldirectord.cf cannot hold such a path: / is asked for');
  if (host)
    if (isHost(argumentOf(host))) book.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost');
    else book.lost(host.span, quoteStatement(host), 'ldirectord.cf cannot hold such a name');
  const receive = takeExpression(inner, tools);
  const statuses = takeStatuses(inner.all('status_code'), tools);
  for (const digest of inner.all('digest'))
    book.lost(
      digest.span,
      quoteStatement(digest),
      'pages are not compared by digest: the page’s content does not count; use a regular expression, receive',
    );
  inner.finish(
    {'regex_*': 'the whole page is looked through'},
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

/** A name that virtualhost of ldirectord.cf can hold. */
export const isHost = (text: string): boolean => /^[\w.:[\]-]+$/.test(text);

/** keepalived drops a url without a path. */
function hasPath(url: Statement, tools: Tools): boolean {
  const path = (url.block ?? []).findLast((line) => nameOf(line) === 'path');
  if (argumentOf(path) !== '') return true;
  ignored(
    url,
    'missing-value',
    'url has no path: keepalived leaves it out',
    'the import does too; write path /PAGE',
    tools,
  );
  tools.book.not(url.span, quoteStatement(url), 'no path: keepalived leaves it out too');
  return false;
}

/** Options of PCRE that an expression can say itself. */
const inline: ReadonlyMap<string, string> = new Map([
  ['caseless', 'i'],
  ['multiline', 'm'],
  ['dotall', 's'],
  ['extended', 'x'],
]);

function takeExpression(inner: Block, tools: Tools): string | undefined {
  const {book} = tools;
  const [inverse, options] = [inner.last('regex_no_match'), inner.all('regex_options')];
  const lines = inner.all('regex').filter((line) => hasOneWord(line, tools));
  const regex = lines.at(-1);
  for (const line of lines.slice(0, -1))
    book.not(line.span, quoteStatement(line), 'the same again below: the last one counts');
  const words = options.flatMap(argumentsOf);
  const flags = [...new Set(words.flatMap((word) => inline.get(word) ?? []))].join('');
  const [, written = ''] = (regex && escapedWords(regex.text)) ?? [];
  const pattern = flags === '' ? written : `(?${flags})${written}`;
  const usable = regex && !inverse && isQuotable(pattern) && translatePerlRegex(pattern).ok;
  for (const line of options)
    if (usable && argumentsOf(line).every((word) => inline.has(word)))
      book.exact(line.span, quoteStatement(line), 'ldirectord.cf: receive, in the expression itself');
    else book.not(line.span, quoteStatement(line), 'the expression has no such option');
  if (regex)
    if (usable)
      book.approximated(
        regex.span,
        quoteStatement(regex),
        'ldirectord.cf: receive; the expression is looked for in the page’s body',
      );
    else
      book.lost(
        regex.span,
        quoteStatement(regex),
        inverse
          ? 'a page that must not match cannot be written: the page’s content does not count'
          : 'the expression cannot be written in ldirectord.cf: the page’s content does not count',
      );
  if (inverse)
    book.not(
      inverse.span,
      quoteStatement(inverse),
      regex
        ? 'a page that must not match cannot be written'
        : 'there is no expression: keepalived ignores it',
    );
  return usable ? pattern : undefined;
}

/** keepalived ignores an expression of several words. */
function hasOneWord(regex: Statement, tools: Tools): boolean {
  if (escapedWords(regex.text)?.length === 2) return true;
  ignored(
    regex,
    'bad-value',
    `${quoteStatement(regex)}: not one word behind it, keepalived ignores the line`,
    'the import does too; write regex "EXPRESSION"',
    tools,
  );
  tools.book.not(regex.span, quoteStatement(regex), 'not one word: keepalived ignores it too');
  return false;
}

const STATUS_LEAST = 100;
const STATUS_MOST = 599;

/** `200`, `200-299`, several of them, on several lines; what is none is ignored, as in keepalived. */
function takeStatuses(statements: readonly Statement[], tools: Tools): readonly StatusRange[] {
  const ranges: StatusRange[] = [];
  for (const statement of statements) {
    const own = argumentsOf(statement).flatMap((text): StatusRange[] => {
      const [, from = '', to] = /^0*(\d{3})(?:-0*(\d{3}))?$/.exec(text) ?? [];
      const range: StatusRange = [Number(from), Number(to ?? from)];
      return range[0] >= STATUS_LEAST && range[0] <= range[1] && range[1] <= STATUS_MOST ? [range] : [];
    });
    ranges.push(...own);
    if (own.length < argumentsOf(statement).length)
      ignored(
        statement.words[1] ?? statement,
        'bad-value',
        `${quoteStatement(statement)}: not every word is a status`,
        `keepalived ignores what is none, and so does the import: ${STATUS_LEAST} to ${STATUS_MOST}`,
        tools,
      );
    tools.book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: hactl_status');
  }
  return ranges.length === 0 ? ORDINARY : ranges;
}
