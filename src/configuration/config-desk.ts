/** Everything that is done with the configuration as a whole: plan, history, push, rollback, the peer's. */
import path from 'node:path';
import {randomBytes} from 'node:crypto';
import {pairFacts, type Fact} from '@hactl/config';
import type {Command} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import {planChanges, type Connections, type Plan} from './changes.ts';
import {diffText} from './config-diff.ts';
import {filesOf, overlay, readConfigFile, replaceFiles, type ConfigFile} from './config-files.ts';
import {differencesTo} from './config-peer.ts';
import {push} from './config-push.ts';
import type {PushPorts} from './push-ports.ts';
import {makeReceiver} from './config-receive.ts';
import type {ConfigVersion} from './config-store.ts';
import type {Loaded} from './loaded.ts';

export type ConfigCommand = Extract<Command, {readonly command: 'plan' | 'push' | `config-${string}`}>;
/** What the peer may ask of the configuration. */
export type ConfigPeerCommand = Exclude<PeerCommand, {readonly command: 'status' | 'events' | 'orders'}>;

export interface PlanOutcome extends Plan {
  readonly ok: boolean;
  readonly diagnostics: readonly string[];
}

export interface HistoryOutcome {
  readonly versions: readonly {
    readonly number: number;
    readonly wall: number;
    readonly why: string;
    readonly digest: string;
    /** Those that are not as in the version before. */
    readonly changed: readonly string[];
    readonly inUse: boolean;
  }[];
  readonly pushes: readonly {
    readonly id: string;
    readonly wall: number;
    readonly side: string;
    readonly peer: string;
    readonly state: string;
    readonly text: string;
  }[];
}

export interface DiffOutcome {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly string[];
}

export interface RollbackOutcome {
  readonly ok: boolean;
  readonly text: string;
  readonly diagnostics: readonly string[];
}

const FACTS_LIMIT = 5_000;

export function makeConfigDesk(
  given: Omit<PushPorts, 'busy'> & {readonly connections: () => Promise<Connections>},
) {
  const {store} = given;
  let working = false;
  const ports: PushPorts = {...given, busy: () => working};
  const receiver = makeReceiver(ports);

  /** One thing at a time: two that replace files would undo one another. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (working) throw new CommandError('busy', 'a push or a rollback is going on already');
    working = true;
    try {
      return await work();
    } finally {
      working = false;
    }
  }

  async function plan(): Promise<PlanOutcome> {
    const next = await ports.load();
    if (!next.loaded) return {ok: false, rows: [], diagnostics: next.texts};
    const planned = planChanges(ports.running(), next.loaded, await given.connections());
    return {ok: planned.refused === undefined, ...planned, diagnostics: next.texts};
  }

  const changedFiles = (version: ConfigVersion, before: ConfigVersion | undefined): string[] =>
    version.files
      .filter((file) => before?.files.find((one) => one.path === file.path)?.text !== file.text)
      .map((file) => path.basename(file.path));

  function history(): HistoryOutcome {
    const versions = store.versions();
    return {
      versions: versions.map((version, index) => ({
        number: version.number,
        wall: version.wall,
        why: version.why,
        digest: version.digest,
        changed: changedFiles(version, versions[index - 1]),
        inUse: index === versions.length - 1,
      })),
      pushes: store
        .pushes()
        .map(({id, wall, side, peer, state, text}) => ({id, wall, side, peer, state, text})),
    };
  }

  const version = (number: number): ConfigVersion => {
    const found = store.versions().find((one) => one.number === number);
    if (!found)
      throw new CommandError('no-version', `there is no version ${number}: hactl config history lists them`);
    return found;
  };

  /** Of the files of either side; one that a side does not name is what it is on the disk. */
  function diffFiles(from: readonly ConfigFile[], to: readonly ConfigFile[]): string[] {
    const names = new Set([...from, ...to].map((file) => file.path));
    const text = (files: readonly ConfigFile[], name: string): string | undefined =>
      (files.find((file) => file.path === name) ?? (files === from ? undefined : readConfigFile(name)))?.text;
    return [...names].flatMap((name) => diffText(name, text(from, name), text(to, name)));
  }

  async function diff(command: Extract<ConfigCommand, {command: 'config-diff'}>): Promise<DiffOutcome> {
    if (command.peer) {
      const {facts} = (await ports.ask({command: 'facts'}, FACTS_LIMIT)) as {facts: readonly Fact[]};
      const lines = differencesTo(ports.running(), facts).map(
        ({file, directive, from, to}) =>
          `${path.basename(file)}: ${directive}: ${from ?? 'not'} here, ${to ?? 'not'} there`,
      );
      return {from: 'in use here', to: `in use at ${ports.peer()}`, lines};
    }
    const {a, b} = command;
    const from = a === undefined ? store.versions().at(-1) : version(a);
    if (!from) throw new CommandError('no-version', 'no version was kept yet');
    const name = a === undefined ? `version ${from.number} (in use)` : `version ${a}`;
    if (b !== undefined)
      return {from: name, to: `version ${b}`, lines: diffFiles(from.files, version(b).files)};
    const disk = from.files.map((file) => readConfigFile(file.path));
    return {from: name, to: 'on disk', lines: diffFiles(from.files, disk)};
  }

  async function rollback(number: number): Promise<RollbackOutcome> {
    const {files} = version(number);
    const next = await ports.load(overlay(files));
    const bad = (text: string, diagnostics: readonly string[]): RollbackOutcome => ({
      ok: false,
      text: `${text}; nothing was changed`,
      diagnostics,
    });
    if (!next.loaded) return bad(`version ${number} has errors today`, next.texts);
    const {refused} = planChanges(ports.running(), next.loaded);
    if (refused !== undefined) return bad(refused, next.texts);
    const before = files.map((file) => readConfigFile(file.path));
    const record = store.note({
      id: randomBytes(4).toString('hex'),
      wall: ports.wall(),
      side: 'rollback',
      peer: '',
      state: 'swapping',
      text: `to version ${number}`,
      files: [],
      before,
    });
    replaceFiles(files);
    const {ok, diagnostics} = await ports.reload(`rollback to ${number}`);
    if (ok) {
      store.note({...record, state: 'done', before: []});
      return {ok, text: `version ${number} is on the disk and in use`, diagnostics};
    }
    replaceFiles(before);
    await ports.reload(`rollback to ${number} taken back`);
    store.note({...record, state: 'undone', text: 'it could not be loaded'});
    return bad(`version ${number} could not be loaded`, diagnostics);
  }

  return {
    /** Keeps what was taken into use as a version. */
    keep: (loaded: Loaded, why: string): void => {
      try {
        store.keep({
          wall: ports.wall(),
          why,
          digest: loaded.digest,
          files: filesOf(loaded.cluster).map(readConfigFile),
        });
      } catch (error) {
        // A full disk must not keep a director from its service.
        ports.log('error', `this version of the configuration was not kept: ${String(error)}`);
      }
    },
    answer: async (command: ConfigCommand): Promise<unknown> => {
      switch (command.command) {
        case 'plan':
          return plan();
        case 'push':
          return alone(() => push(ports, {dryRun: command.dryRun, keys: command.keys}));
        case 'config-history':
          return history();
        case 'config-diff':
          return diff(command);
        case 'config-rollback':
          return alone(() => rollback(command.version));
      }
    },
    answerPeer: async (command: ConfigPeerCommand): Promise<unknown> => {
      switch (command.command) {
        case 'facts':
          return {digest: ports.running().digest, facts: pairFacts(ports.running().cluster)};
        case 'push-commit':
        case 'push-undo':
          return alone(() => receiver.answer(command));
        default:
          return receiver.answer(command);
      }
    },
    stop: receiver.stop,
  };
}
