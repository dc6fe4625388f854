/** Host and service names in ldirectord.cf: resolved when the file is read, as ldirectord does, and looked up again later. */
import {lookup} from 'node:dns/promises';
import {readFileSync} from 'node:fs';
import {isIP} from 'node:net';

/** What the parser asks; answers must be at hand, so names are looked up between two passes of the parser. */
export interface NameResolver {
  host(name: string, family: 4 | 6): string | undefined;
  service(name: string, protocol: string): number | undefined;
}

/** Reads /etc/services: `http 80/tcp www`. Aliases count. */
export function parseServices(text: string): Map<string, number> {
  const ports = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, port, ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const match = /^(\d+)\/(\w+)$/.exec(port ?? '');
    if (!name || !match) continue;
    for (const alias of [name, ...aliases]) ports.set(`${alias}/${match[2]}`, Number(match[1]));
  }
  return ports;
}

/** Asks the machine's resolver for all addresses; none: no such name, or nobody to ask. */
export type LookUp = (name: string, family: 4 | 6) => Promise<readonly string[]>;

const askResolver: LookUp = async (name, family) => {
  try {
    return (await lookup(name, {family, all: true})).map(({address}) => address);
  } catch {
    return [];
  }
};

/** `FAMILY NAME` and the address in use. */
export type NameBook = Map<string, string>;

/**
 * Asks for a name again. The address in use stays while it is among the answers (resolvers turn their answers round), and
 * while there is no answer: a resolver that fails must not take a real server out.
 */
async function lookAgain(key: string, inUse: string | undefined, ask: LookUp): Promise<string | undefined> {
  const [family, name = ''] = key.split(' ');
  const found = await ask(name, family === '6' ? 6 : 4);
  return inUse !== undefined && (found.length === 0 || found.includes(inUse)) ? inUse : found[0];
}

/** A name that has moved. */
export interface MovedName {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Which names of the book have another address by now; the book stays as it is. */
export async function movedNames(book: NameBook, ask: LookUp = askResolver): Promise<readonly MovedName[]> {
  const all = await Promise.all(
    [...book].map(async ([key, from]) => ({name: key.slice(2), from, to: await lookAgain(key, from, ask)})),
  );
  return all.flatMap(({name, from, to}) => (to === undefined || to === from ? [] : [{name, from, to}]));
}

/**
 * Runs `parse` until every host name that it asked for has been looked up (twice at most: names do not breed names).
 * `book` brings the addresses in use, and gets those of this time.
 */
export async function withNames<T>(
  parse: (resolver: NameResolver) => T,
  ask: LookUp = askResolver,
  book: NameBook = new Map(),
): Promise<T> {
  let services = new Map<string, number>();
  try {
    services = parseServices(readFileSync('/etc/services', 'utf8'));
  } catch {
    // A machine without /etc/services has no service names: the parser says so at the line that uses one.
  }
  const known = new Map<string, string | undefined>();
  const asked = new Set<string>();
  const resolver: NameResolver = {
    host: (name, family) => {
      if (isIP(name) === family) return name;
      const key = `${family} ${name}`;
      asked.add(key);
      return known.get(key);
    },
    service: (name, protocol) => services.get(`${name}/${protocol}`),
  };
  const first = parse(resolver);
  if (asked.size > 0)
    await Promise.all(
      [...asked].map(async (key) => {
        known.set(key, await lookAgain(key, book.get(key), ask));
      }),
    );
  book.clear();
  for (const [key, address] of known) if (address !== undefined) book.set(key, address);
  return asked.size === 0 ? first : parse(resolver);
}
