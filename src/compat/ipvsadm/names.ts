/** Names of hosts and services: the lookups of parser and renderer, resolved in advance. Pure. */
import type {Transport} from '@hactl/ipvs';

/** /etc/services, parsed. */
export interface ServiceNames {
  port(name: string, protocol: Transport): number | undefined;
  name(port: number, protocol: Transport): string | undefined;
}

/** Parses /etc/services. The first match wins, and aliases only map to ports, as in getservbyname. */
export function readServices(text: string): ServiceNames {
  const ports = new Map<string, number>();
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, target, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const found = /^(\d+)\/(\w+)$/.exec(target ?? '');
    if (name === undefined || !found) continue;
    const [port, protocol] = [Number(found[1]), found[2] ?? ''];
    if (!names.has(`${port}/${protocol}`)) names.set(`${port}/${protocol}`, name);
    for (const alias of [name, ...aliases])
      if (!ports.has(`${alias}/${protocol}`)) ports.set(`${alias}/${protocol}`, port);
  }
  return {
    port: (name, protocol) => ports.get(`${name}/${protocol}`),
    name: (port, protocol) => names.get(`${port}/${protocol}`),
  };
}

/** The names known to the parser. An unknown host is looked up: see `Lookup` in arguments.ts. */
export interface KnownNames {
  readonly services: ServiceNames;
  /** Host name to IPv4 address; null: not found. */
  readonly hosts: ReadonlyMap<string, string | null>;
}

/** The names known to the renderer; without it everything is printed numerically (`-n`). */
export interface ShownNames {
  readonly services: ServiceNames;
  /** Address to host name. */
  readonly hosts: ReadonlyMap<string, string>;
}
