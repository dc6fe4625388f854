/** Joins the core with real processes, the kernel and the control socket. The only place where all packages meet. */
import {stat} from 'node:fs/promises';
import {systemClock} from '@hactl/base';
import type {FromChecks, ToChecks} from '@hactl/checks';
import {groupIds, type Mode} from '@hactl/config';
import {sendPriorityZero, type FromEngine, type ToEngine} from '@hactl/failover';
import {openTrust, type FromSync, type SyncStatus, type ToSync} from '@hactl/sync';
import {VERSION} from '../system/paths.ts';
import type {AskPeer, Handlers, PeerHandlers} from '../control/answers.ts';
import type {OrderOutcome, ReloadOutcome, SpareState, StatusSnapshot} from '../control/protocol.ts';
import {PROTOCOL_VERSION} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import {answerWith} from '../control/server.ts';
import {askPeer as askPeerAt} from '../peer/ask.ts';
import {answerPeerWith, servePeer} from '../peer/serve.ts';
import {peerSettings, type PeerSettings} from '../peer/settings.ts';
import {openControl} from '../control/access.ts';
import {keepChild, type Spare} from './child.ts';
import {scheduleChores} from './chores.ts';
import {makeConfiguration} from '../configuration/configuration.ts';
import {makeConfigDesk} from '../configuration/config-desk.ts';
import {differenceText, watchDifference} from '../configuration/config-peer.ts';
import {mendSwaps, openConfigStore} from '../configuration/config-store.ts';
import {connectIpvs} from '../table/ipvs-connection.ts';
import {findInterface, removeVips} from './kernel.ts';
import {openJournal} from '../journal/journal-file.ts';
import {journalled, makeWitness, ofDeath, ofScripts} from '../journal/journal-witness.ts';
import {loadDirectory, type LoadOptions} from '../configuration/load.ts';
import type {Logger} from '../system/log.ts';
import {sendMail} from '../system/mail.ts';
import {openOrderBook} from '../operators/order-book.ts';
import {makeOrderMirror} from '../operators/order-mirror.ts';
import {makeOutward} from '../alerts/outward.ts';
import {programs} from './programs.ts';
import {findAgent} from '../resources/resource-agents.ts';
import {resourceCommand} from '../resources/resource-commands.ts';
import {makeResourceKeeper} from '../resources/resource-keeper.ts';
import {runCommand} from '../system/shell.ts';
import {keepRespawns} from '../resources/respawn.ts';
import {type Loaded} from '../configuration/loaded.ts';
import {makeSupervisor} from './core.ts';
import {connectionsOf} from '../table/snapshot.ts';
import {syncGroups, syncSettings} from '../table/sync-groups.ts';
import {trackScripts} from '../resources/track-scripts.ts';

export interface DirectorOptions {
  readonly configDir: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly node: string;
  readonly mode: Mode;
  /** A single director with this file of ldirectord only. */
  readonly only?: string;
  readonly logger: Logger;
  /** Children that were started while this supervisor was a spare itself. */
  readonly pool?: ReadonlyMap<string, Spare>;
  /** The supervisor's own spare, as the keeper last told. */
  readonly spare?: () => SpareState | undefined;
}

const STATUS_EVERY = 500;
const STATUS_LIMIT = 300;
const MOVE_LIMIT = 55_000;
const STOP_ENGINE_LIMIT = 8_000;
const STOP_LIMIT = 2_000;
/** For an answer of the peer's supervisor. */
const PEER_LIMIT = 5_000;
/** A director whose failfast program ended is not the one to serve for a while. */
const FAILFAST_HOLD_OFF = 60_000;

/** A running director. */
export interface Director {
  stop(): Promise<void>;
  reload(): Promise<ReloadOutcome>;
}

const loadOptions = (options: DirectorOptions): LoadOptions => ({
  configDir: options.configDir,
  stateDir: options.stateDir,
  node: options.node,
  mode: options.mode,
  ...(options.only === undefined ? {} : {only: options.only}),
  findInterface,
  wall: systemClock.wall(),
});

/**
 * Reads the files and forgets them: what a start does first takes a cold program many times as long as one that has done it
 * before. For a supervisor that stands by. It changes nothing.
 */
export async function rehearse(options: DirectorOptions): Promise<void> {
  // What is wrong with the files is said when they are needed.
  await loadDirectory(loadOptions(options)).catch(() => undefined);
  // The first of these starts Node's pool of threads.
  await stat(options.configDir).catch(() => undefined);
}

/** Reads the files, starts everything. undefined: the files have errors, which were printed. */
export async function runDirector(options: DirectorOptions): Promise<Director | undefined> {
  const {logger} = options;
  const {log} = logger;
  const clock = systemClock;
  const store = openConfigStore(options.stateDir);
  for (const text of mendSwaps(store)) log('warn', text);
  const configuration = makeConfiguration({
    log,
    load: (more) => loadDirectory({...loadOptions(options), ...more}),
    running: () => core.loaded,
    take: async (next, why) => takeIntoUse(next, why),
    tell: (level, text) => configEvent(level, text),
    configDir: options.configDir,
  });
  const first = await configuration.load();
  for (const text of first.texts) process.stderr.write(text + '\n\n');
  if (!first.loaded) {
    log('error', `the configuration in ${options.configDir} has errors; nothing was started`);
    return undefined;
  }
  // Before anybody has something to say: a log file has what is said from then on.
  logger.configure(first.loaded.cluster);
  const journal = openJournal({clock, log, node: options.node, stateDir: options.stateDir});
  const {record} = journal;
  const witness = makeWitness(clock, record);
  const configEvent = (level: 'warn' | 'info', text: string) =>
    record({kind: 'config', level, subject: 'configuration', text});
  const daemonEvent = (text: string) =>
    record({kind: 'daemon', level: 'info', subject: 'hactld', text: `hactld ${VERSION} ${text}`});
  daemonEvent(`starts with ${options.configDir}`);
  let accessProblems: readonly string[] = [];

  // ------------------------------------------------------------------------------------------------ the kernel
  const ipvs = connectIpvs({
    opened: () => void core.reconcile(),
    failed: (reason) => {
      if (core.loaded.cluster.ldirectord.some((file) => file.virtuals.length > 0))
        core.noteIpvsProblem(reason);
    },
  });

  // -------------------------------------------------------------------------------------------------- children
  let syncStatus: SyncStatus | undefined;
  const reported: (() => void)[] = [];
  const answers = new Map<number, (message: FromEngine) => void>();
  let lastId = 0;

  const core = makeSupervisor(
    {
      clock,
      log,
      record,
      ipvs: () => ipvs.client(),
      toChecks: (message) => checks.send(message),
      toEngine: (message) => {
        if (message.type === 'readiness') witness.ready(message.ready, message.reason);
        engine?.send(message);
      },
      roles: () => configureSync(),
      syncTrusted: openTrust(options.stateDir).trusted,
      scripts: async (vrid, action) => {
        const outcome = await resources.run(vrid, action);
        const {groups} = core.loaded.cluster.haresources;
        const group = groups[groupIds(groups).indexOf(vrid)];
        if (group) for (const draft of ofScripts(group, action, outcome)) record(draft);
        return outcome;
      },
      held: () => (book.held.size === 0 ? outward.held : new Map([...outward.held, ...book.held])),
      weights: () => book.weights,
      changed: () => outward.changed(),
      later: (delay, work) => {
        setTimeout(work, delay).unref();
      },
    },
    first.loaded,
  );
  const book = openOrderBook({
    stateDir: options.stateDir,
    log,
    wall: () => clock.wall(),
    changed: () => {
      void core.reconcile();
    },
  });
  const outward = makeOutward({
    clock,
    log,
    node: options.node,
    sendMail,
    judged: core.judged,
    acting: () => core.acting,
    counting: core.counting,
    heldChanged: () => void core.reconcile(),
  });

  const resources = makeResourceKeeper({
    clock,
    log,
    memory: `${options.runDir}/resources.json`,
    agent: (resource) =>
      findAgent(resource, {
        configDir: options.configDir,
        runDir: options.runDir,
        node: options.node,
        log,
        sendMail: (mail) => {
          const smtp = core.loaded.cluster.ldirectord.find((file) => file.email.smtp)?.email.smtp;
          return sendMail(smtp === undefined ? mail : {...mail, smtp});
        },
      }),
    active: (vrid) => core.roles.get(vrid) === 'Active',
    giveUp: (vrid, reason, holdOff) => void engine?.send({type: 'give-up', vrid, reason, holdOff}),
    stuck: (reason) => {
      const [file, ...words] = core.loaded.cluster.ha?.hactl.fence?.split(/\s+/) ?? [];
      if (file === undefined) return;
      log('error', `${reason}: this machine has itself fenced`);
      void runCommand({file, words: [...words, options.node], name: `fence ${file}`}, log);
    },
  });
  const configureResources = (): void =>
    resources.configure(
      core.loaded.cluster.haresources.groups,
      core.loaded.cluster.ha?.hactl.resources ?? [],
    );

  const respawns = keepRespawns({
    clock,
    log,
    failedFast: (reason) => {
      for (const {vrid} of core.loaded.engine?.groups ?? [])
        engine?.send({type: 'give-up', vrid, reason, holdOff: FAILFAST_HOLD_OFF});
    },
  });
  respawns.configure(first.loaded.cluster.ha?.respawns ?? []);

  const pooled = (name: string): {spare?: Spare} => {
    const spare = options.pool?.get(name);
    return spare ? {spare} : {};
  };
  const checks = keepChild<ToChecks, FromChecks>({
    name: 'checks',
    ...programs.checks,
    ...pooled('checks'),
    clock,
    onMessage: (message) => {
      core.onChecks(message);
      if (message.type !== 'reports') return;
      outward.reported(message.reports);
      for (const resolve of reported.splice(0)) resolve();
    },
    onDeath: (how) => {
      record(ofDeath('checks', how));
      log('error', `the checks process ended (${how}); the table stays as it is, starting it again`);
    },
  });

  const sync = keepChild<ToSync, FromSync>({
    name: 'sync',
    ...programs.sync,
    ...pooled('sync'),
    clock,
    onMessage: (message) => {
      if (message.type === 'ready') configureSync();
      else if (message.type === 'status') {
        syncStatus = message.status;
        witness.sync(message.status);
        core.onSync(message.status);
      } else if (message.type === 'log') log(message.level, `sync: ${message.message}`);
    },
    onDeath: (how) => {
      record(ofDeath('sync', how));
      log('error', `the sync process ended (${how}); the kernel's daemon goes on, starting it again`);
    },
  });
  const configureSync = (): void => {
    const {cluster} = core.loaded;
    const settings = syncSettings(cluster, options.node.toLowerCase(), options.stateDir);
    sync.send({
      type: 'configure',
      groups: syncGroups(cluster.haresources.groups, core.roles),
      ...(settings ? {settings} : {}),
    });
  };

  const onEngineDeath = (how: string): void => {
    const {engine: config} = core.loaded;
    const peerLives = core.peerLives;
    record(ofDeath('failover', how));
    log('error', `the failover engine ended (${how}); starting it again`);
    if (config && peerLives) {
      // The peer can serve: hand over at once instead of letting it wait for the dead time.
      removeVips(
        config.groups.flatMap((group) => group.vips),
        log,
      );
      void sendPriorityZero(config, clock.wall()).catch((error: unknown) =>
        log('warn', `no death notice: ${String(error)}`),
      );
    }
    core.onEngineDeath();
  };
  const engine = first.loaded.engine
    ? keepChild<ToEngine, FromEngine>({
        name: 'failover',
        ...programs.failover,
        ...pooled('failover'),
        clock,
        onMessage: (message) => {
          witness.engine(message);
          core.onEngine(message);
          // The paths are open: heartbeat starts its clients now.
          if (message.type === 'status') respawns.up();
          if (message.type === 'transition') outward.transition(message.transition);
          if (message.type === 'ready') engine?.send({type: 'tracked', lost: tracker.lost});
          if ('id' in message) answers.get(message.id)?.(message);
        },
        onDeath: onEngineDeath,
      })
    : undefined;

  /** Asks the engine and waits for the answer with the same id; undefined: no answer in time. */
  const askEngine = (make: (id: number) => ToEngine, limit: number): Promise<FromEngine | undefined> =>
    new Promise((resolve) => {
      lastId += 1;
      const id = lastId;
      const finish = (message: FromEngine | undefined): void => {
        clearTimeout(timer);
        answers.delete(id);
        resolve(message);
      };
      const timer = setTimeout(() => finish(undefined), limit);
      answers.set(id, finish);
      if (!engine?.send(make(id))) finish(undefined);
    });

  const tracker = trackScripts(log, (lost) => void engine?.send({type: 'tracked', lost}));
  tracker.configure(first.loaded.cluster.ha?.hactl.trackScripts ?? []);
  configureResources();

  void ipvs.open();
  const difference = watchDifference({
    clock,
    log,
    running: () => core.loaded,
    ask: (command, limit) => askPeer(command, limit),
  });
  const mirror = makeOrderMirror({
    clock,
    log,
    ask: (command, limit) => askPeer(command, limit),
    peerLives: () => core.peerLives,
    state: () => book.state,
    take: (theirs) => book.take(theirs),
  });
  const poll = setInterval(() => {
    core.updateReadiness();
    difference.look(core.engineStatus);
    mirror.look();
    engine?.send({type: 'status', id: 0});
    sync.send({type: 'status'});
  }, STATUS_EVERY);

  /** ldirectord's monitorfile has a line for each check: the checks are asked as often as they are made. */
  let monitorTimer: NodeJS.Timeout | undefined;
  const monitor = (): void => {
    clearInterval(monitorTimer);
    const every = outward.reportEvery;
    if (every !== undefined) monitorTimer = setInterval(() => checks.send({type: 'report'}), every);
  };
  book.configure(first.loaded.cluster.ldirectord);
  outward.configure(first.loaded.cluster.ldirectord, first.loaded.cluster.ha?.hactl.alerts);
  monitor();

  // ---------------------------------------------------------------------------------------------------- reload
  async function takeIntoUse(next: Loaded, why: string): Promise<void> {
    const {ha, ldirectord} = next.cluster;
    logger.configure(next.cluster);
    book.configure(ldirectord);
    outward.configure(ldirectord, ha?.hactl.alerts);
    core.reload(next);
    configureResources();
    monitor();
    chores.configure(ha);
    await allow();
    tracker.configure(ha?.hactl.trackScripts ?? []);
    peerServer.configure();
    desk.keep(next, why);
  }

  /** Opens the control socket to the groups of the configuration. */
  async function allow(): Promise<void> {
    accessProblems = await control.configure(core.loaded.cluster.ha?.hactl ?? {});
    for (const problem of accessProblems) log('warn', problem);
  }

  // ------------------------------------------------------------------------------------------------- the socket
  /** The checks process tells of every change by itself; when a check was made last it says when it is asked. */
  const freshReports = (): Promise<void> =>
    new Promise((resolve) => {
      // One that has not said a word yet would not answer in time.
      if (checks.status().state !== 'running' || !checks.send({type: 'report'})) return resolve();
      const timer = setTimeout(resolve, STATUS_LIMIT);
      reported.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });

  /** What the engine says by itself is up to half a second old. */
  const freshStatus = async (): Promise<void> => {
    if (engine?.status().state === 'running') await askEngine((id) => ({type: 'status', id}), STATUS_LIMIT);
  };

  async function snapshot(): Promise<StatusSnapshot> {
    await freshStatus();
    await freshReports();
    const part = await core.status();
    const processes = [engine, checks, sync].flatMap((child) => (child ? [child.status()] : []));
    const {loaded} = core;
    const spare = options.spare?.();
    return {
      version: PROTOCOL_VERSION,
      node: options.node,
      daemonVersion: VERSION,
      wall: clock.wall(),
      configDir: options.configDir,
      configLoaded: loaded.at,
      configNotices: loaded.notices,
      ...(configuration.problem === undefined ? {} : {configProblem: configuration.problem}),
      configDigest: loaded.digest,
      ...(difference.difference ? {configDifference: difference.difference} : {}),
      ldirectord: loaded.cluster.ldirectord.map((file) => file.path),
      processes: [
        {name: 'supervisor', state: 'running', pid: process.pid, restarts: 0, ...(spare ? {spare} : {})},
        ...processes,
      ],
      sync: {
        daemons: syncStatus?.daemons ?? [],
        ...(syncStatus?.report === undefined ? {} : {report: syncStatus.report}),
        ...(syncStatus?.problem === undefined ? {} : {problem: syncStatus.problem}),
      },
      orders: book.views(outward.held),
      problems: [
        ...processes.flatMap((one) => (one.state === 'dead' ? [`process ${one.name} is dead`] : [])),
        ...(difference.difference ? [differenceText(difference.difference)] : []),
        ...resources
          .list()
          .flatMap(({phase, name, reason}) => (phase === 'failed' ? [`resource ${name}: ${reason}`] : [])),
        ...accessProblems,
      ],
      ...part,
    };
  }

  const handlers = (): Handlers => ({
    status: snapshot,
    events: journal.answer,
    reload: () => configuration.reload(),
    peer: ({ask}) => askPeer(ask, PEER_LIMIT),
    ...desk.handlers,
    move: async ({move, scope}) => {
      if (!engine)
        throw new CommandError('no-pair', 'this director has no ha.cf: there is no peer to move to');
      const done = await askEngine((id) => ({type: 'move', id, move, scope}), MOVE_LIMIT);
      if (done?.type !== 'move-done')
        throw new CommandError('timeout', 'the failover engine did not finish the move');
      return done;
    },
    resource: async (command) => {
      await freshStatus();
      const {engine: status} = await core.status();
      const vips = status?.groups.flatMap((group) => group.vips) ?? [];
      return resourceCommand(command, {
        groups: core.loaded.cluster.haresources.groups,
        roles: core.roles,
        held: new Set(vips.flatMap(({address, held}) => (held ? [address] : []))),
        daemons: (syncStatus?.daemons ?? []).map(({role}) => role),
        keeper: resources,
      });
    },
    order: async (command) => tellPeer(await book.order(command, {heldByFile: outward.held})),
    resync: async () => {
      if (!syncStatus?.report)
        throw new CommandError(
          'no-sync',
          syncStatus?.problem ??
            'no connection sync: haresources has no LVSSyncDaemonSwap, or there is no peer',
        );
      if (!syncStatus.report.peer)
        throw new CommandError('no-peer', "the peer's sync process is not heard: nobody to ask for a table");
      sync.send({type: 'resync'});
      return {asked: true, resyncs: syncStatus.report.resyncs};
    },
  });
  const settingsOfPeer = (): PeerSettings | undefined =>
    peerSettings(core.loaded.cluster, options.node.toLowerCase(), core.engineStatus);
  /** Asks the peer's supervisor; throws a CommandError that says why it could not be asked, or what it refused. */
  const askPeer: AskPeer = async (command, limit) => {
    const settings = settingsOfPeer();
    if (!settings)
      throw new CommandError('no-pair', 'there is no peer to ask: no pair in ha.cf, or hactl_peer_port is 0');
    return askPeerAt(settings, command, limit);
  };
  /** An order that the peer does not know would end with a takeover. */
  async function tellPeer(done: OrderOutcome): Promise<OrderOutcome> {
    const peer = core.loaded.engine?.nodes.find((name) => name !== options.node.toLowerCase());
    if (peer === undefined) return done;
    const problem = await mirror.exchange();
    const note =
      problem === undefined
        ? `${peer} has the order too`
        : `${peer} does not have the order yet, and is told as soon as it can be asked: ${problem}`;
    return {...done, notes: [...done.notes, note]};
  }
  const desk = makeConfigDesk({
    configDir: options.configDir,
    store,
    log,
    load: configuration.load,
    running: () => core.loaded,
    reload: configuration.reload,
    ask: askPeer,
    peer: () => settingsOfPeer()?.peers.join(', ') ?? 'the peer',
    accepts: () => core.loaded.cluster.ha?.hactl.push ?? false,
    wall: () => clock.wall(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    connections: async () => connectionsOf((await core.status()).virtuals),
  });
  /** What is carried out for the peer. */
  const peerHandlers: PeerHandlers = {
    status: snapshot,
    events: journal.answer,
    orders: async ({state}) => {
      book.take(state);
      return book.state;
    },
    ...desk.peerHandlers,
  };
  const peerServer = servePeer({log, record, settings: settingsOfPeer, answer: answerPeerWith(peerHandlers)});
  // Children that stood by have said that they are ready: they get their orders before anything else is done here.
  await new Promise((resolve) => setImmediate(resolve));
  peerServer.configure();
  const control = await openControl(options.runDir, journalled(record, answerWith(handlers())));
  await allow();
  const chores = scheduleChores({log, configDir: options.configDir});
  chores.configure(first.loaded.cluster.ha);
  configuration.watch(first.files);
  desk.keep(first.loaded, 'start');
  journal.open();
  log('info', `director ${options.node} runs with ${options.configDir}`);

  return {
    reload: configuration.reload,
    stop: async () => {
      daemonEvent('stops');
      clearInterval(poll);
      tracker.stop();
      configuration.stop();
      clearInterval(monitorTimer);
      chores.stop();
      peerServer.close();
      desk.stop();
      // First the addresses go to the peer, then what served them here.
      await engine?.stop({type: 'stop'}, STOP_ENGINE_LIMIT);
      await Promise.all([resources.stop(), respawns.stop()]);
      await outward.stop();
      await Promise.all([checks.stop({type: 'stop'}, STOP_LIMIT), sync.stop({type: 'stop'}, STOP_LIMIT)]);
      await core.cleanStop();
      ipvs.close();
      await journal.close();
      await control.close();
    },
  };
}
