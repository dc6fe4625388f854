/** Host and service names in ldirectord.cf are resolved when the file is read, as ldirectord does. */
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

/** Asks the machine's resolver; undefined: no such name. */
export type LookUp = (name: string, family: 4 | 6) => Promise<string | undefined>;

const askResolver: LookUp = async (name, family) => {
  try {
    return (await lookup(name, {family})).address;
  } catch {
    return undefined;
  }
};

/** Runs `parse` until every host name that it asked for has been looked up (twice at most: names do not breed names). */
export async function withNames<T>(
  parse: (resolver: NameResolver) => T,
  ask: LookUp = askResolver,
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
  if (asked.size === 0) return first;
  await Promise.all(
    [...asked].map(async (key) => {
      const [family, name = ''] = key.split(' ');
      known.set(key, await ask(name, family === '6' ? 6 : 4));
    }),
  );
  return parse(resolver);
}
