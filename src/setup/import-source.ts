/** Runs an import with this machine's names, addresses and files. */
import {globSync, readFileSync, statSync} from 'node:fs';
import os from 'node:os';
import {importConfig, type ImportContext, type ImportKind, type ImportResult} from '@hactl/config';
import {withNames} from '../configuration/names.ts';

export interface ImportSourceOptions {
  readonly from?: ImportKind;
  readonly node?: string;
  readonly peer?: string;
  readonly as?: 'primary' | 'backup';
  readonly configId?: string;
  readonly installDir: string;
  readonly peerSource?: {readonly path: string; readonly text: string};
}

/** undefined: unreadable. */
export const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Imports a file. `secret`: the key for authkeys if the source has none. */
export function importSource(
  source: {readonly path: string; readonly text: string},
  options: ImportSourceOptions,
  secret: string,
): Promise<ImportResult> {
  const node = options.node ?? os.hostname();
  return withNames((resolve) => {
    const context: ImportContext = {
      node,
      peer: options.peer ?? (node === 'peer' ? 'peer2' : 'peer'),
      peerKnown: options.peer !== undefined,
      // keepalived's default is the host name; an import for another director uses that director's name.
      configId: options.configId ?? node.split('.')[0] ?? node,
      addresses: Object.entries(os.networkInterfaces()).flatMap(([device, list]) =>
        (list ?? []).map(({address}) => ({device, address})),
      ),
      ...(options.as === undefined ? {} : {as: options.as}),
      installDir: options.installDir,
      ...(options.peerSource === undefined ? {} : {peerSource: options.peerSource}),
      resolve,
      read: readText,
      // Like keepalived, an include with a pattern skips directories.
      glob: (pattern) =>
        globSync(pattern)
          .filter((name) => statSync(name, {throwIfNoEntry: false})?.isFile())
          .toSorted(),
    };
    return importConfig(source, {
      context,
      secret,
      ...(options.from === undefined ? {} : {kind: options.from}),
    });
  });
}
