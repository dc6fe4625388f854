/**
 * hactl's own ha.cf directives for the channel between the supervisors: `hactl_peer`, `hactl_peer_port`, `hactl_push`. Pure.
 */
import {parseHost} from './ha-host.ts';
import type {HaLine} from './ha-line.ts';
import type {HaConfig} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

/** heartbeat's port with a digit appended. */
export const DEFAULT_PEER_PORT = 6_944;

type PeerSettings = {-readonly [Key in keyof Pick<HaConfig['hactl'], 'peerPort' | 'peerAddresses' | 'push'>]: HaConfig['hactl'][Key]}; // prettier-ignore

/** Parses one of them into `own`. */
export function parsePeer(
  line: HaLine,
  settings: PeerSettings,
  resolver: Pick<Resolver, 'host'> | undefined,
  reporter: Reporter,
): void {
  if (line.name === 'hactl_peer_port') {
    if (!line.wants('PORT')) return;
    const port = Number(line.value);
    if (/^\d+$/.test(line.value) && port <= 65_535) settings.peerPort = port;
    else
      line.wrong(
        `"${line.value}" is not a port`,
        'a number from 1 to 65535, or 0 for no connection to the peer',
      );
    return;
  }
  if (line.name === 'hactl_push') {
    const push = line.boolean();
    if (push !== undefined) settings.push = push;
    return;
  }
  if (!line.wants('ADDRESS…')) return;
  for (const word of line.rest) {
    const address = parseHost(word, 'hactl_peer ADDRESS…', resolver, reporter);
    if (address !== undefined) settings.peerAddresses = [...settings.peerAddresses, address];
  }
}
