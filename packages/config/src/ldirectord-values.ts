/** Values of ldirectord.cf: numbers, yes and no, words, quoted texts, servers. Pure. */
import type {Millis} from '@hactl/base';
import {addressRange, ipv4, ipv6, portNumber} from './addresses.ts';
import {nearest} from './diagnostic.ts';
import type {Directive} from './ldirectord-lines.ts';
import type {FallbackServer, ForwardMethod, RealServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';
import {parseTime} from './units.ts';

const curly = /[\u201C\u201D\u201E\u201F\u00AB\u00BB]/g;

/** A number as ldirectord reads it: the first run of digits. Lenient reading honours a unit and says when they differ. */
export function takeNumber(one: Directive, least: number, reporter: Reporter): number | undefined {
  const text = one.value.trim();
  const digits = /\d+/.exec(text)?.[0];
  if (digits === undefined || Number(digits) < least) {
    reporter.error(
      'bad-value',
      one.valueSpan,
      `invalid ${one.name} value "${text}"`,
      `${one.name} takes a whole number, at least ${least}`,
    );
    return undefined;
  }
  if (text !== digits && reporter.mode === 'lenient')
    reporter.add(
      'warning',
      'trailing-text',
      one.valueSpan,
      `${one.name} has more than a number: "${text}"`,
      `read as ${digits}`,
      [{span: one.valueSpan, replacement: digits}],
    );
  return Number(digits);
}

/** Seconds as ldirectord reads them; `500ms` and `2.5s` mean what they say in lenient mode (ours). */
export function takeSeconds(one: Directive, least: number, reporter: Reporter): Millis | undefined {
  const text = one.value.trim();
  if (reporter.mode === 'lenient' && !/^\d+$/.test(text)) {
    const time = parseTime(text);
    if (time !== undefined && time > 0) return time;
  }
  const number = takeNumber(one, least, reporter);
  return number === undefined ? undefined : number * 1_000;
}

export function takeYesNo(one: Directive, reporter: Reporter): boolean | undefined {
  // A carriage return is gone already; any other character counts, as in ldirectord.
  if (one.value === 'yes' || one.value === 'no') return one.value === 'yes';
  const word = one.value.trim().replaceAll('"', '').replace(curly, '').toLowerCase();
  const meant = {yes: true, no: false, true: true, false: false, on: true, off: false}[word];
  if (meant === undefined) {
    reporter.error(
      'bad-value',
      one.valueSpan,
      `${one.name} must be 'yes' or 'no'`,
      `write ${one.name}=yes or ${one.name}=no`,
    );
    return undefined;
  }
  const text = meant ? 'yes' : 'no';
  const span = reporter.span(one.valueSpan.start, one.valueSpan.start + one.value.length);
  return reporter.repair(
    'trailing-text',
    span,
    `${one.name} must be exactly 'yes' or 'no', not "${one.value}"`,
    text,
    [{span, replacement: text}],
  )
    ? meant
    : undefined;
}

/** One of some words; a misspelling with one near word is repaired. */
export function takeWord<T extends string>(
  one: Directive,
  words: readonly T[],
  reporter: Reporter,
): T | undefined {
  const word = /[\w-]+/.exec(one.value)?.[0] ?? '';
  if ((words as readonly string[]).includes(word)) return word as T;
  const near = nearest(word, words) as T | undefined;
  if (near !== undefined && word !== '') {
    const start = one.valueSpan.start + one.value.indexOf(word);
    const span = reporter.span(start, start + word.length);
    return reporter.repair(
      'misspelled',
      span,
      `${one.name} must be one of ${words.join(', ')}, not "${word}"`,
      near,
      [{span, replacement: near}],
    )
      ? near
      : undefined;
  }
  reporter.error(
    'bad-value',
    one.valueSpan,
    `${one.name} must be one of ${words.join(', ')}, not "${one.value.trim()}"`,
    `write ${one.name}=${words[0]}`,
  );
  return undefined;
}

/** A text in double quotes. */
export function takeQuoted(one: Directive, reporter: Reporter): string | undefined {
  const text = one.value.trimEnd();
  const match = /^"(.+)"/.exec(text);
  if (match) return match[1];
  if (text === '""' || text === '') {
    reporter.error(
      'missing-value',
      one.valueSpan,
      `invalid ${one.name}: nothing between the quotes`,
      `write ${one.name}="…", or leave the line out`,
    );
    return undefined;
  }
  if (curly.test(text)) {
    curly.lastIndex = 0;
    const straight = text.replace(curly, '"');
    const inner = /^"(.+)"/.exec(straight)?.[1];
    if (inner !== undefined)
      return reporter.repair(
        'typographic-quote',
        one.valueSpan,
        `${one.name} has a typographic quote; only " closes a text`,
        `"${inner}"`,
        [{span: one.valueSpan, replacement: `"${inner}"`}],
      )
        ? inner
        : undefined;
  }
  curly.lastIndex = 0;
  const bare = text.replace(/^["']/, '').replace(/["']$/, '');
  return reporter.repair(
    'missing-quotes',
    one.valueSpan,
    `${one.name} must be written in double quotes`,
    `"${bare}"`,
    [{span: one.valueSpan, replacement: `"${bare}"`}],
  )
    ? bare
    : undefined;
}

/** A text with or without quotes, up to the line's end. */
export function takeText(one: Directive): string {
  return one.value.trim().replace(/^"(.*)"$/, '$1');
}

const methods: readonly ForwardMethod[] = ['gate', 'masq', 'ipip'];

/** An address of a family, or a name that the resolver knows. */
export function takeHost(text: string, family: 4 | 6, resolver: Resolver): string | undefined {
  return (
    (family === 4 ? ipv4(text) : ipv6(text)) ??
    (/^[\d.:[\]]+$/.test(text) ? undefined : resolver.host(text.replace(/^\[|\]$/g, ''), family))
  );
}

export const takePort = (text: string, protocol: string, resolver: Resolver): number | undefined =>
  portNumber(text) ?? (/^\d+$/.test(text) ? undefined : resolver.service(text, protocol));

/** `HOST[:PORT]` taken apart; brackets hold an IPv6 address. */
export function splitServer(text: string, family: 4 | 6): {host: string; port?: string} {
  const match = family === 6 ? /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) : /^([^:]*)(?::(.*))?$/.exec(text);
  const [, host = text, port] = match ?? [];
  return port === undefined ? {host} : {host, port};
}

/** `real=A[->B][:PORT] METHOD [WEIGHT] ["REQUEST", "RECEIVE"] [l:N] [u:N]`, one real for each address. */
export function takeReals(
  one: Directive,
  family: 4 | 6,
  resolver: Resolver,
  reporter: Reporter,
): RealServer[] {
  const text = one.value.replace(curly, '"').trim();
  const form =
    'real=ADDRESS[->ADDRESS][:PORT] gate|masq|ipip [WEIGHT] ["REQUEST", "RECEIVE"] [l:LOW] [u:HIGH]';
  const match = /^(\S+)(?:\s+(\S+))?(.*)$/.exec(text);
  const [, servers = '', method = '', rest = ''] = match ?? [];
  const complain = (
    code: 'bad-address' | 'bad-method' | 'bad-value' | 'bad-port' | 'unresolved-name',
    message: string,
  ): RealServer[] => {
    reporter.error(code, one.valueSpan, message, form);
    return [];
  };
  if (method === '')
    return complain(
      'bad-method',
      `invalid address for real server (wrong format): "${text}" has no forwarding method`,
    );
  if (!(methods as readonly string[]).includes(method)) {
    const lower = method.toLowerCase();
    const fixed = methods.find((name) => name === lower);
    if (fixed === undefined)
      return complain('bad-method', `forward method must be gate, masq or ipip, not "${method}"`);
    if (
      !reporter.repair(
        'bad-method',
        one.valueSpan,
        `forward method must be written in lower case, not "${method}"`,
        fixed,
        [{span: one.valueSpan, replacement: text.replace(method, fixed)}],
      )
    )
      return [];
  }
  const tail =
    /^(?:\s+(\d+))?(?:\s+"([^"]+)"(?:\s*,\s*|\s+)"([^"]+)")?(?:\s+l:(\d+))?(?:\s+u:(\d+))?\s*$/.exec(rest);
  if (!tail) return complain('bad-value', `Invalid real server line, around "${rest.trim()}"`);
  const [, weight, request, receive, lower, upper] = tail;
  const [firstPart = '', lastPart] = servers.split('->');
  const {host: lastHost, port} = splitServer(lastPart ?? firstPart, family);
  const firstHost = lastPart === undefined ? lastHost : firstPart;
  const number = port === undefined ? 0 : takePort(port, 'tcp', resolver);
  if (number === undefined) return complain('bad-port', `invalid port "${port}" for real server`);
  let addresses: string[];
  if (lastPart !== undefined) {
    const range =
      family === 4 && ipv4(firstHost) && ipv4(lastHost) ? addressRange(firstHost, lastHost) : undefined;
    if (!range) return complain('bad-address', `invalid address range for real server: ${servers}`);
    addresses = range;
  } else {
    const address = takeHost(firstHost, family, resolver);
    if (address === undefined)
      return complain('bad-address', `invalid address or name of real server: ${firstHost}`);
    addresses = [address];
  }
  return addresses.map((address) => ({
    span: one.span,
    address,
    port: number,
    method: method.toLowerCase() as ForwardMethod,
    weight: weight === undefined ? 1 : Number(weight),
    ...(request === undefined
      ? {}
      : {request: request.startsWith('/') || request.includes('://') ? request : `/${request}`}),
    ...(receive === undefined ? {} : {receive}),
    lowerThreshold: Number(lower ?? 0),
    upperThreshold: Number(upper ?? 0),
  }));
}

/** `fallback=HOST[:PORT] [METHOD]`; a weight behind it is not in ldirectord's grammar, but has one reading. */
export function takeFallback(
  one: Directive,
  family: 4 | 6,
  resolver: Resolver,
  reporter: Reporter,
): FallbackServer | undefined {
  const text = one.value.trim();
  const form = 'fallback=ADDRESS[:PORT] [gate|masq|ipip]';
  const [server = '', method = 'gate', ...rest] = text.split(/\s+/);
  const {host, port} = splitServer(server, family);
  const address = takeHost(host, family, resolver);
  if (address === undefined) {
    reporter.error(
      'bad-address',
      one.valueSpan,
      `invalid address or could not resolve for fallback server: ${host}`,
      form,
    );
    return undefined;
  }
  const number = port === undefined ? 0 : takePort(port, 'tcp', resolver);
  if (number === undefined) {
    reporter.error('bad-port', one.valueSpan, `invalid port for fallback server: ${port}`, form);
    return undefined;
  }
  if (!(methods as readonly string[]).includes(method)) {
    reporter.error(
      'bad-method',
      one.valueSpan,
      `forward method must be gate, masq or ipip, not "${method}"`,
      form,
    );
    return undefined;
  }
  let weight = 1;
  if (rest.length > 0) {
    const start = one.valueSpan.start + one.value.lastIndexOf(rest.join(' '));
    const span = reporter.span(start, start + rest.join(' ').length);
    if (rest.length > 1 || !/^\d+$/.test(rest[0] ?? '')) {
      reporter.error(
        'trailing-text',
        span,
        `forward method must be gate, masq or ipip, and nothing behind it: "${rest.join(' ')}"`,
        form,
      );
      return undefined;
    }
    weight = Number(rest[0]);
    // The repaired file must mean the same to ldirectord, whose fallbacks always weigh 1.
    const before = reporter.span(start - 1, span.end);
    if (
      !reporter.repair(
        'fallback-weight',
        span,
        'a fallback has no weight in ldirectord ("forward method must be gate, masq or ipip")',
        `a fallback of weight ${weight}`,
        [{span: before, replacement: ''}],
      )
    )
      return undefined;
  }
  return {span: one.span, address, port: number, method: method as ForwardMethod, weight};
}
