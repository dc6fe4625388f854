/** The pages of HTTP_GET and SSL_GET, and the statuses that pass. Pure. */
import {translatePerlRegex} from '@hactl/regex';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  ignored,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {isQuotable} from './words.ts';

export type StatusRange = readonly [from: number, to: number];

export interface WebPage {
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  /** The request line's version. */
  readonly version?: '1.0' | '1.1';
  /** Statuses that pass; keepalived's default is 200 to 299. */
  readonly statuses?: readonly StatusRange[];
}

const DEFAULT: readonly StatusRange[] = [[200, 299]];

/** The first page: ldirectord.cf asks for one. */
export function takeUrls(
  block: Block,
  inheritedHost: string | undefined,
  isTls: boolean,
  tools: Tools,
): WebPage {
  const {book} = tools;
  const [first, ...others] = block.all('url');
  const protocol = block.last('http_protocol');
  const version = argumentOf(protocol).startsWith('1.1') ? '1.1' : '1.0';
  if (protocol)
    if (isTls) book.not(protocol.span, quoteStatement(protocol), 'the check speaks HTTP/1.0');
    else book.exact(protocol.span, quoteStatement(protocol), `HTTP/${version}`);
  for (const url of others)
    book.lost(
      url.span,
      quoteStatement(url),
      'one page is asked for here: the first, all must pass in keepalived',
    );
  const plain = {version, ...(inheritedHost === undefined ? {} : {virtualHost: inheritedHost})} as const;
  if (!first) return {request: '/', statuses: DEFAULT, ...plain};
  const inner = blockOf(first.block ?? [], tools);
  const [path, code, host] = ['path', 'status_code', 'virtualhost'].map((name) => inner.last(name));
  book.exact(first.span, 'url', 'ldirectord.cf: the page of the check');
  const written = argumentOf(path) || '/';
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
    version,
    ...(virtualHost === undefined ? {} : {virtualHost}),
  };
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
  if (!statement) return DEFAULT;
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
  return ranges.length === 0 ? DEFAULT : ranges;
}

/** Every status of the ranges as alternatives of a regular expression: `2[0-9][0-9]`, `40[0-1]`. */
export function statusExpression(ranges: readonly StatusRange[]): string {
  const digit = (from: number, to: number): string => (from === to ? String(from) : `[${from}-${to}]`);
  const words = ranges.flatMap(([from, to]) => {
    const parts: string[] = [];
    for (let at = from; at <= to;) {
      if (at % 100 === 0 && at + 99 <= to) {
        parts.push(`${at / 100}[0-9][0-9]`);
        at += 100;
      } else if (at % 10 === 0 && at + 9 <= to) {
        parts.push(`${at / 10}[0-9]`);
        at += 10;
      } else {
        const end = Math.min(to, at - (at % 10) + 9);
        parts.push(`${Math.floor(at / 10)}${digit(at % 10, end % 10)}`);
        at = end + 1;
      }
    }
    return parts;
  });
  return `^HTTP/1\\.[01] (${[...new Set(words)].join('|')})`;
}

/** Do only these statuses pass that ldirectord's own web check lets pass? */
export const isOrdinary = (ranges: readonly StatusRange[]): boolean =>
  ranges.every(([from, to]) => from >= 200 && to <= 299);
