/** /proc/net/ip_vs_conn, the kernel's only list of connections, as `ipvsadm -L -c` prints it. Pure. */
import {isReservedAddress, type Transport} from '@hactl/ipvs';
import {addressText} from '@hactl/net';
import {endpointText} from './endpoint-text.ts';
import type {ShownNames} from './names.ts';

export interface Connection {
  /** `TCP`, `UDP`, `SCTP`; `IP` for the template of a firewall mark. */
  readonly protocol: string;
  readonly source: readonly [address: string, port: number];
  readonly virtual: readonly [address: string, port: number];
  readonly destination: readonly [address: string, port: number];
  readonly state: string;
  /** Seconds. */
  readonly expires: number;
  readonly engine?: string;
  readonly engineData?: string;
}

const address = (hex: string): string => addressText(Buffer.from(hex.replaceAll(':', ''), 'hex'));

/** Parses the file; its first line is a header. */
export function readConnections(text: string): Connection[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): Connection[] => {
      const [protocol, from, fromPort, to, toPort, real, realPort, state, expires, engine, engineData] = line
        .trim()
        .split(/\s+/);
      if (!protocol || !from || !to || !real || !state || expires === undefined) return [];
      // Connection sync's internal entries.
      if (isReservedAddress(address(to))) return [];
      const port = (hex = ''): number => Number.parseInt(hex, 16);
      return [
        {
          protocol,
          source: [address(from), port(fromPort)],
          virtual: [address(to), port(toPort)],
          destination: [address(real), port(realPort)],
          state,
          expires: Number(expires),
          ...(engine === undefined ? {} : {engine}),
          ...(engineData === undefined ? {} : {engineData}),
        },
      ];
    });
}

const transports: Readonly<Record<string, Transport>> = {TCP: 'tcp', UDP: 'udp', SCTP: 'sctp'};

const two = (value: number): string => String(value).padStart(2, '0');

/** `persistence`: include persistence engine data (`--persistent-conn`). `names` undefined: `-n`. */
export function renderConnections(
  connections: readonly Connection[],
  persistence: boolean,
  names: ShownNames | undefined,
): string {
  const title = 'pro expire state       source             virtual            destination';
  const rows = connections.map((connection) => {
    const text = ([host, port]: Connection['source']): string =>
      endpointText(host, port, transports[connection.protocol], names);
    const time = `${two(Math.floor(connection.expires / 60))}:${two(connection.expires % 60)}`;
    const start = `${connection.protocol.padEnd(3)} ${time}  ${connection.state.padEnd(11)}`;
    const line = `${start} ${text(connection.source).padEnd(18)} ${text(connection.virtual).padEnd(18)} `;
    return persistence && connection.engine !== undefined
      ? `${line}${text(connection.destination).padEnd(16)} ${connection.engine.padEnd(18)} ${connection.engineData ?? ''}`
      : line + text(connection.destination);
  });
  return [
    'IPVS connection entries',
    persistence ? `${title}        pe name          pe_data` : title,
    ...rows,
  ]
    .map((line) => `${line}\n`)
    .join('');
}
