/** Configuration files as a set: read together, validated together before they are on disk, replaced together. */
import {lstatSync, mkdirSync, realpathSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {syncDirectory, renameIntoPlace, writeBeside} from '@hactl/base/files';
import type {ClusterConfig, ReadFile} from '@hactl/config';
import {readSource} from './read-source.ts';

/** One file with its full path; without a text it does not exist. */
export interface ConfigFile {
  readonly path: string;
  readonly text?: string;
  readonly mode: number;
}

/** The files that a configuration was read from. */
export const filesOf = ({ha, haresources, authkeys, ldirectord}: ClusterConfig): string[] => [
  ...(ha ? [ha.path, haresources.path, authkeys.path] : []),
  ...new Set(ldirectord.map((file) => file.path)),
];

/** As it is on disk now. */
export function readConfigFile(file: string): ConfigFile {
  const found = readSource(file);
  return found ? {path: file, text: found.text, mode: found.mode} : {path: file, mode: 0o644};
}

/** Reads these files as if they were on disk, and all others from disk. */
export function overlay(files: readonly ConfigFile[]): ReadFile {
  const known = new Map(files.map((file) => [path.normalize(file.path), file]));
  return (wanted) => {
    const file = known.get(path.normalize(wanted));
    if (!file) return readSource(wanted);
    return file.text === undefined ? undefined : {text: file.text, mode: file.mode, realPath: file.path};
  };
}

/**
 * Writes all of them to disk. All new texts are written before the first rename, and nothing else in this process runs between
 * the first and the last rename. A crash in between is repaired at the next start: the caller keeps the old files in a
 * journal. `follow`: a symbolic link means its target; files from the peer follow no link.
 */
export function replaceFiles(files: readonly ConfigFile[], {follow} = {follow: true}): void {
  const targets = files.map(({path: file, text, mode}) => ({
    file: follow && statSync(file, {throwIfNoEntry: false}) ? realpathSync(file) : file,
    text,
    mode,
  }));
  for (const {file, text, mode} of targets)
    if (text !== undefined) {
      mkdirSync(path.dirname(file), {recursive: true});
      writeBeside(file, text, mode);
    }
  for (const {file, text} of targets)
    if (text === undefined) rmSync(file, {force: true});
    else renameIntoPlace(file);
  for (const directory of new Set(targets.map(({file}) => path.dirname(file)))) syncDirectory(directory);
}

/** Whether the disk has exactly these files. */
export const unchanged = (files: readonly ConfigFile[]): boolean =>
  files.every((file) => readConfigFile(file.path).text === file.text);

/** A file's name on both directors: its path within the configuration directory. undefined: it is elsewhere. */
export function sharedName(file: string, configDir: string): string | undefined {
  const name = path.relative(configDir, file);
  return isSharedName(name) ? name : undefined;
}

/**
 * Why the peer must not write `name` below `directory`: a part of the path is a link, or it is not a regular file; undefined:
 * it may. `directory` itself may be a link: the administrator made it.
 */
export function pushObstacle(directory: string, name: string): string | undefined {
  const parts = name.split('/');
  let folder = directory;
  for (const [index, part] of parts.entries()) {
    folder = path.join(folder, part);
    const found = lstatSync(folder, {throwIfNoEntry: false});
    if (!found) return undefined;
    if (found.isSymbolicLink())
      return `${folder} is a link, and a push does not follow it: replace it with the file itself, or edit it there`;
    const last = index === parts.length - 1;
    if (last ? !found.isFile() : !found.isDirectory())
      return `${folder} is no ${last ? 'regular file' : 'directory'}`;
  }
  return undefined;
}

/** Whether the peer may send it: a file in the configuration directory, not a program. */
export const isSharedName = (name: string): boolean =>
  name !== '' &&
  name.length < 200 &&
  !path.isAbsolute(name) &&
  path.normalize(name) === name &&
  name.split('/').every((part) => /^[\w+@-][\w.+@-]*$/.test(part)) &&
  !/^(resource\.d|rc\.d)\//.test(name);
