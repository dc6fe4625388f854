/** Host and service names in ldirectord.cf: resolved when the file is read, as ldirectord does, and looked up again later. */
import {lookup} from 'node:dns/promises';
import {existsSync, readFileSync} from 'node:fs';
import {isIP} from 'node:net';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import type {Diagnostic, Source} from '@hactl/config';
import {NAME_LOOKUP_LIMIT_MS} from '../system/limits.ts';

/** The parser's synchronous lookups: names are resolved between two passes of the parser. */
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

/**
 * Service names for a minimal system without /etc/services (Debian's netbase is not essential): those of the checked services,
 * as registered with IANA.
 */
const WELL_KNOWN_SERVICES = `
  ftp-data 20/tcp\n ftp 21/tcp\n ssh 22/tcp\n telnet 23/tcp\n smtp 25/tcp mail\n domain 53/tcp\n domain 53/udp
  tftp 69/udp\n http 80/tcp www\n pop3 110/tcp pop-3\n sunrpc 111/tcp portmapper\n sunrpc 111/udp portmapper
  nntp 119/tcp readnews untp\n ntp 123/udp\n imap2 143/tcp imap\n snmp 161/tcp\n snmp 161/udp\n ldap 389/tcp
  ldap 389/udp\n https 443/tcp\n https 443/udp\n submissions 465/tcp ssmtp smtps urd\n syslog 514/udp
  submission 587/tcp\n ldaps 636/tcp\n ldaps 636/udp\n domain-s 853/tcp\n rsync 873/tcp\n ftps-data 989/tcp
  ftps 990/tcp\n imaps 993/tcp\n pop3s 995/tcp\n ms-sql-s 1433/tcp\n radius 1812/udp\n radius-acct 1813/udp radacct
  nfs 2049/tcp\n nfs 2049/udp\n nntps 563/tcp snntp\n mysql 3306/tcp\n ms-wbt-server 3389/tcp\n sip 5060/tcp
  sip 5060/udp\n sip-tls 5061/tcp\n sip-tls 5061/udp\n xmpp-client 5222/tcp\n postgresql 5432/tcp postgres
  amqp 5672/tcp\n http-alt 8080/tcp webcache\n http-alt 8080/udp`;

/** The machine's service names; without the file, the well-known ones. */
export function readServiceNames(file = '/etc/services'): Map<string, number> {
  try {
    return parseServices(readFileSync(file, 'utf8'));
  } catch {
    return parseServices(WELL_KNOWN_SERVICES);
  }
}

/** Looks up all addresses; empty: no such name. undefined: no answer, which says nothing about the name. */
export type LookUp = (name: string, family: 4 | 6) => Promise<readonly string[] | undefined>;

/** The machine's resolver. */
export const askResolver: LookUp = async (name, family) => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), NAME_LOOKUP_LIMIT_MS);
  });
  try {
    const found = await Promise.race([lookup(name, {family, all: true}), late]);
    return found?.map(({address}) => address);
  } catch (error) {
    return ['ENOTFOUND', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? '') ? [] : undefined;
  } finally {
    clearTimeout(timer);
  }
};

/** `FAMILY NAME` → the address in use; empty for a name not resolved yet. */
export type NameCache = Map<string, string>;

const NAMES_FILE = 'names.json';

/** The last known addresses of host names, saved so that no start depends on a name server. */
export function readNames(stateDir: string): NameCache {
  try {
    const kept: unknown = JSON.parse(readFileSync(path.join(stateDir, NAMES_FILE), 'utf8'));
    const entries = Object.entries(kept ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && isIP(entry[1]) !== 0,
    );
    return new Map(entries);
  } catch {
    return new Map();
  }
}

/** Throws when they cannot be saved. */
export function keepNames(stateDir: string, cache: NameCache): void {
  const file = path.join(stateDir, NAMES_FILE);
  const text = `${JSON.stringify(Object.fromEntries([...cache].filter(([, address]) => address !== '')))}\n`;
  if (cache.size === 0 ? !existsSync(file) : textOf(file) === text) return;
  replaceFile(file, text, 0o600);
}

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * Looks a name up again. The address in use stays while it is among the answers (resolvers rotate them) and while there is no
 * answer: a failing resolver must not remove a real server.
 */
async function lookAgain(key: string, inUse: string | undefined, ask: LookUp): Promise<string | undefined> {
  const [family, name = ''] = key.split(' ');
  const found = await ask(name, family === '6' ? 6 : 4);
  if (found === undefined) return inUse ?? '';
  return inUse !== undefined && inUse !== '' && (found.length === 0 || found.includes(inUse))
    ? inUse
    : found[0];
}

/** A name that moved, or has its first address (then `from` is empty). */
export interface MovedName {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Which names of the cache have a different address now; the cache is not changed. */
export async function movedNames(cache: NameCache, ask: LookUp = askResolver): Promise<readonly MovedName[]> {
  const all = await Promise.all(
    [...cache].map(async ([key, from]) => ({name: key.slice(2), from, to: await lookAgain(key, from, ask)})),
  );
  return all.flatMap(({name, from, to}) =>
    to === undefined || to === '' || to === from ? [] : [{name, from, to}],
  );
}

export interface NameOptions {
  readonly ask?: LookUp;
  /** In: the addresses in use; out: the new ones. */
  readonly cache?: NameCache;
  /** At a start: names with an address in the cache are not looked up. */
  readonly trustCache?: boolean;
  /** Receives the names that no name server answered for. */
  readonly unavailable?: Set<string>;
  /** Receives the cache keys of names that do not exist. */
  readonly absent?: Set<string>;
  /** Treats a name that does not exist as unanswered: for a start that has nothing better. */
  readonly leaveOutAbsent?: boolean;
}

/** Runs `parse` until every host name it requested has been looked up (at most twice: names do not lead to more names). */
export async function withNames<T>(
  parse: (resolver: NameResolver) => T,
  options: NameOptions = {},
): Promise<T> {
  const {ask = askResolver, cache = new Map<string, string>(), trustCache = false} = options;
  const services = readServiceNames();
  const known = new Map<string, string | undefined>();
  const asked = new Set<string>();
  const resolver: NameResolver = {
    host: (name, family) => {
      if (isIP(name) === family) return name;
      const key = `${family} ${name}`;
      asked.add(key);
      return known.get(key) || undefined;
    },
    service: (name, protocol) => services.get(`${name}/${protocol}`),
  };
  const first = parse(resolver);
  if (asked.size > 0)
    await Promise.all(
      [...asked].map(async (key) => {
        const inUse = cache.get(key);
        const found = trustCache && inUse ? inUse : await lookAgain(key, inUse, ask);
        known.set(key, found ?? (options.leaveOutAbsent === true ? '' : undefined));
        if (found === undefined) options.absent?.add(key);
        if (known.get(key) === '') options.unavailable?.add(key.slice(2));
      }),
    );
  cache.clear();
  for (const [key, address] of known) if (address !== undefined) cache.set(key, address);
  return asked.size === 0 ? first : parse(resolver);
}

/** An unreachable name server is not an error in the file: entries with the name are left out until it answers. */
export function leftOut(
  diagnostic: Diagnostic,
  sources: ReadonlyMap<string, Source>,
  unavailable: ReadonlySet<string>,
): Diagnostic {
  if (diagnostic.code !== 'unresolved-name') return diagnostic;
  const {file, start, end} = diagnostic.span;
  const words = sources.get(file)?.text.slice(start, end) ?? '';
  const name = [...unavailable].find((word) => words.includes(word));
  if (name === undefined) return diagnostic;
  return {
    severity: 'warning',
    code: 'unavailable-name',
    span: diagnostic.span,
    message: `no name server answers for ${name}: it is left out until one does`,
    help: 'write the address, or the name in /etc/hosts, so that no start depends on a name server',
  };
}
