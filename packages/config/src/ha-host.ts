/** Hosts of ha.cf: addresses, and names as heartbeat's plugins look them up. Pure: the resolver is handed in. */
import {ipv4, ipv6} from './addresses.ts';
import type {Word} from './ha-line.ts';
import type {Reporter, Resolver} from './reader.ts';

const isName = (text: string): boolean =>
  text.length <= 253 &&
  /^[a-z\d](?:[\w-]*[a-z\d])?(?:\.[a-z\d](?:[\w-]*[a-z\d])?)*\.?$/i.test(text) &&
  /[a-z]/i.test(text);

/**
 * The address of a word; without a resolver names are refused. A name that has none now is no error: no start may depend on a name server. It is left out with
 * a warning. undefined: there is none, and that has been said.
 */
export function takeHost(
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
      `"${text}" is not an address, and as a name it has none now: it is left out`,
      'write the address, or add the name to /etc/hosts: then nothing depends on a name server',
    );
  return found;
}
