/** What must survive a restart: our incarnation, and the highest of each peer. */
import {readFileSync, renameSync, writeFileSync} from 'node:fs';
import path from 'node:path';

export interface StateStore {
  /** A new incarnation, greater than any before, already on disk. */
  nextIncarnation(wall: number): bigint;
  peerIncarnation(node: string): bigint;
  rememberPeer(node: string, incarnation: bigint): void;
}

interface Kept {
  incarnation?: string;
  peers?: Record<string, string>;
}

/** Opens the store in a directory. A file that cannot be read counts as empty: the wall clock then gives the start. */
export function openStateStore(directory: string): StateStore {
  const file = path.join(directory, 'failover-state.json');
  let kept: Kept = {};
  try {
    kept = JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    // First start, or a damaged file.
  }
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(kept), {mode: 0o600});
    renameSync(`${file}.new`, file);
  };
  return {
    nextIncarnation: (wall) => {
      const last = BigInt(kept.incarnation ?? '0');
      const next = BigInt(Math.floor(wall)) > last ? BigInt(Math.floor(wall)) : last + 1n;
      kept = {...kept, incarnation: String(next)};
      save();
      return next;
    },
    peerIncarnation: (node) => BigInt(kept.peers?.[node] ?? '0'),
    rememberPeer: (node, incarnation) => {
      kept = {...kept, peers: {...kept.peers, [node]: String(incarnation)}};
      save();
    },
  };
}
