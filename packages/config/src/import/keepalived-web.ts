/** The pages of HTTP_GET and SSL_GET, and the statuses that pass. Pure. */
import {translatePerlRegex} from '@hactl/regex';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  ignored,
  nameOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {StatusRange} from '../model.ts';
import type {Statement} from './keepalived-lines.ts';
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
  const [path, code, host] = ['path', 'status_code', 'virtualhost'].map((name) => inner.last(name));
  book.exact(first.span, 'url', 'ldirectord.cf: the page of the check');
  const written = argumentOf(path);
  const isUsable = isQuotable(written) && written.startsWith('/');
  if (path)
    if (isUsable) book.exact(path.span, quoteStatement(path), 'ldirectord.cf: request');
    else book.lost(path.span, quoteStatement(path), 'ldirectord.cf cannot hold such a path: / is asked for');
  if (host) book.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost');
  const receive = takeExpression(inner, tools);
  const statuses = takeStatuses(code, tools);
  for (const digest of inner.all('digest'))
    book.lost(
      digest.span,
      quoteStatement(digest),
      'pages are not compared by digest: the page’s content does not count; use a regular expression, receive',
    );
  inner.finish(
    {'regex_*': 'the expression has no options: write them into it, (?i)'},
    'the check has no such setting',
    new Set(['regex_options']),
  );
  const virtualHost = argumentOf(host) || inheritedHost;
  return {
    request: isUsable ? written : '/',
    ...(receive === undefined ? {} : {receive}),
    statuses,
    ...(virtualHost === undefined ? {} : {virtualHost}),
  };
}

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

function takeExpression(inner: Block, tools: Tools): string | undefined {
  const {book} = tools;
  const [regex, inverse] = [inner.last('regex'), inner.last('regex_no_match')];
  const isInverted = inverse !== undefined && flagOf(inverse, tools) !== false;
  const pattern = argumentOf(regex);
  const usable = regex !== undefined && !isInverted && isQuotable(pattern) && translatePerlRegex(pattern).ok;
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
        isInverted
          ? 'a page that must not match cannot be written: the page’s content does not count'
          : 'the expression cannot be written in ldirectord.cf: the page’s content does not count',
      );
  if (inverse)
    book.not(inverse.span, quoteStatement(inverse), 'a page that must not match cannot be written');
  return usable ? pattern : undefined;
}

/** `200`, `200-299`, several of them; what is none is ignored, as in keepalived. */
function takeStatuses(statement: Statement | undefined, tools: Tools): readonly StatusRange[] {
  if (!statement) return ORDINARY;
  const ranges = argumentsOf(statement).flatMap((text): StatusRange[] => {
    const [, from = '', to] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
    const range: StatusRange = [Number(from), Number(to ?? from)];
    return from !== '' && range[0] >= 100 && range[0] <= range[1] ? [range] : [];
  });
  if (ranges.length < argumentsOf(statement).length)
    ignored(
      statement.words[1] ?? statement,
      'bad-value',
      `${quoteStatement(statement)}: not every word is a status`,
      'keepalived ignores what is none, and so does the import',
      tools,
    );
  return ranges.length === 0 ? ORDINARY : ranges;
}
