/** What takes the steps back, and the file that remembers it. */
import {accessSync, constants, mkdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';

/** `vip`: the address it belongs to; undefined: it is shared by all. */
export type Undo = {readonly vip?: string} & (
  | {readonly kind: 'sysctl'; readonly key: string; readonly set: string; readonly before: string}
  | {readonly kind: 'link-down'; readonly device: string}
  | {readonly kind: 'address'; readonly device: string; readonly address: string}
  | {readonly kind: 'run'; readonly argv: readonly string[]}
  | {readonly kind: 'route'; readonly set: string; readonly before?: string}
  | {readonly kind: 'file'; readonly path: string; readonly set: string; readonly before?: string}
);

interface StateFile {
  readonly version: 1;
  /** In the order in which the steps were done. */
  readonly undo: readonly Undo[];
}

export const stateFile = (stateDir: string): string => path.join(stateDir, 'realserver.json');

/** What was done and not taken back. Throws when the file is not ours to read. */
export function readUndo(file: string): readonly Undo[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const state = JSON.parse(text) as StateFile;
  if (state.version !== 1) throw new Error(`${file} is of another version`);
  return state.undo;
}

/** Nothing is done that could not be remembered. Throws when the file cannot be written. */
export function prepareUndo(file: string): void {
  mkdirSync(path.dirname(file), {recursive: true});
  accessSync(path.dirname(file), constants.W_OK);
}

/** Replaces the file in one step; without entries it goes. */
export function writeUndo(file: string, undo: readonly Undo[]): void {
  if (undo.length === 0) {
    rmSync(file, {force: true});
    return;
  }
  const state: StateFile = {version: 1, undo};
  replaceFile(file, JSON.stringify(state, null, 2) + '\n', 0o600);
}

/** What has to be taken back for these addresses, latest first, and what stays. None named: everything. Pure. */
export function chooseUndo(
  done: readonly Undo[],
  vips: readonly string[],
): {back: readonly Undo[]; stay: readonly Undo[]} {
  const others = done.some(({vip}) => vip !== undefined && !vips.includes(vip));
  const goes = ({vip}: Undo): boolean =>
    vips.length === 0 || (vip === undefined ? !others : vips.includes(vip));
  return {back: done.filter(goes).toReversed(), stay: done.filter((step) => !goes(step))};
}
