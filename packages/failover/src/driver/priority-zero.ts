/** Priority-0 adverts that the supervisor sends in the name of a dead engine, so that the peer need not wait for deadtime. */
import {openAddresses} from '@hactl/net';
import {encodeAdvert} from '../advert.ts';
import {shortHash} from '../auth.ts';
import type {EngineConfig} from '../messages.ts';
import {pathIds, peerPaths} from '../path-id.ts';
import {openStateStore} from './state-store.ts';
import {openTransport} from './transport.ts';

/** Sends a signed advert with a new incarnation and every priority 0 on every path. */
export async function sendPriorityZero(config: EngineConfig, wall: number): Promise<void> {
  const key = config.keys.find((key) => key.id === config.signingKey);
  if (!key) return;
  const addresses = openAddresses();
  const paths = peerPaths(config.paths, new Set(addresses.list().map(({address}) => address)));
  const cluster = shortHash(config.cluster);
  const transport = openTransport(
    paths,
    {cluster, links: addresses.links(), addresses: () => addresses.list()},
    () => false,
  );
  try {
    const incarnation = openStateStore(config.stateDir, wall, () => undefined).nextIncarnation();
    for (const [index, path] of pathIds(paths).entries())
      transport.send(
        index,
        encodeAdvert(
          {
            nodeIndex: config.nodes.indexOf(config.node),
            path,
            ready: false,
            heard: 0,
            cluster,
            node: shortHash(config.node),
            incarnation,
            sequence: 1n,
            echoIncarnation: 0n,
            echoSequence: 0n,
            digest: BigInt(`0x${config.configDigest.slice(0, 16) || '0'}`),
            groups: config.groups.map(({vrid}) => ({
              vrid,
              role: 'Backup',
              priority: 0,
              handover: false,
              claim: false,
              addresses: [],
            })),
          },
          key,
        ),
      );
  } finally {
    // dgram adopts the socket in the next turn; closing it before that would leak it.
    await new Promise((resolve) => setImmediate(resolve));
    transport.close();
    addresses.close();
  }
}
