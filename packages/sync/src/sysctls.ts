/** The kernel's IPVS settings (net.ipv4.vs.*): set while the sync runs, restored when it stops. */
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {replaceFile} from '@hactl/base/files';

const ROOT = '/proc/sys/net/ipv4/vs';

/** Names are plain words, so that a path cannot leave the directory. */
const isName = (name: string): boolean => /^[a-z_]+$/.test(name);

/** Normalises white space: the kernel prints `0 2` with a tab. */
const plain = (value: string): string => value.trim().split(/\s+/).join(' ');

/** The kernel's value of one setting now; undefined if there is none of this name. */
export function readSetting(name: string): string | undefined {
  try {
    return plain(readFileSync(`${ROOT}/${name}`, 'latin1'));
  } catch {
    return undefined;
  }
}

export interface Sysctls {
  /** Applies the wanted settings, restores the rest. Returns what the kernel refused, as text. */
  apply(wanted: Readonly<Record<string, string>>): string[];
  /** Restores everything. */
  restore(): void;
}

/** `record` saves the original values, so that after a crash ours are not mistaken for the system's. */
export function openSysctls(record: string | undefined, root = ROOT): Sysctls {
  const found = new Map<string, string>();
  if (record !== undefined)
    try {
      const kept = JSON.parse(readFileSync(record, 'utf8')) as Record<string, string>;
      for (const [name, value] of Object.entries(kept)) if (isName(name)) found.set(name, value);
    } catch {
      // No record: nothing was changed before.
    }
  const keep = (): void => {
    if (record === undefined) return;
    if (found.size === 0) rmSync(record, {force: true});
    else replaceFile(record, JSON.stringify(Object.fromEntries(found)), 0o600);
  };
  const read = (name: string): string => plain(readFileSync(`${root}/${name}`, 'latin1'));
  const write = (name: string, value: string): void => writeFileSync(`${root}/${name}`, value);
  const restore = (name: string): void => {
    try {
      write(name, found.get(name) ?? '');
    } catch {
      // The module was unloaded, and its settings with it.
    }
    found.delete(name);
  };

  return {
    apply: (wanted) => {
      const refused: string[] = [];
      for (const name of found.keys()) if (wanted[name] === undefined) restore(name);
      for (const [name, value] of Object.entries(wanted)) {
        if (!isName(name)) continue;
        try {
          const current = read(name);
          if (current === plain(value)) continue;
          if (!found.has(name)) found.set(name, current);
          keep();
          write(name, value);
        } catch (error) {
          const {code} = error as NodeJS.ErrnoException;
          refused.push(
            code === 'ENOENT'
              ? `this kernel has no net.ipv4.vs.${name}`
              : `net.ipv4.vs.${name} = ${value}: ${code}`,
          );
        }
      }
      keep();
      return refused;
    },
    restore: () => {
      for (const name of found.keys()) restore(name);
      keep();
    },
  };
}
