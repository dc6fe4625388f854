/** Undo records of the steps, and their state file. */
import {accessSync, constants, mkdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';

/** `vip`: the address of the step; undefined: shared by all. */
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
  /** In the order of the steps. */
  readonly undo: readonly Undo[];
}

export const stateFile = (stateDir: string): string => path.join(stateDir, 'realserver.json');

/** The steps done and not undone. Throws when the file is unreadable or of another version. */
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

/** Checks that the file is writable before any step. Throws otherwise. */
export function prepareUndo(file: string): void {
  mkdirSync(path.dirname(file), {recursive: true});
  accessSync(path.dirname(file), constants.W_OK);
}

/** Replaces the file atomically; removes it when there are no entries. */
export function writeUndo(file: string, undo: readonly Undo[]): void {
  if (undo.length === 0) {
    rmSync(file, {force: true});
    return;
  }
  const state: StateFile = {version: 1, undo};
  replaceFile(file, JSON.stringify(state, null, 2) + '\n', 0o600);
}

/** The entries to undo for these addresses, latest first, and the remaining ones. Without addresses: everything. Pure. */
export function chooseUndo(
  done: readonly Undo[],
  vips: readonly string[],
): {back: readonly Undo[]; stay: readonly Undo[]} {
  const others = done.some(({vip}) => vip !== undefined && !vips.includes(vip));
  const goes = ({vip}: Undo): boolean =>
    vips.length === 0 || (vip === undefined ? !others : vips.includes(vip));
  return {back: done.filter(goes).toReversed(), stay: done.filter((step) => !goes(step))};
}
