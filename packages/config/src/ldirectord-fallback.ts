/** The fallback server of ldirectord.cf. Pure. */
import type {DiagnosticCode} from './diagnostic.ts';
import type {Directive} from './ldirectord-line.ts';
import {parseHost, parsePort} from './ldirectord-servers.ts';
import type {FallbackServer, ForwardMethod} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

const methods: readonly string[] = ['gate', 'masq', 'ipip'];
const form = 'fallback=ADDRESS[:PORT] [gate|masq|ipip]';

/** The position of the line decides what its names may mean. */
export interface FallbackPlace {
  readonly family: 4 | 6;
  readonly global: boolean;
  /** Without a protocol, at the top of the file and for a firewall mark, ldirectord takes no service names. */
  readonly portNames: boolean;
}

/** A weight after the method: not in ldirectord's grammar, but unambiguous. Returns the words without it. */
function parseWeight(
  directive: Directive,
  words: readonly string[],
  reporter: Reporter,
): {words: readonly string[]; weight: number} | undefined {
  const last = words.at(-1) ?? '';
  if (words.length < 3 || !/^\d+$/.test(last) || !methods.includes(words.at(-2) ?? ''))
    return {words, weight: 1};
  const start = directive.valueSpan.start + directive.value.trimEnd().length - last.length;
  const span = reporter.span(start, start + last.length);
  // The repaired file must mean the same to ldirectord, whose fallbacks always weigh 1.
  const fix = [{span: reporter.span(start - 1, span.end), replacement: ''}];
  return reporter.repair(
    'fallback-weight',
    span,
    'a fallback has no weight in ldirectord ("forward method must be gate, masq or ipip")',
    `a fallback of weight ${last}`,
    fix,
  )
    ? {words: words.slice(0, -1), weight: Number(last)}
    : undefined;
}

/** `fallback=HOST[:PORT] [METHOD]`. undefined: there is none, or the line is wrong. */
export function parseFallback(
  directive: Directive,
  fallback: FallbackPlace,
  resolver: Resolver,
  reporter: Reporter,
): FallbackServer | undefined {
  const complain = (code: DiagnosticCode, message: string): undefined => {
    reporter.error(code, directive.valueSpan, message, form);
  };
  const written = directive.value.trim().split(/\s+/);
  // ldirectord looks at the last two words only.
  if (/^(:[\w-]+)?$/.test(written.slice(-2)[0] ?? '')) {
    reporter.add('warning', 'missing-value', directive.valueSpan, `${directive.name} names no server`, form);
    return undefined;
  }
  const taken = parseWeight(directive, written, reporter);
  if (!taken) return undefined;
  const [server = '', method = 'gate'] = taken.words.slice(-2);
  const lost = taken.words.slice(0, -2).join(' ');
  if (!methods.includes(method))
    return complain('bad-method', `forward method must be gate, masq or ipip, not "${method}"`);
  const [, host = '', port] = /^(.*?)(?::(\d+|[\w-]+))?$/.exec(server) ?? [];
  const address = parseHost(host, fallback.family, directive, resolver, reporter);
  if (address === undefined)
    return complain(
      /^[\d.:[\]]*$/.test(host) ? 'bad-address' : 'unresolved-name',
      `invalid IPv${fallback.family} address or could not resolve for fallback server: ${host}`,
    );
  const number = port === undefined ? 0 : parsePort(port, ['tcp', 'udp'], resolver);
  if (
    number === undefined ||
    (!fallback.portNames && reporter.mode === 'strict' && !/^\d*$/.test(port ?? ''))
  )
    return complain('bad-port', `invalid port for fallback server: ${port}`);
  if (lost !== '')
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `ldirectord ignores "${lost}" in this line, and so does hactl`,
      form,
    );
  return {span: directive.span, address, port: number, method: method as ForwardMethod, weight: taken.weight};
}
