/** Servers as ldirectord.cf writes them: reals, ranges of reals, fallbacks. Pure. */
import {addressRange, ipv4, ipv6, portNumber} from './addresses.ts';
import type {Directive} from './ldirectord-lines.ts';
import {curly} from './ldirectord-values.ts';
import type {FallbackServer, ForwardMethod, RealServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

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
