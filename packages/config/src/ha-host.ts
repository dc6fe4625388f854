/** Hosts of ha.cf: addresses, and names as heartbeat's plugins look them up. Pure: the resolver is handed in. */
import {ipv4, ipv6} from './addresses.ts';
import type {Word} from './ha-line.ts';
import type {Reporter, Resolver} from './reader.ts';

const isName = (text: string): boolean =>
  text.length <= 253 &&
  /^[a-z\d](?:[\w-]*[a-z\d])?(?:\.[a-z\d](?:[\w-]*[a-z\d])?)*\.?$/i.test(text) &&
  /[a-z]/i.test(text);

/**
 * The address of a word; without a resolver, names are refused. A name that does not resolve is no error, because a start must not depend on a name server: it is left out with
 * a warning. undefined: no address, which has been reported.
 */
export function parseHost(
  word: Word,
  form: string,
  resolver: Pick<Resolver, 'host'> | undefined,
  reporter: Reporter,
): string | undefined {
  const {text, span} = word;
  const address = ipv4(text) ?? ipv6(text);
  if (address !== undefined) return address;
  if (!resolver || !isName(text)) {
    reporter.error('bad-address', span, `"${text}" is not an address`, form);
    return undefined;
  }
  const found = resolver.host(text, 4) ?? resolver.host(text, 6);
  if (found === undefined)
    reporter.add(
      'warning',
      'unresolved-name',
      span,
      `"${text}" is not an address, and as a name it does not resolve: it is left out`,
      'write the address, or add the name to /etc/hosts, so that no start depends on a name server',
    );
  return found;
}
