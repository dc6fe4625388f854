/** Servers as written in ldirectord.cf: real servers, ranges of them, fallbacks. Pure. */
import {addressRange, hostOf, ipv4, oldIpv4, portNumber} from './addresses.ts';
import type {DiagnosticCode} from './diagnostic.ts';
import type {Directive} from './ldirectord-line.ts';
import {checkExpression, curly} from './ldirectord-values.ts';
import type {ForwardMethod, RealServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

const methods: readonly ForwardMethod[] = ['gate', 'masq', 'ipip'];
const isMethod = (word: string): word is ForwardMethod => (methods as readonly string[]).includes(word);

/** A port number, or a service name of one of the protocols. */
export function parsePort(
  text: string,
  protocols: readonly string[],
  resolver: Resolver,
): number | undefined {
  if (/^\d+$/.test(text)) return portNumber(text);
  return protocols.map((protocol) => resolver.service(text, protocol)).find((port) => port !== undefined);
}

/** An address or a name that resolves; an address in an old form is read as the C library reads it, with a warning. */
export function parseHost(
  text: string,
  family: 4 | 6,
  directive: Directive,
  resolver: Resolver,
  reporter: Reporter,
): string | undefined {
  const host = hostOf(text, family, resolver);
  if (host !== undefined && family === 4 && ipv4(text) === undefined && oldIpv4(text) !== undefined)
    reporter.add(
      'warning',
      'bad-address',
      directive.valueSpan,
      `${text} is not written as four numbers from 0 to 255`,
      `read as ${host}, as the C library does for ldirectord`,
    );
  return host;
}

/** `ADDRESS[->ADDRESS][:PORT]` and a blank; ldirectord looks for it anywhere in the value. */
const server =
  /(\d+\.\d+\.\d+\.\d+|[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?:->(\d+\.\d+\.\d+\.\d+|[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]))?(?::(\d+|[\w-]+))?\s+(.*)/;

const realForm =
  'real=ADDRESS[->ADDRESS][:PORT] gate|masq|ipip [WEIGHT] ["REQUEST", "RECEIVE"] [l:LOW] [u:HIGH]';

/** The part of a real line after the address. */
interface Tail {
  readonly method: ForwardMethod;
  readonly weight: number;
  readonly request?: string;
  readonly receive?: string;
  readonly lower: number;
  readonly upper: number;
  /** Text that ldirectord ignores. */
  readonly skipped: string;
}

/**
 * ldirectord searches for each part in turn and continues after it; text before a part is silently ignored.
 * undefined: there is text left at the end.
 */
function searchTail(method: ForwardMethod, text: string): Tail | undefined {
  let rest = text;
  const skipped: string[] = [];
  const find = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = pattern.exec(rest) ?? undefined;
    if (!match) return undefined;
    skipped.push(rest.slice(0, match.index));
    rest = rest.slice(match.index + match[0].length);
    return match;
  };
  const weight = find(/\s+(\d+)/)?.[1];
  const pair = find(/\s+"(.*)"[, \t]\s*"(.*)"/);
  const lower = find(/\s+l:(\d+)/)?.[1];
  const upper = find(/\s+u:(\d+)/)?.[1];
  // After a request that starts with a slash ldirectord reads nothing more, not even the receive: its bug, not copied here.
  if (pair?.[1]?.startsWith('/')) skipped.push(rest);
  else if (rest.trim() !== '') return undefined;
  return {
    method,
    weight: Number(weight ?? 1),
    ...(pair?.[1] ? {request: pair[1]} : {}),
    ...(pair?.[2] ? {receive: pair[2]} : {}),
    lower: Number(lower ?? 0),
    upper: Number(upper ?? 0),
    skipped: skipped.join('').trim(),
  };
}

/** The same by the manual's grammar: digits inside quotes are not a weight. */
function plainTail(method: ForwardMethod, text: string): Tail | undefined {
  const match =
    /^(?:\s+(\d+))?(?:\s+"([^"]+)"(?:\s*,\s*|\s+)"([^"]+)")?(?:\s+l:(\d+))?(?:\s+u:(\d+))?\s*$/.exec(text);
  if (!match) return undefined;
  const [, weight, request, receive, lower, upper] = match;
  return {
    method,
    weight: Number(weight ?? 1),
    ...(request === undefined ? {} : {request}),
    ...(receive === undefined ? {} : {receive}),
    lower: Number(lower ?? 0),
    upper: Number(upper ?? 0),
    skipped: '',
  };
}

function parseMethod(directive: Directive, word: string, reporter: Reporter): ForwardMethod | undefined {
  if (isMethod(word)) return word;
  const lower = word.toLowerCase();
  if (!isMethod(lower)) {
    reporter.error(
      'bad-method',
      directive.valueSpan,
      `forward method must be gate, masq or ipip, not "${word}"`,
      realForm,
    );
    return undefined;
  }
  const start = directive.valueSpan.start + directive.value.indexOf(word);
  const span = reporter.span(start, start + word.length);
  const fix = [{span, replacement: lower}];
  const message = `forward method must be written in lower case, not "${word}"`;
  return reporter.repair('bad-method', span, message, lower, fix) ? lower : undefined;
}

/** `real=A[->B][:PORT] METHOD [WEIGHT] ["REQUEST", "RECEIVE"] [l:N] [u:N]`, one real server per address. */
export function parseReals(
  directive: Directive,
  family: 4 | 6,
  resolver: Resolver,
  reporter: Reporter,
): RealServer[] {
  const lenient = reporter.mode === 'lenient';
  const value = lenient ? directive.value.replace(curly, '"') : directive.value;
  const complain = (code: DiagnosticCode, message: string): RealServer[] => {
    reporter.error(code, directive.valueSpan, message, realForm);
    return [];
  };
  const found = server.exec(value);
  const [, first = '', last, port, flags = ''] = found ?? [];
  const named = /(\w+)(.*)/.exec(flags);
  if (!found || !named)
    return complain(
      found || !/\s/.test(value.trim()) ? 'bad-method' : 'bad-address',
      `invalid address for real server (wrong format): "${value.trim()}"`,
    );
  const method = parseMethod(directive, named[1] ?? '', reporter);
  if (method === undefined) return [];
  const rest = named[2] ?? '';
  const searched = searchTail(method, rest);
  const tail = searched ?? (lenient ? plainTail(method, rest) : undefined);
  if (!tail) return complain('bad-value', `Invalid real server line, around "${rest.trim()}"`);
  if (!searched)
    reporter.add(
      'notice',
      'trailing-text',
      directive.valueSpan,
      'ldirectord refuses this line: it reads the digits inside the quotes as the weight',
      'read as the manual defines it',
    );
  const lost = `${value.slice(0, found.index)} ${flags.slice(0, named.index)} ${tail.skipped}`.trim();
  if (lost !== '')
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `ldirectord ignores "${lost}" in this line, and so does hactl`,
      realForm,
    );
  const number = port === undefined ? 0 : parsePort(port, ['tcp', 'udp'], resolver);
  if (number === undefined) return complain('bad-port', `invalid port "${port}" for real server`);
  const from = parseHost(first, family, directive, resolver, reporter);
  const to = last === undefined ? undefined : parseHost(last, family, directive, resolver, reporter);
  if (from === undefined)
    return complain(
      /^[\d.:[\]]+$/.test(first) ? 'bad-address' : 'unresolved-name',
      `invalid address (${first}) for real server (could not resolve host)`,
    );
  if (last !== undefined && (to === undefined || family === 6))
    return complain(
      'bad-address',
      family === 6
        ? 'Address range for IPv6 is not supported yet'
        : `invalid address (${last}) for real server (could not resolve end host)`,
    );
  const addresses = to === undefined ? [from] : addressRange(from, to);
  if (!addresses)
    return complain(
      'bad-address',
      `Invalid Range: ${from}-${to}: from the lower to the higher address, at most 65536 of them`,
    );
  const {request, receive} = tail;
  if (receive !== undefined) checkExpression(receive, directive, reporter);
  return addresses.map((address) => ({
    span: directive.span,
    address,
    port: number,
    method,
    weight: tail.weight,
    ...(request === undefined
      ? {}
      : {request: request.startsWith('/') || request.includes('://') ? request : `/${request}`}),
    ...(receive === undefined ? {} : {receive}),
    lowerThreshold: tail.lower,
    upperThreshold: tail.upper,
  }));
}
