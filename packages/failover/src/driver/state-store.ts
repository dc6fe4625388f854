/** State that survives a restart: our incarnation, and the newest advert of each peer. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {replaceFile, replaceFileLater} from '@hactl/base/files';
import {incarnationAfter, plausibleKept} from '../replay.ts';

/** An advert's position in its sender's incarnation. */
export interface Seen {
  readonly incarnation: bigint;
  readonly sequence: bigint;
}

export interface StateStore {
  /** A new incarnation, greater than any before, already on disk unless writing failed. */
  readonly nextIncarnation: () => bigint;
  /** The peer knows a higher one. */
  readonly rememberOwn: (incarnation: bigint) => void;
  readonly seen: (node: string) => Seen;
  /** Saves what was seen from each node, without blocking adverts on the disk. */
  readonly save: (seen: Iterable<readonly [node: string, seen: Seen]>) => void;
  /** Resolves when everything is written. */
  readonly written: () => Promise<void>;
}

const MODE = 0o600;
const nothing: Seen = {incarnation: 0n, sequence: 0n};

/**
 * A number from the file; 0 if it is invalid or out of reach of any director: such a file once locked the pair out for good.
 */
function readIncarnation(text: unknown): bigint {
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) return 0n;
  const incarnation = BigInt(text);
  return plausibleKept(incarnation) ? incarnation : 0n;
}

function readPeers(peers: unknown): Map<string, Seen> {
  const entries = typeof peers === 'object' && peers !== null ? Object.entries(peers) : [];
  return new Map(
    entries.flatMap(([node, text]) => {
      const [first, second = '0'] = String(text).split('.');
      const incarnation = readIncarnation(first);
      const sequence = /^\d{1,15}$/.test(second) ? BigInt(second) : 0n;
      return incarnation === 0n ? [] : [[node, {incarnation, sequence}] as const];
    }),
  );
}

function readKept(file: string): {readonly incarnation?: unknown; readonly peers?: unknown} {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof kept === 'object' && kept !== null ? kept : {};
  } catch {
    // First start, or a damaged file: start from the wall clock.
    return {};
  }
}

/** Opens the store in a directory. `wall`: milliseconds since 1970. Without a writable disk it works in memory. */
export function openStateStore(
  directory: string,
  wall: number,
  complain: (problem: string) => void,
): StateStore {
  const file = path.join(directory, 'failover-state.json');
  const kept = readKept(file);
  const peers = readPeers(kept.peers);
  let remembered = readIncarnation(kept.incarnation);
  let onDisk = '';
  let writing: Promise<void> | undefined;
  let complained = false;
  const text = (): string =>
    JSON.stringify({
      incarnation: String(remembered),
      peers: Object.fromEntries(
        [...peers].map(([node, seen]) => [node, `${seen.incarnation}.${seen.sequence}`]),
      ),
    });
  const failed = (error: unknown): void => {
    if (!complained)
      complain(
        `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}; until it can be written, a restart forgets which adverts were seen`,
      );
    complained = true;
  };

  /** One write at a time, each of the state at its start: an older text never replaces a newer one. */
  async function writeAll(): Promise<void> {
    try {
      for (let now = text(); now !== onDisk; now = text()) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is the point.
        await replaceFileLater(file, now, MODE);
        onDisk = now;
        complained = false;
      }
    } catch (error) {
      failed(error);
    } finally {
      writing = undefined;
    }
  }
  const write = (): void => {
    if (text() !== onDisk) writing ??= writeAll();
  };

  return {
    nextIncarnation: () => {
      const now = BigInt(Math.floor(wall));
      remembered = now > remembered ? now : incarnationAfter(remembered);
      try {
        const first = text();
        replaceFile(file, first, MODE);
        onDisk = first;
      } catch (error) {
        failed(error);
      }
      return remembered;
    },
    rememberOwn: (incarnation) => {
      remembered = incarnation;
      write();
    },
    seen: (node) => peers.get(node) ?? nothing,
    save: (news) => {
      for (const [node, seen] of news) peers.set(node, seen);
      write();
    },
    written: () => writing ?? Promise.resolve(),
  };
}
