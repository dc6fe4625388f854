/** Received adverts: decoded, checked for replay, and fed to the machine. */
import {decodeAdvert, type Advert} from '../advert.ts';
import {believedKeys, shortHash} from '../auth.ts';
import {signedPath} from '../path-id.ts';
import {acceptSequence, initialReplay, plausibleAdvert, withoutFloor, type ReplayState} from '../replay.ts';
import type {Shared} from './current.ts';
import type {StateStore} from './state-store.ts';

export function makeReceiver({current, count, feed}: Shared, store: StateStore) {
  const {nodes} = current.config;
  const replay = new Map<number, ReplayState>(
    nodes.map((node, nodeIndex) => {
      const {incarnation, sequence} = store.seen(node);
      return [nodeIndex, initialReplay(incarnation, sequence)];
    }),
  );
  /** Source addresses of accepted adverts, by node and path. */
  const sources = new Map<string, string>();

  /** Saves the newest advert of each peer across restarts. */
  function save(): void {
    store.save(
      current.config.nodes.flatMap((node, nodeIndex) => {
        const seen = replay.get(nodeIndex);
        return seen && seen.incarnation > 0n
          ? [[node, {incarnation: seen.incarnation, sequence: seen.newest}] as const]
          : [];
      }),
    );
  }

  function onAdvert(advert: Advert, arrived: number, from: string, waited: number): void {
    const {config} = current;
    const name = config.nodes[advert.nodeIndex];
    if (name === undefined || shortHash(name) !== advert.node) return count('fault-unknown-node');
    const before = replay.get(advert.nodeIndex) ?? initialReplay();
    if (!plausibleAdvert(advert, before.incarnation, current.state.incarnation))
      return count('fault-implausible');
    const path = signedPath(config.paths, advert.path, arrived);
    if (path === undefined) return count('fault-path');
    const heard = {...advert, path};
    const accepted = acceptSequence(withoutFloor(before, heard, current.state.incarnation), heard);
    if (!accepted.ok) {
      // A broadcast reaches every socket of its port.
      if (path === arrived) count(`fault-${accepted.fault.code}`);
      return;
    }
    replay.set(advert.nodeIndex, accepted.value);
    sources.set(`${advert.nodeIndex} ${path}`, from);
    // Written at once for a new incarnation of the peer, where it matters most.
    if (accepted.value.incarnation !== before.incarnation) save();
    feed({type: 'advert', advert: heard, waited});
  }

  /** The paths on which adverts of this node were accepted, and the addresses they came from. */
  const pathsOf = (nodeIndex: number): (readonly [path: number, address: string])[] =>
    [...sources].flatMap(([key, from]) => {
      const [node, path] = key.split(' ').map(Number);
      return node === nodeIndex && path !== undefined ? [[path, from] as const] : [];
    });

  return {
    save,
    /** Whether another host sent it: the kernel loops our own broadcasts and multicasts back. */
    onDatagram: (path: number, bytes: Buffer, from: string, waited = 0): boolean => {
      const {config, state} = current;
      const decoded = decodeAdvert(
        bytes,
        shortHash(config.cluster),
        believedKeys(config.keys, config.signingKey),
      );
      if (!decoded.ok) count(`fault-${decoded.fault.code}`);
      else if (decoded.value.nodeIndex === state.nodeIndex && decoded.value.node === shortHash(config.node))
        return false;
      else onAdvert(decoded.value, path, from, waited);
      return true;
    },
    pathsOf,
    sourcesOf: (nodeIndex: number): string[] => [...new Set(pathsOf(nodeIndex).map(([, from]) => from))],
  };
}
