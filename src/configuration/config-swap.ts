/** Replaces the files in use: validated first, written together, restored if they cannot be loaded. */
import {createHash, randomBytes} from 'node:crypto';
import path from 'node:path';
import type {ReadConfigFile, WriteOutcome} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {Command} from '../control/protocol.ts';
import {planChanges, type Connections} from './changes.ts';
import {
  filesOf,
  isSharedName,
  overlay,
  readConfigFile,
  replaceFiles,
  sharedName,
  type ConfigFile,
} from './config-files.ts';
import type {PushPorts} from './push-ports.ts';

/** Digest of a text, in hex; a missing file has that of the empty text. */
const digestOf = (text: string | undefined): string =>
  createHash('sha256')
    .update(text ?? '')
    .digest('hex');

/** No keys in a browser: authkeys is edited in a shell. */
const isSecret = (file: string): boolean => path.basename(file) === 'authkeys';

/** Files that a pair has even if empty; the console may create them. */
const usual: readonly string[] = ['ha.cf', 'haresources', 'ldirectord.cf'];

/** Swaps files. `what` names the change in messages: `version 3`, `the edit of alice`. */
export async function swapFiles(
  ports: PushPorts,
  connections: () => Promise<Connections>,
  files: readonly ConfigFile[],
  {what, why, dryRun}: {readonly what: string; readonly why: string; readonly dryRun: boolean},
): Promise<WriteOutcome> {
  const next = await ports.load(overlay(files));
  const bad = (
    text: string,
    diagnostics: readonly string[],
    rows: WriteOutcome['rows'] = [],
  ): WriteOutcome => ({
    ok: false,
    text: `${text}; nothing was changed`,
    rows,
    diagnostics,
  });
  if (!next.loaded) return bad(`${what} now has errors`, next.texts);
  const {refused, rows} = planChanges(ports.running(), next.loaded, await connections());
  if (refused !== undefined) return bad(refused, next.texts, rows);
  if (dryRun) return {ok: true, text: `${what} can be applied`, rows, diagnostics: next.texts};
  const before = files.map((file) => readConfigFile(file.path));
  const record = ports.store.note({
    id: randomBytes(4).toString('hex'),
    wall: ports.wall(),
    side: 'rollback',
    peer: '',
    state: 'swapping',
    text: `to ${what}`,
    files: [],
    before,
  });
  replaceFiles(files);
  const {ok, diagnostics} = await ports.reload(why);
  if (ok) {
    ports.store.note({...record, state: 'done', before: []});
    return {ok, text: `${what} is on disk and in use`, rows, diagnostics};
  }
  replaceFiles(before);
  await ports.reload(`${why} taken back`);
  ports.store.note({...record, state: 'undone', text: 'it could not be loaded'});
  return bad(`${what} could not be loaded`, diagnostics, rows);
}

/** The files in use, and those every pair has. */
const editable = (ports: PushPorts): ConfigFile[] => {
  const inUse = filesOf(ports.running().cluster).filter((file) => !isSecret(file));
  const usualFiles = usual.map((name) => path.join(ports.configDir, name));
  return [...new Set([...inUse, ...usualFiles])].map(readConfigFile);
};

const nameOf = (ports: PushPorts, file: string): string => sharedName(file, ports.configDir) ?? file;

/** The texts of the files in use, for an editor. */
export const readFiles = (ports: PushPorts): readonly ReadConfigFile[] =>
  editable(ports).map(({path: file, text}) => ({
    name: nameOf(ports, file),
    text: text ?? '',
    digest: digestOf(text),
  }));

/** Writes edited files. A file that changed since it was read is not overwritten. */
export async function writeFiles(
  ports: PushPorts,
  connections: () => Promise<Connections>,
  {files, dryRun, who}: Command<'config-write'>,
): Promise<WriteOutcome> {
  const known = new Map(editable(ports).map((file) => [nameOf(ports, file.path), file]));
  const wanted = files.map(({name, text, base}): ConfigFile => {
    const file = known.get(name);
    if (!file || !(isSharedName(name) || path.isAbsolute(name)))
      throw new CommandError('no-file', `${name} is not a file of this configuration`);
    if (digestOf(file.text) !== base)
      throw new CommandError('changed', `${name} has changed on disk in the meantime: load it again`);
    return {...file, text};
  });
  if (wanted.length === 0) throw new CommandError('bad-request', 'no file was given');
  return swapFiles(ports, connections, wanted, {
    what: `the edit of ${who}`,
    why: `edit of ${who}`,
    dryRun,
  });
}
