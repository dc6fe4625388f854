/** What must survive a restart: our incarnation, and the newest advert of each peer. */
import {readFileSync, renameSync, writeFileSync} from 'node:fs';
import {rename, writeFile} from 'node:fs/promises';
import path from 'node:path';

/** An advert's place in its sender's life. */
export interface Seen {
  readonly incarnation: bigint;
  readonly sequence: bigint;
}

export interface StateStore {
  /** A new incarnation, greater than any before, already on disk. */
  nextIncarnation(wall: number): bigint;
  /** The peer knows a higher one. */
  rememberOwn(incarnation: bigint): void;
  seen(node: string): Seen;
  /** Remembers what was seen of each node, without keeping the adverts waiting for the disk. */
  save(seen: Iterable<readonly [node: string, seen: Seen]>): void;
}

interface Kept {
  incarnation?: string;
  /** Incarnation, or incarnation and sequence with a dot between them. */
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
  const peers = new Map<string, Seen>();
  let [written, writing] = ['', false];
  for (const [node, text] of Object.entries(kept.peers ?? {})) {
    const [, incarnation = '0', sequence = '0'] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
    peers.set(node, {incarnation: BigInt(incarnation), sequence: BigInt(sequence)});
  }
  const text = (): string =>
    JSON.stringify({
      incarnation: kept.incarnation,
      peers: Object.fromEntries(
        [...peers].map(([node, seen]) => [node, `${seen.incarnation}.${seen.sequence}`]),
      ),
    });
  const saveNow = (): void => {
    writeFileSync(`${file}.new`, text(), {mode: 0o600});
    renameSync(`${file}.new`, file);
  };
  return {
    nextIncarnation: (wall) => {
      const last = BigInt(kept.incarnation ?? '0');
      const next = BigInt(Math.floor(wall)) > last ? BigInt(Math.floor(wall)) : last + 1n;
      kept = {...kept, incarnation: String(next)};
      saveNow();
      return next;
    },
    rememberOwn: (incarnation) => {
      kept = {...kept, incarnation: String(incarnation)};
      saveNow();
    },
    seen: (node) => peers.get(node) ?? {incarnation: 0n, sequence: 0n},
    save: (news) => {
      for (const [node, seen] of news) peers.set(node, seen);
      const now = text();
      if (now === written || writing) return;
      [written, writing] = [now, true];
      void writeFile(`${file}.later`, now, {mode: 0o600})
        .then(() => rename(`${file}.later`, file))
        .catch(() => {
          // A full disk costs replay protection across the next restart, not the service of now.
          written = '';
        })
        .finally(() => {
          writing = false;
        });
    },
  };
}
