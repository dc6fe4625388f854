/** Operations on the configuration as a whole: plan, history, push, rollback, and the peer's requests. */
import path from 'node:path';
import {pairFacts} from '@hactl/config';
import type {
  DiffOutcome,
  Handlers,
  HistoryOutcome,
  PeerHandlers,
  PlanOutcome,
  RollbackOutcome,
} from '../control/answers.ts';
import type {Command} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import {planChanges, type Connections} from './changes.ts';
import {diffText} from './config-diff.ts';
import {readConfigFile, type ConfigFile} from './config-files.ts';
import {differencesTo} from './config-peer.ts';
import {push} from './config-push.ts';
import {readFiles, swapFiles, writeFiles} from './config-swap.ts';
import type {PushPorts} from './push-ports.ts';
import {makeReceiver, type PushHandlers} from './config-receive.ts';
import type {ConfigVersion} from './config-store.ts';
import {PEER_ASK_LIMIT_MS} from '../system/limits.ts';

/** The operators' commands. */
export type ConfigHandlers = Pick<
  Handlers,
  'plan' | 'push' | 'config-history' | 'config-diff' | 'config-rollback' | 'config-read' | 'config-write'
>;
/** The peer's commands. */
export type ConfigPeerHandlers = PushHandlers & Pick<PeerHandlers, 'facts'>;

export function makeConfigCommands(
  given: Omit<PushPorts, 'busy'> & {readonly connections: () => Promise<Connections>},
) {
  const {store} = given;
  let working = false;
  const ports: PushPorts = {...given, busy: () => working};
  const receiver = makeReceiver(ports);

  /** One operation at a time: two that replace files would undo each other. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (working) throw new CommandError('busy', 'a push or a rollback is already running');
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
      .filter((file) => before?.files.find((previous) => previous.path === file.path)?.text !== file.text)
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
    const found = store.versions().find((version) => version.number === number);
    if (!found)
      throw new CommandError('no-version', `there is no version ${number}: hactl config history lists them`);
    return found;
  };

  /** The files of either side; a file that one side does not name is compared as it is on disk. */
  function diffFiles(from: readonly ConfigFile[], to: readonly ConfigFile[]): string[] {
    const names = new Set([...from, ...to].map((file) => file.path));
    const text = (files: readonly ConfigFile[], name: string): string | undefined =>
      (files.find((file) => file.path === name) ?? (files === from ? undefined : readConfigFile(name)))?.text;
    return [...names].flatMap((name) => diffText(name, text(from, name), text(to, name)));
  }

  async function diff(command: Command<'config-diff'>): Promise<DiffOutcome> {
    if (command.peer) {
      const {facts} = await ports.ask({command: 'facts'}, PEER_ASK_LIMIT_MS);
      const lines = differencesTo(ports.running(), facts).map(
        ({file, directive, from, to}) =>
          `${path.basename(file)}: ${directive}: ${from ?? 'not'} here, ${to ?? 'not'} there`,
      );
      return {from: 'in use here', to: `in use at ${ports.peer()}`, lines};
    }
    const {a, b} = command;
    const from = a === undefined ? store.versions().at(-1) : version(a);
    if (!from) throw new CommandError('no-version', 'no version has been kept yet');
    const name = a === undefined ? `version ${from.number} (in use)` : `version ${a}`;
    if (b !== undefined)
      return {from: name, to: `version ${b}`, lines: diffFiles(from.files, version(b).files)};
    const disk = from.files.map((file) => readConfigFile(file.path));
    return {from: name, to: 'on disk', lines: diffFiles(from.files, disk)};
  }

  async function rollback(number: number): Promise<RollbackOutcome> {
    const {ok, text, diagnostics} = await swapFiles(ports, given.connections, version(number).files, {
      what: `version ${number}`,
      why: `rollback to ${number}`,
      dryRun: false,
    });
    return {ok, text, diagnostics};
  }

  return {
    handlers: {
      plan,
      push: ({dryRun, keys}) => alone(() => push(ports, {dryRun, keys})),
      'config-history': async () => history(),
      'config-diff': diff,
      'config-rollback': ({version: number}) => alone(() => rollback(number)),
      'config-read': async () => ({files: readFiles(ports)}),
      'config-write': (command) => alone(() => writeFiles(ports, given.connections, command)),
    } satisfies ConfigHandlers,
    peerHandlers: {
      ...receiver.handlers,
      facts: async () => ({digest: ports.running().digest, facts: pairFacts(ports.running().cluster)}),
      'push-commit': (command) => alone(() => receiver.handlers['push-commit'](command)),
      'push-undo': (command) => alone(() => receiver.handlers['push-undo'](command)),
    } satisfies ConfigPeerHandlers,
    stop: receiver.stop,
  };
}
