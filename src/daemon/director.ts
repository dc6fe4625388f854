/** A running director: the machine, its drivers, the sockets. Wiring only; core.ts decides. */
import {systemClock as clock} from '@hactl/base';
import {openRecentSync} from '@hactl/sync';
import {makeConfigCommands} from '../configuration/config-commands.ts';
import {mendSwaps, openConfigStore} from '../configuration/config-store.ts';
import {makeConfiguration, makeReader} from '../configuration/configuration.ts';
import {begin, rememberNames} from '../configuration/first-load.ts';
import {keepVersion} from '../configuration/keep-version.ts';
import {loadDirectory} from '../configuration/load.ts';
import type {Loaded} from '../configuration/loaded.ts';
import {openControl} from '../control/access.ts';
import type {ReloadOutcome} from '../control/protocol.ts';
import {answerWith} from '../control/respond.ts';
import {journalled} from '../journal/drafts.ts';
import {loadOrders} from '../operators/order-store.ts';
import {answerPeerWith, servePeer} from '../peer/serve.ts';
import type {Readiness} from '../roles/readiness.ts';
import {VERSION} from '../system/paths.ts';
import {connectionsOf} from '../table/snapshot.ts';
import {makeScheduledDrill} from './scheduled-drill.ts';
import {initial} from './core.ts';
import {openDrivers} from './drivers.ts';
import {operatorHandlers, peerHandlers} from './handlers.ts';
import {openControlOrLater} from './late-control.ts';
import {makeLoop} from './loop.ts';
import {peerAccess} from './peer-access.ts';
import {loadOptions, type DirectorOptions} from './options.ts';
import {takeSnapshot} from './snapshot-reader.ts';
import {cleanStop} from './stop.ts';

/** A running director. */
export interface Director {
  stop(): Promise<void>;
  reload(): Promise<ReloadOutcome>;
  /** Whether it is ready to serve what is configured. */
  readiness(): Readiness;
}

/** A supervisor before this one had the peer's connections a moment ago. */
const isSyncTrusted = (stateDir: string): boolean => openRecentSync(stateDir, () => clock.now()).recent;

/** Reads the files and starts everything. undefined: the files have errors, which were printed. */
export async function runDirector(options: DirectorOptions): Promise<Director | undefined> {
  const {configDir, stateDir, node, logger} = options;
  const {log} = logger;
  const store = openConfigStore(stateDir);
  for (const text of mendSwaps(store)) log('warn', text);
  const began = await begin(loadOptions(options), store, log);
  if (!began) return undefined;
  const reader = makeReader((more) => loadDirectory({...loadOptions(options), ...more}), {
    names: began.names,
    taken: (names) => rememberNames(stateDir, names, log),
  });
  // Before anything is logged, so that the log file is complete.
  logger.configure(began.first.loaded.cluster);

  const config = {node, stateDir, left: began.left, syncTrusted: isSyncTrusted(stateDir)};
  const moment = {now: clock.now(), wall: clock.wall()};
  const loop = makeLoop({
    clock,
    config,
    first: initial(config, began.first.loaded, loadOrders(stateDir, log), moment),
  });
  const running = (): Loaded => loop.state.configuration.running;
  const peer = peerAccess(loop, node);
  const drivers = openDrivers({...options, clock, log, pool: options.pool, loop, askPeer: peer.ask});
  const {journal} = drivers;
  const daemonEvent = (text: string): void =>
    journal.record({kind: 'daemon', level: 'info', subject: 'hactld', text: `hactld ${VERSION} ${text}`});
  daemonEvent(`starts with ${configDir}`);
  // Spare children are ready already: they are configured before anything else is done here.
  await new Promise((resolve) => setImmediate(resolve));

  const scheduledDrill = makeScheduledDrill({
    clock,
    log,
    stateDir,
    runDir: options.runDir,
    failed: (reason) => loop.feed({type: 'drill-failed', reason}),
  });
  scheduledDrill.configure(began.first.loaded.cluster.ha);
  const sockets: {configure(loaded: Loaded): Promise<void> | void}[] = [];
  const configuration = makeConfiguration({
    log,
    configDir,
    reader,
    problem: began.problem,
    awaited: began.awaited,
    running,
    report: (level, text) => journal.record({kind: 'config', level, subject: 'configuration', text}),
    apply: async (next, why) => {
      logger.configure(next.cluster);
      loop.feed({type: 'loaded', loaded: next});
      drivers.configure(next);
      scheduledDrill.configure(next.cluster.ha);
      for (const socket of sockets) await socket.configure(next); // oxlint-disable-line no-await-in-loop -- in this order.
      keepVersion(store, log, clock.wall(), next, why);
    },
  });
  const accessProblems: string[] = [];
  const snapshot = () =>
    takeSnapshot(options, {clock, loop, drivers, accessProblems, configProblem: configuration.problem});
  const configCommands = makeConfigCommands({
    configDir,
    store,
    log,
    running,
    ask: peer.ask,
    load: reader.load,
    reload: configuration.reload,
    peer: () => peer.settings()?.peers.join(', ') ?? 'the peer',
    wall: () => clock.wall(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    connections: async () => connectionsOf((await snapshot()).virtuals),
  });
  const ports = {
    ...drivers,
    clock,
    loop,
    snapshot,
    reload: () => configuration.reload(),
    askPeer: peer.ask,
    configCommands,
  };
  const peerServer = servePeer({
    log,
    record: journal.record,
    settings: peer.settings,
    answer: answerPeerWith(peerHandlers(ports)),
  });
  const answer = journalled(journal.record, answerWith(operatorHandlers(ports)));
  const control = await openControlOrLater(() => openControl(options.runDir, answer), log);
  sockets.push(peerServer, {
    configure: async ({cluster}) => {
      accessProblems.splice(0, Infinity, ...(await control.configure(cluster.ha?.hactl ?? {})));
      for (const problem of accessProblems) log('warn', problem);
    },
  });
  for (const socket of sockets) await socket.configure(began.first.loaded); // oxlint-disable-line no-await-in-loop -- as above.
  configuration.watch(began.first.files);
  // If the files on disk have errors, another version is in use, and that is kept already.
  if (began.problem === undefined) keepVersion(store, log, clock.wall(), began.first.loaded, 'start');
  journal.open();
  log('info', `director ${node} runs with ${configDir}`);

  return {
    readiness: () => loop.state.roles.readiness,
    reload: configuration.reload,
    stop: async () => {
      daemonEvent('stops');
      configuration.stop();
      scheduledDrill.stop();
      peerServer.close();
      configCommands.stop();
      await cleanStop(loop, drivers, log);
      await journal.close();
      await control.close();
    },
  };
}
