/** What a virtual line names: an address with a port, or a firewall mark. Pure. */
import type {DiagnosticCode} from './diagnostic.ts';
import type {Directive} from './ldirectord-line.ts';
import {parseHost, parsePort} from './ldirectord-servers.ts';
import type {VirtualAddress} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

/** A virtual line whose protocol is not known yet: a service name as port needs the protocol. */
export type VirtualHead =
  | {readonly kind: 'address'; readonly family: 4 | 6; readonly address: string; readonly port: string}
  | {readonly kind: 'fwmark'; readonly family: 4 | 6; readonly mark: number};

/** The greatest firewall mark: 32 bits. */
const LAST_MARK = 2 ** 32 - 1;

const formOf = (family: 4 | 6): string =>
  family === 6 ? 'virtual6=[ADDRESS]:PORT, or virtual6=MARK' : 'virtual=ADDRESS:PORT, or virtual=MARK';

/** The address of a `virtual=` or `virtual6=` line; ldirectord reads the beginning and ignores the rest. */
export function parseHead(head: Directive, resolver: Resolver, reporter: Reporter): VirtualHead | undefined {
  const family = head.name === 'virtual6' ? 6 : 4;
  const text = head.value.trim();
  const complain = (code: DiagnosticCode, message: string, help = formOf(family)): undefined => {
    reporter.error(code, head.valueSpan, message, help);
  };
  const named = /^([\w.+-]+):([\w-]+)/.exec(text);
  const bracketed = /^(\[[0-9A-Fa-f:]+\]):([\w-]+)/.exec(text);
  if (bracketed && family === 4)
    return complain('bad-address', 'cannot specify an IPv6 address here', 'use virtual6=[ADDRESS]:PORT');
  const match = named ?? bracketed;
  if (!match) return parseMark(head, family, text, complain, reporter);
  const [front, host = '', port = ''] = match;
  const address = parseHost(host, family, head, resolver, reporter);
  if (address === undefined)
    return complain(
      /^[\d.:[\]]+$/.test(host) ? 'bad-address' : 'unresolved-name',
      `invalid address for virtual service: ${host} is neither an address nor a name that resolves`,
    );
  leftover(head, text.slice(front.length), front, reporter);
  return {kind: 'address', family, address, port};
}

function parseMark(
  head: Directive,
  family: 4 | 6,
  text: string,
  complain: (code: DiagnosticCode, message: string, help?: string) => undefined,
  reporter: Reporter,
): VirtualHead | undefined {
  const digits = /^\d+/.exec(text)?.[0];
  if (digits === undefined) return complain('bad-address', `invalid address for virtual service: "${text}"`);
  if (/^[\d.]*[.:]/.test(text))
    return complain(
      'fwmark-without-port',
      `virtual=${text} has no port`,
      `ldirectord would take ${digits} for a firewall mark; write ${head.name}=ADDRESS:PORT`,
    );
  const mark = Number(digits);
  leftover(head, text.slice(digits.length), digits, reporter);
  if (mark >= 1 && mark <= LAST_MARK) return {kind: 'fwmark', family, mark};
  reporter.add(
    'warning',
    'unusable-value',
    head.valueSpan,
    `a packet cannot have the mark ${digits}: the kernel refuses this service, so it is left out`,
    `a mark is a number from 1 to ${LAST_MARK}`,
  );
  return undefined;
}

/** Reports text after the address that is neither read nor a comment. */
function leftover(head: Directive, rest: string, front: string, reporter: Reporter): void {
  if (/^\s*(#|$)/.test(rest)) return;
  reporter.add(
    'warning',
    'trailing-text',
    head.valueSpan,
    `ldirectord does not read "${rest.trim()}" in this line, and neither does hactl`,
    `read as ${head.name}=${front}`,
  );
}

/** The address with its port, now that the protocol is known. undefined: no such service, which is reported. */
export function finishAddress(
  head: Directive,
  from: VirtualHead,
  protocol: 'tcp' | 'udp' | 'fwm' | undefined,
  resolver: Resolver,
  reporter: Reporter,
): VirtualAddress | undefined {
  if (from.kind === 'fwmark') return from;
  const {family, address} = from;
  const plain = from.port === '53' || from.port === 'domain' ? 'udp' : 'tcp';
  const chosen = protocol === 'tcp' || protocol === 'udp' ? protocol : plain;
  const port = parsePort(from.port, [chosen], resolver);
  if (port !== undefined) return {kind: 'address', family, address, port, protocol: chosen};
  reporter.error(
    'bad-port',
    head.valueSpan,
    `invalid address for virtual service: no port "${from.port}"`,
    /^\d+$/.test(from.port)
      ? 'a port is a number up to 65535'
      : `/etc/services has no ${from.port}/${chosen}; write the number, or protocol=${chosen === 'tcp' ? 'udp' : 'tcp'}`,
  );
  return undefined;
}
