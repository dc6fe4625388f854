/** Watches maintenance directories with inotify: sees a change at once, and reads nothing while nothing changes. */
import {watch, type FSWatcher} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {lookupService} from 'node:dns/promises';
import path from 'node:path';
import type {LdirectordConfig} from '@hactl/config';
import {needsHostNames} from './maintenance.ts';
import type {MaintenanceFiles} from './slice.ts';
import type {Log} from '../system/log.ts';

/** Retry interval for a missing directory, or one whose watcher died. */
const MISSING_AGAIN = 5_000;
/** How long a host name found for an address is cached. */
const NAMES_FOR = 300_000;

export interface MaintenanceWatch {
  /** Watches the maintenance directories of these files, and looks up the host names of their real servers. */
  configure(files: readonly LdirectordConfig[]): void;
  close(): void;
}

/** `changed` receives the files and names whenever either differs from before. */
export function watchMaintenance(options: {
  readonly log: Log;
  readonly changed: (maintenance: MaintenanceFiles) => void;
  readonly now: () => number;
}): MaintenanceWatch {
  const {log, now} = options;
  const nothing: ReadonlySet<string> = new Set();
  const folders = new Map<
    string,
    {files: ReadonlySet<string>; watcher?: FSWatcher; timer?: NodeJS.Timeout; missing: boolean}
  >();
  const names = new Map<string, {names: readonly string[]; at: number}>();
  let known: readonly string[] = [];
  const changed = (): void =>
    options.changed({
      files: new Map([...folders].map(([directory, {files}]) => [directory, files])),
      hostNames: new Map([...names].map(([address, found]) => [address, found.names])),
    });

  async function findNames(): Promise<void> {
    const wanted = [...folders.values()].some(({files}) => needsHostNames(files));
    if (!wanted) return;
    const stale = known.filter((address) => (names.get(address)?.at ?? -Infinity) < now() - NAMES_FOR);
    await Promise.all(
      stale.map(async (address) => {
        const found = await lookupService(address, 0).then(
          ({hostname}) => (hostname === address ? [] : [hostname]),
          () => [],
        );
        names.set(address, {names: found, at: now()});
      }),
    );
    if (stale.length > 0) changed();
  }

  async function read(directory: string): Promise<void> {
    const folder = folders.get(directory);
    if (!folder) return;
    try {
      const files = new Set(await readdir(directory));
      folder.missing = false;
      const same = files.size === folder.files.size && [...files].every((name) => folder.files.has(name));
      folder.files = files;
      if (!folder.watcher) follow(directory);
      if (!same) {
        changed();
        await findNames();
      }
    } catch {
      if (!folder.missing) log('warn', `maintenance directory ${directory} does not exist`);
      folder.missing = true;
      const had = folder.files.size > 0;
      folder.files = nothing;
      lose(directory);
      if (had) changed();
    }
  }

  /** A directory without a watcher is read again later. */
  function lose(directory: string): void {
    const folder = folders.get(directory);
    if (!folder) return;
    folder.watcher?.close();
    delete folder.watcher;
    clearTimeout(folder.timer);
    folder.timer = setTimeout(() => void read(directory), MISSING_AGAIN);
    folder.timer.unref();
  }

  function follow(directory: string): void {
    const folder = folders.get(directory);
    if (!folder) return;
    const watcher = watch(directory, {persistent: false}, (_, name) => {
      // The directory was removed or replaced: this watcher no longer sees anything.
      if (name === path.basename(directory)) lose(directory);
      void read(directory);
    });
    watcher.on('error', () => lose(directory));
    folder.watcher = watcher;
    // Files created between the read and the watch.
    void read(directory);
  }

  const forget = (directory: string): void => {
    const folder = folders.get(directory);
    folder?.watcher?.close();
    clearTimeout(folder?.timer);
    folders.delete(directory);
  };

  return {
    configure: (files) => {
      const watched = files.filter(({maintenanceDir}) => maintenanceDir !== undefined);
      const directories = watched.flatMap(({maintenanceDir}) => maintenanceDir ?? []);
      known = [
        ...new Set(
          watched.flatMap(({virtuals}) => virtuals.flatMap(({reals}) => reals.map(({address}) => address))),
        ),
      ];
      for (const directory of folders.keys()) if (!directories.includes(directory)) forget(directory);
      for (const directory of directories) {
        if (folders.has(directory)) continue;
        folders.set(directory, {files: nothing, missing: false});
        void read(directory);
      }
      void findNames();
    },
    close: () => {
      for (const directory of folders.keys()) forget(directory);
    },
  };
}
