/** The configuration directory: validated with files that do not exist yet, then written together. */
import {copyFileSync, existsSync, statSync} from 'node:fs';
import path from 'node:path';
import {
  filesOf,
  isSharedName,
  overlay,
  readConfigFile,
  replaceFiles,
  type ConfigFile,
} from '../configuration/config-files.ts';
import {loadDirectory, type LoadOutcome} from '../configuration/load.ts';
import {findInterface} from '../daemon/kernel.ts';
import {defaultPaths} from '../system/paths.ts';
import {ownNetworks} from './machine.ts';
import type {Bundle} from './bundle.ts';
import type {NewFile} from './pair-files.ts';

const usual = ['ha.cf', 'haresources', 'authkeys', 'ldirectord.cf'];

/** Files of a configuration that are there. */
export const existing = (configDir: string, names: readonly string[] = usual): string[] =>
  [...new Set([...usual, ...names])]
    .map((name) => path.join(configDir, name))
    .filter((file) => existsSync(file));

/** Validates with hactld's loader, as if `files` existed. */
export const checkDirectory = (
  configDir: string,
  node: string,
  files: readonly NewFile[] = [],
): Promise<LoadOutcome> =>
  loadDirectory({
    configDir,
    node,
    mode: 'lenient',
    findInterface,
    stateDir: defaultPaths.stateDir,
    wall: Date.now(),
    read: overlay(placed(configDir, files)),
  });

const placed = (configDir: string, files: readonly NewFile[]): ConfigFile[] =>
  files.map(({name, text, mode}) => ({path: path.join(configDir, name), text, mode}));

/** Writes them; existing files are kept as FILE.orig. Returns the kept ones. */
export function write(configDir: string, files: readonly NewFile[]): string[] {
  const changed = placed(configDir, files).filter(({path: file, text}) => readConfigFile(file).text !== text);
  const kept = changed.flatMap(({path: file}) => {
    if (!statSync(file, {throwIfNoEntry: false})?.isFile()) return [];
    copyFileSync(file, `${file}.orig`);
    return [`${file}.orig`];
  });
  replaceFiles(changed, {follow: false});
  return kept;
}

export interface PairHere {
  /** The other nodes of ha.cf. */
  readonly peers: readonly string[];
  readonly bundle: Bundle;
}

/** The files for a second director; undefined: there is no pair to join. */
export async function pairHere(configDir: string, node: string): Promise<PairHere | LoadOutcome> {
  const outcome = await checkDirectory(configDir, node);
  const {cluster, loaded} = outcome;
  if (!loaded || !cluster?.ha) return outcome;
  const files = filesOf(cluster).flatMap((file): NewFile[] => {
    const name = path.relative(configDir, file);
    const {text, mode} = readConfigFile(file);
    return isSharedName(name) && text !== undefined ? [{name, text, mode}] : [];
  });
  return {
    peers: cluster.ha.nodes.map(({name}) => name).filter((name) => name !== node.toLowerCase()),
    bundle: {node: node.toLowerCase(), files, networks: ownNetworks()},
  };
}
