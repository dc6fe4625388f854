/** Asks whether the peer's machine lives, by ARP: its kernel answers although its director does not run. */
import {isIPv4} from 'node:net';
import type {InterfaceAddress, Link} from '@hactl/net';
import type {Current, Shared} from './current.ts';
import type {Vips} from './vips.ts';

export interface QuestionOptions {
  readonly shared: Pick<Shared, 'current' | 'count' | 'feed'>;
  readonly table: {readonly links: readonly Link[]};
  readonly vips: Pick<Vips, 'list' | 'askWho'>;
  /** The paths on which a node's adverts came, and the addresses they came from. */
  readonly pathsOf: (nodeIndex: number) => readonly (readonly [path: number, address: string])[];
}

const isVip = ({config}: Current, address: string): boolean =>
  config.groups.some(({vips}) => vips.some((vip) => vip.address === address));

export function makeKernelQuestion({shared, table, vips, pathsOf}: QuestionOptions) {
  const {current, count, feed} = shared;
  let addresses: readonly InterfaceAddress[] = [];
  return {
    /** Interfaces or their addresses may have changed. */
    refresh: (): void => {
      addresses = vips.list();
    },
    /** On every IPv4 path that its adverts took. Without an address of its own there, this director asks for none. */
    ask: (nodeIndex: number): void => {
      count('kernel-asked');
      for (const [path, address] of pathsOf(nodeIndex)) {
        const link = table.links.find(({name}) => name === current.config.paths[path]?.device);
        const own = addresses.find(
          ({family, index, address: local}) =>
            family === 4 && index === link?.index && !isVip(current, local),
        );
        if (link && own && isIPv4(address))
          vips.askWho({index: link.index, mac: link.mac, own: own.address, address});
      }
    },
    /** An ARP reply with this sender. */
    heard: (address: string): void => {
      for (const {nodeIndex, kernel} of current.state.peers)
        if (kernel === 'asked' && pathsOf(nodeIndex).some(([, from]) => from === address)) {
          count('kernel-answers');
          feed({type: 'kernel-answers', nodeIndex});
        }
    },
  };
}
