/**
 * The last versions of the configuration in use, and the journal of pushes, in the state directory. Readable by root only:
 * authkeys is included.
 */
import {mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import {replaceFiles, type ConfigFile} from './config-files.ts';

export const VERSIONS_KEPT = 10;
const RECORDS_KEPT = 20;

export interface ConfigVersion {
  readonly number: number;
  readonly wall: number;
  /** `start`, `reload`, `push from director1`, `rollback to 3`. */
  readonly why: string;
  readonly digest: string;
  readonly files: readonly ConfigFile[];
}

/** One push as this director saw it, or a rollback. */
export interface PushRecord {
  readonly id: string;
  readonly wall: number;
  readonly side: 'sent' | 'received' | 'rollback';
  readonly peer: string;
  /** swapping: the files are being replaced; if found at a start, `before` is restored. */
  readonly state: 'prepared' | 'asked' | 'swapping' | 'done' | 'failed' | 'undone' | 'unknown';
  readonly text: string;
  readonly files: readonly ConfigFile[];
  readonly before: readonly ConfigFile[];
}

export type ConfigStore = ReturnType<typeof openConfigStore>;

export function openConfigStore(stateDir: string) {
  const root = path.join(stateDir, 'config');
  const make = (): void => void mkdirSync(root, {recursive: true, mode: 0o700});
  try {
    make();
  } catch {
    // A full or read-only disk: nothing is kept; reported when something should be.
  }

  const names = (): string[] => {
    try {
      return readdirSync(root);
    } catch {
      return [];
    }
  };

  function readAll<T>(prefix: string): T[] {
    return names()
      .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
      .toSorted()
      .flatMap((name) => {
        try {
          return [JSON.parse(readFileSync(path.join(root, name), 'utf8')) as T];
        } catch {
          // Left unfinished by an earlier crash: not a version.
          return [];
        }
      });
  }
  const write = (name: string, content: unknown): void => {
    make();
    replaceFile(path.join(root, name), JSON.stringify(content), 0o600);
  };
  const prune = (prefix: string, keep: number): void => {
    const old = names().filter((name) => name.startsWith(prefix) && name.endsWith('.json'));
    for (const name of old.toSorted().slice(0, -keep)) rmSync(path.join(root, name), {force: true});
  };

  const versions = (): ConfigVersion[] => readAll<ConfigVersion>('version-');
  const nameOf = ({wall, id}: PushRecord): string => `push-${String(wall).padStart(14, '0')}-${id}.json`;

  return {
    versions,
    /** Keeps the configuration in use; if it equals the last version, it is not kept again. */
    keep: (taken: Omit<ConfigVersion, 'number'>): void => {
      const last = versions().at(-1);
      const content = (files: readonly ConfigFile[]): string =>
        JSON.stringify(files.map((file) => [file.path, file.text]));
      if (last && content(last.files) === content(taken.files)) return;
      const number = (last?.number ?? 0) + 1;
      write(`version-${String(number).padStart(6, '0')}.json`, {number, ...taken});
      prune('version-', VERSIONS_KEPT);
    },
    pushes: (): PushRecord[] => readAll<PushRecord>('push-'),
    /** Writes a record, or its next state. */
    note: (record: PushRecord): PushRecord => {
      // Once nothing needs restoring, the texts (possibly authkeys) are not kept twice.
      const over = ['failed', 'undone', 'unknown'].includes(record.state);
      write(nameOf(record), over ? {...record, files: [], before: []} : record);
      prune('push-', RECORDS_KEPT);
      return record;
    },
  };
}

/**
 * Called before the files are read: undoes a swap interrupted by a crash, so that this director starts with its old files.
 * Returns the messages to log.
 */
export function mendSwaps(store: ConfigStore): string[] {
  return store.pushes().flatMap((record) => {
    try {
      return mendSwap(store, record);
    } catch (error) {
      return [`an interrupted push cannot be settled now: ${String(error)}`];
    }
  });
}

function mendSwap(store: ConfigStore, record: PushRecord): string[] {
  {
    const words = {
      sent: `push ${record.id} to`,
      received: `push ${record.id} from`,
      rollback: `rollback ${record.id}`,
    };
    const name = `${words[record.side]} ${record.peer}`.trim();
    if (record.state === 'swapping') {
      replaceFiles(record.before);
      store.note({
        ...record,
        state: 'undone',
        text: 'interrupted by a crash while the files were replaced: undone',
      });
      return [`${name} was interrupted while the files were replaced: they are restored`];
    }
    if (record.state === 'prepared' || record.state === 'asked') {
      const text =
        record.state === 'prepared'
          ? 'interrupted by a crash before it was applied: nothing was changed here'
          : 'interrupted by a crash while the peer was applying it: hactl config history there has the outcome';
      store.note({...record, state: record.state === 'prepared' ? 'failed' : 'unknown', text});
      return [`${name}: ${text}`];
    }
    return [];
  }
}
