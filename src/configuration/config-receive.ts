/** Receives a configuration from the peer: validated for this director, swapped as a whole, undone as a whole. */
import path from 'node:path';
import {withLocalLines, type ClusterConfig} from '@hactl/config';
import type {Committed, PeerHandlers, Prepared} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {PushedFile} from '../control/peer-commands.ts';
import {planChanges} from './changes.ts';
import {
  filesOf,
  isSharedName,
  overlay,
  pushObstacle,
  readConfigFile,
  replaceFiles,
  unchanged,
  type ConfigFile,
} from './config-files.ts';
import type {PushPorts} from './push-ports.ts';
import type {PushRecord} from './config-store.ts';
import {PUSH_PREPARED_LIMIT_MS} from '../system/limits.ts';

/** Mode of a new file: root and its group only, whatever mode the sender's file has. */
const NEW_FILE_MODE = 0o640;

/**
 * Why this director accepts no configuration from its peer; undefined: it does. A push names programs that root runs, so an
 * md5 or sha1 key is enough for that only with an explicit `hactl_push on`.
 */
export function pushRefusal({ha, authkeys}: ClusterConfig): string | undefined {
  const {push} = ha?.hactl ?? {};
  if (push === true) return undefined;
  if (push === false) return 'hactl_push is off in ha.cf there: it accepts no configuration from its peer';
  const legacy = authkeys.keys.find(({method}) => method !== 'sha256');
  return (
    legacy &&
    `authkeys there has key ${legacy.id} ${legacy.method}: with such a key a push is accepted only if ha.cf says hactl_push on; better, switch to sha256 (docs/configuration.md)`
  );
}

/** The files as they would be here: this director keeps its own lines of ha.cf. */
const localised = (configDir: string, {name, text, mode}: PushedFile): ConfigFile => {
  if (!isSharedName(name)) throw new CommandError('bad-name', `${JSON.stringify(name)} cannot be pushed`);
  const file = path.join(configDir, name);
  const current = readConfigFile(file);
  return {
    path: file,
    text: name === 'ha.cf' ? withLocalLines(text, current.text ?? '') : text,
    mode: name === 'authkeys' ? 0o600 : current.text === undefined ? mode & NEW_FILE_MODE : current.mode,
  };
};

/** Throws a CommandError for a file that must not be pushed. */
function checkNames(configDir: string, sent: readonly PushedFile[]): void {
  for (const {name} of sent) {
    const obstacle = pushObstacle(configDir, name);
    if (obstacle !== undefined) throw new CommandError('bad-name', obstacle);
  }
}

/** Throws a CommandError for a file that the received configuration does not read. */
function checkRead(configDir: string, cluster: ClusterConfig, sent: readonly PushedFile[]): void {
  const read = new Set(filesOf(cluster).map((file) => path.normalize(file)));
  const unread = sent.find(({name}) => !read.has(path.join(configDir, name)));
  if (unread)
    throw new CommandError(
      'bad-name',
      `${unread.name} cannot be pushed: the configuration that was sent does not read it`,
    );
}

/** The commands of a push at the receiving director. */
export type PushHandlers = Pick<
  PeerHandlers,
  'push-prepare' | 'push-commit' | 'push-undo' | 'push-abort' | 'push-outcome'
>;

export function makeReceiver(ports: PushPorts): {readonly handlers: PushHandlers; readonly stop: () => void} {
  const {store, log} = ports;
  let current: PushRecord | undefined;
  let expiry: NodeJS.Timeout | undefined;

  const note = (state: PushRecord['state'], text: string): void => {
    if (!current) return;
    current = store.note({...current, state, text});
    log(
      state === 'failed' || state === 'undone' ? 'warn' : 'info',
      `push ${current.id} from ${current.peer}: ${text}`,
    );
  };
  const expire = (text: string): void => {
    clearTimeout(expiry);
    if (current?.state === 'prepared') note('failed', text);
  };

  async function prepare(id: string, dryRun: boolean, sent: readonly PushedFile[]): Promise<Prepared> {
    const closed = pushRefusal(ports.running().cluster);
    if (closed !== undefined) throw new CommandError('push-off', closed);
    if (ports.busy()) throw new CommandError('busy', 'a push or a rollback is already running there');
    checkNames(ports.configDir, sent);
    const files = sent.map((file) => localised(ports.configDir, file));
    const outcome = await ports.load(overlay(files));
    if (!outcome.loaded) return {ok: false, diagnostics: outcome.texts, rows: []};
    checkRead(ports.configDir, outcome.loaded.cluster, sent);
    const {rows, refused} = planChanges(ports.running(), outcome.loaded);
    const {digest} = outcome.loaded;
    if (refused !== undefined) return {ok: false, diagnostics: outcome.texts, rows, refused, digest};
    const prepared = {ok: true, diagnostics: outcome.texts, rows, digest};
    if (dryRun) return prepared;
    expire('replaced by another push before it was applied');
    current = {
      id,
      wall: ports.wall(),
      side: 'received',
      peer: ports.peer(),
      state: 'prepared',
      text: '',
      files,
      before: files.map((file) => readConfigFile(file.path)),
    };
    note('prepared', 'validated, ready to apply');
    expiry = setTimeout(() => expire('not applied in time: nothing was changed'), PUSH_PREPARED_LIMIT_MS);
    expiry.unref();
    return prepared;
  }

  async function restore(text: string): Promise<void> {
    if (!current) return;
    replaceFiles(current.before, {follow: false});
    const {ok} = await ports.reload(`push ${current.id} taken back`);
    note('undone', ok ? text : `${text}; the files are restored, but they could not be loaded`);
  }

  async function commit(id: string): Promise<Committed> {
    if (current?.id !== id || current.state !== 'prepared')
      throw new CommandError('not-prepared', `push ${id} is no longer prepared`);
    clearTimeout(expiry);
    if (!unchanged(current.before)) {
      note('failed', 'files here were edited in the meantime: nothing was changed');
      return {ok: false, reason: 'its files were edited in the meantime'};
    }
    const {files, peer} = current;
    for (const {path: file} of files) {
      const obstacle = pushObstacle(ports.configDir, path.relative(ports.configDir, file));
      if (obstacle === undefined) continue;
      note('failed', `${obstacle}: nothing was changed`);
      return {ok: false, reason: obstacle};
    }
    note('swapping', 'replacing the files');
    try {
      replaceFiles(files, {follow: false});
    } catch (error) {
      await restore('the files could not be written');
      return {ok: false, reason: error instanceof Error ? error.message : String(error)};
    }
    const {ok, diagnostics} = await ports.reload(`push from ${peer}`);
    if (!ok) {
      await restore('it could not be loaded: the files are restored');
      return {ok: false, reason: diagnostics.join('\n')};
    }
    note('done', 'in use');
    return {ok: true, reason: 'in use'};
  }

  async function undo(id: string): Promise<Committed> {
    if (current?.id !== id || current.state !== 'done') return {ok: false, reason: 'it was not applied'};
    if (!unchanged(current.files)) return {ok: false, reason: 'its files were edited in the meantime'};
    await restore('the peer could not use it itself: undone here too');
    return {ok: true, reason: 'taken back'};
  }

  return {
    handlers: {
      'push-prepare': ({id, dryRun, files}) => prepare(id, dryRun, files),
      'push-commit': ({id}) => commit(id),
      'push-undo': ({id}) => undo(id),
      'push-abort': async ({id}) => {
        if (current?.id === id) expire('given up by the peer: nothing was changed');
        return {ok: true};
      },
      'push-outcome': async (command) => {
        const known = store.pushes().find(({id, side}) => id === command.id && side === 'received');
        return {state: known?.state ?? 'unknown', text: known?.text ?? 'unknown push'};
      },
    },
    stop: (): void => clearTimeout(expiry),
  };
}
