/** Foreign configuration as the importers want it: with this machine's names, addresses and files. */
import {globSync, readFileSync, statSync} from 'node:fs';
import os from 'node:os';
import {importConfig, type ImportContext, type ImportKind, type ImportResult} from '@hactl/config';
import {withNames} from '../configuration/names.ts';

export interface ImportWishes {
  readonly from?: ImportKind;
  readonly node?: string;
  readonly peer?: string;
  readonly as?: 'primary' | 'backup';
  readonly configId?: string;
  readonly installDir: string;
  readonly peerSource?: {readonly path: string; readonly text: string};
}

/** undefined: it cannot be read. */
export const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Imports one file. `secret`: the key where the source has none. */
export function importSource(
  source: {readonly path: string; readonly text: string},
  wishes: ImportWishes,
  secret: string,
): Promise<ImportResult> {
  const node = wishes.node ?? os.hostname();
  return withNames((resolve) => {
    const context: ImportContext = {
      node,
      peer: wishes.peer ?? (node === 'peer' ? 'peer2' : 'peer'),
      peerKnown: wishes.peer !== undefined,
      // keepalived takes the host's name; an import for another director takes that one's.
      configId: wishes.configId ?? node.split('.')[0] ?? node,
      addresses: Object.entries(os.networkInterfaces()).flatMap(([device, list]) =>
        (list ?? []).map(({address}) => ({device, address})),
      ),
      ...(wishes.as === undefined ? {} : {as: wishes.as}),
      installDir: wishes.installDir,
      ...(wishes.peerSource === undefined ? {} : {peerSource: wishes.peerSource}),
      resolve,
      read: readText,
      // Directories are no configuration files; an include of a pattern steps over them.
      glob: (pattern) =>
        globSync(pattern)
          .filter((name) => statSync(name, {throwIfNoEntry: false})?.isFile())
          .toSorted(),
    };
    return importConfig(source, {
      context,
      secret,
      ...(wishes.from === undefined ? {} : {kind: wishes.from}),
    });
  });
}
