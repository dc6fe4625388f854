/** Sends and receives adverts on the currently configured paths. */
import {isDeepStrictEqual} from 'node:util';
import type {Link} from '@hactl/net';
import {encodeAdvert} from '../advert.ts';
import {shortHash} from '../auth.ts';
import {advertOf} from '../machine/advert-of.ts';
import type {EngineConfig} from '../messages.ts';
import {pathIds} from '../path-id.ts';
import type {Current} from './current.ts';
import type {Surroundings} from './strangers.ts';
import {openTransport, type Path, type Transport} from './transport.ts';
import type {Vips} from './vips.ts';

export interface Heartbeat {
  readonly paths: () => readonly Path[];
  /** Sends the current advert on every path. */
  readonly send: () => void;
  readonly reopen: (links: readonly Link[]) => void;
  /** Reopens the paths if the configuration changed them. */
  readonly reconfigure: (previous: EngineConfig) => void;
  readonly close: () => void;
}

const pathsOf = ({paths, cluster}: EngineConfig) => [paths, cluster];

export function makeHeartbeat(
  current: Current,
  table: {readonly links: readonly Link[]},
  vips: Pick<Vips, 'list'>,
  onDatagram: Parameters<typeof openTransport>[2],
): Heartbeat {
  const surroundings = (links: readonly Link[]): Surroundings => ({
    cluster: shortHash(current.config.cluster),
    links,
    addresses: vips.list,
  });
  const open = (): Transport => openTransport(current.config.paths, surroundings(table.links), onDatagram);
  let transport = open();
  return {
    paths: () => transport.paths,
    send: () => {
      const {config, state} = current;
      const key = config.keys.find(({id}) => id === config.signingKey);
      if (!key) return;
      const advert = advertOf(config, state);
      for (const [index, path] of pathIds(config.paths).entries())
        transport.send(index, encodeAdvert({...advert, path}, key));
    },
    reopen: (links) => transport.reopen(surroundings(links)),
    reconfigure: (previous) => {
      if (isDeepStrictEqual(pathsOf(previous), pathsOf(current.config))) return;
      transport.close();
      transport = open();
    },
    close: () => transport.close(),
  };
}
