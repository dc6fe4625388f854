/** A supervisor: the real clock, children and kernel. core.ts decides. */
import {mkdirSync, rmSync} from 'node:fs';
import os from 'node:os';
import {collectEarly} from '@hactl/base/heap';
import {endOrphans} from '@hactl/base/run';
import type {SpareState} from '../control/protocol.ts';
import {makeLogger, type Level} from '../system/log.ts';
import {READY_LIMIT_MS, SETTLE_LIMIT_MS} from '../system/limits.ts';
import {journalHasSyslog} from '../system/syslog.ts';
import {openServiceManager} from '../system/service-manager.ts';
import type {Spare} from './child.ts';
import {given, isGiven} from './command-line.ts';
import {runDirector, type Director} from './director.ts';
import {lockDirectories} from './lock.ts';
import {ownDirectory} from './own-directory.ts';
import {isSpare, LOADED, SETTLED, SPARE_VARIABLE, type LauncherMessage} from './launcher-messages.ts';
import type {DirectorOptions} from './options.ts';
import {childNames, prefork} from './programs.ts';
import {rehearse} from './rehearsal.ts';

const only = given('ldirectord');

const PREFORK_AFTER = 2_000;
/** Well within the WatchdogSec of the unit. */
const ALIVE_EVERY_MS = 250;
const ORPHANS_AFTER_MS = 1_000;
/** The launcher kills a stopping supervisor that stays silent for longer. */
const STILL_STOPPING = 5_000;
const manager = openServiceManager((text) => {
  if (process.env.HACTL_NOTIFY !== undefined && process.connected) process.send?.({notify: text});
});
/** The spares that the launcher has loaded, in case this process dies. */
let successor: SpareState | undefined;
const logger = makeLogger({
  level: given('log-level') as Level,
  format: given('log-format') === 'json' ? 'json' : 'human',
  node: given('node') || os.hostname(),
  underJournal: process.env.JOURNAL_STREAM !== undefined,
  journalHasSyslog: journalHasSyslog(),
});
const options: DirectorOptions = {
  configDir: given('config-dir'),
  runDir: given('run-dir'),
  stateDir: given('state-dir'),
  node: given('node') || os.hostname(),
  mode: isGiven('strict') ? 'strict' : 'lenient',
  logger,
  ...(only === '' ? {} : {only}),
};
const {runDir, stateDir} = options;
const {log} = logger;

/** A spare started by the launcher does nothing until it is activated, and ends with the launcher. */
async function waitAsSpare(): Promise<ReadonlyMap<string, Spare> | undefined> {
  process.title = 'hactld-spare';
  collectEarly();
  const orphaned = (): never => process.exit(0);
  process.once('disconnect', orphaned);
  // While waiting it loads its children as well.
  let pool: ReadonlyMap<string, Spare> | undefined;
  let isReported = false;
  const timer = setTimeout(() => {
    const rehearsed = rehearse(options);
    pool = prefork(childNames, () => {
      void rehearsed.then(() => {
        if (!isReported) process.send?.(LOADED);
      });
    });
  }, PREFORK_AFTER);
  await new Promise((resolve) => process.once('message', resolve));
  isReported = true;
  clearTimeout(timer);
  process.off('disconnect', orphaned);
  return pool;
}

/** Makes the directories, and locks them for this director. Exits with 2 if they are not to be used. */
async function openDirectories(): Promise<void> {
  for (const [directory, mode] of [
    [runDir, 0o750],
    [stateDir, 0o700],
  ] as const)
    try {
      mkdirSync(directory, {recursive: true, mode});
    } catch (error) {
      // A write failure there is logged and does not stop the service.
      log('error', `${directory} cannot be created: ${String(error)}`);
    }
  for (const [directory, below] of [
    [runDir, []],
    [stateDir, ['config']],
  ] as const) {
    const problem = ownDirectory(directory, below, log);
    if (problem === undefined) continue;
    log('error', `${problem}; nothing was started`);
    await logger.close();
    process.exit(2);
  }
  // Users know the launcher's pid.
  const taken = await lockDirectories(
    [...new Set([runDir, stateDir])],
    process.env[SPARE_VARIABLE] === undefined ? process.pid : process.ppid,
    log,
  );
  if (taken) {
    const {directory, pid} = taken;
    log(
      'error',
      `another hactld${pid === undefined ? '' : ` (pid ${pid})`} runs with ${directory}: nothing was started; stop it, or give this one its own directories (--run-dir, --state-dir)`,
    );
    await logger.close();
    process.exit(2);
  }
}

/** Kills the programs of a killed process, which could not do it itself. */
const sweep = (): void => {
  const ended = endOrphans();
  if (ended > 0) log('warn', `${ended} programs of a killed process were ended`);
};

/**
 * Runs a director until it is stopped. `pool`: children that were started before this program was loaded.
 */
export async function supervise(pool: ReadonlyMap<string, Spare> | undefined): Promise<void> {
  const children = isSpare() ? await waitAsSpare() : pool;
  process.title = 'hactld-supervisor';
  await openDirectories();

  process.on('message', ({spare}: LauncherMessage) => (successor = spare));
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  // The children of a killed supervisor exit a moment after it. It reads a file of every process: not while an address waits.
  void settled.then(() => setTimeout(sweep, ORPHANS_AFTER_MS).unref());
  const director = await runDirector({
    ...options,
    settled,
    ...(children ? {pool: children} : {}),
    spare: () => successor,
  });
  if (!director) {
    await logger.close();
    return process.exit(2);
  }
  collectEarly();
  process.send?.('ready');
  void settled.then(() => {
    if (process.connected) process.send?.(SETTLED);
  });

  const begunAt = performance.now();
  const look = (): void => {
    manager.alive();
    const {ready, reason} = director.readiness();
    if (ready || performance.now() - begunAt > SETTLE_LIMIT_MS) settle();
    manager.readiness(ready, reason, performance.now() - begunAt > READY_LIMIT_MS);
  };
  look();
  setInterval(look, ALIVE_EVERY_MS).unref();
  stopWhenAsked(director);
}

/** Signals, and the end of the launcher. */
function stopWhenAsked(director: Director): void {
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    manager.stopping();
    log('info', `stopping: ${why}`);
    setInterval(() => {
      if (process.connected) process.send?.('stopping');
    }, STILL_STOPPING);
    void director.stop().then(async () => {
      for (const name of ['control.sock', 'control-read.sock']) rmSync(`${runDir}/${name}`, {force: true});
      // Written by the ldirectord command; a killed daemon leaves it behind, and ldirectord detects that.
      if (only !== '') rmSync(`${runDir}/ldirectord.pid`, {force: true});
      endOrphans();
      await logger.close();
      process.exit(0);
    });
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGHUP', () => {
    logger.reopen();
    void director.reload();
  });
  // Without a launcher nobody would restart the supervisor: hand over gracefully.
  process.on('disconnect', () => stop('the launcher is gone'));
  process.on('uncaughtException', (error) => {
    // A bug: exit at once. The engine notices and hands over to the peer, and the launcher starts a new supervisor.
    log('error', `internal error, the supervisor exits: ${error.stack ?? error.message}`);
    process.exitCode = 70;
    setImmediate(() => process.exit(70));
  });
}
