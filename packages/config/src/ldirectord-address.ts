/** What a virtual line names: an address with a port, or a firewall mark. Pure. */
import {ipv4, ipv6} from './addresses.ts';
import type {Directive} from './ldirectord-lines.ts';
import {takeHost, takePort} from './ldirectord-servers.ts';
import type {VirtualAddress} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

/** The address of a `virtual=` or `virtual6=` line. */
export function takeAddress(
  head: Directive,
  resolver: Resolver,
  reporter: Reporter,
): VirtualAddress | undefined {
  const family = head.name === 'virtual6' ? 6 : 4;
  const text = head.value.trim().split(/\s/)[0] ?? '';
  const form =
    family === 6 ? 'virtual6=[ADDRESS]:PORT, or virtual6=MARK' : 'virtual=ADDRESS:PORT, or virtual=MARK';
  const complain = (
    code: 'bad-address' | 'bad-port' | 'fwmark-without-port',
    message: string,
    help = form,
  ): undefined => {
    reporter.error(code, head.valueSpan, message, help);
  };
  if (/^\d+$/.test(text) && Number(text) > 0) return {kind: 'fwmark', family, mark: Number(text)};
  if (family === 4 && text.startsWith('['))
    return complain('bad-address', 'cannot specify an IPv6 address here', 'use virtual6=[ADDRESS]:PORT');
  const match = family === 6 ? /^(\[[^\]]+\]):(\S+)$/.exec(text) : /^([^:]+):(\S+)$/.exec(text);
  if (!match) {
    if (ipv4(text) !== undefined || ipv6(text) !== undefined)
      return complain(
        'fwmark-without-port',
        `virtual=${text} has no port`,
        `ldirectord would take the digits before the first dot for a firewall mark; write virtual=${text}:PORT`,
      );
    return complain('bad-address', `invalid address for virtual service: "${text}"`);
  }
  const [, host = '', port = ''] = match;
  const address = takeHost(host, family, resolver);
  if (address === undefined)
    return complain(
      'bad-address',
      `invalid address for virtual service: ${host} is neither an address nor a name that resolves`,
    );
  const number = takePort(port, 'tcp', resolver) ?? takePort(port, 'udp', resolver);
  if (number === undefined)
    return complain('bad-port', `invalid address for virtual service: no port "${port}"`);
  return {kind: 'address', family, address, port: number, protocol: number === 53 ? 'udp' : 'tcp'};
}
