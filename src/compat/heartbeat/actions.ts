/** The actions of `heartbeat`, backed by hactld. Messages and exit statuses are heartbeat's. */
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {openToAppend} from '@hactl/base/files';
import {printableText} from '@hactl/base/printable';
import {ask, ControlError} from '../../control/client.ts';
import {controlSocket, type Paths} from '../../system/paths.ts';
import {programFile} from '../../system/programs.ts';
import {findInterface} from '../../daemon/kernel.ts';
import {loadDirectory} from '../../configuration/load.ts';
import {runLimited} from '@hactl/base/run';
import {isExecutable} from '../../system/shell.ts';
import type {Action} from './command-line.ts';
import {
  ASK_LIMIT_MS,
  COMMAND_LIMIT_MS,
  MOVE_LIMIT_MS,
  START_LIMIT_MS,
  STOP_LIMIT_MS,
} from '../../system/limits.ts';

/** Exit statuses of LSB's init scripts, as heartbeat uses them. */
export const status = {ok: 0, failed: 1, usage: 2, stopped: 3, unknown: 4, config: 6} as const;

const LOOK_EVERY = 50;

const hactld = programFile('hactld');
const write = (text: string): boolean => process.stdout.write(printableText(text));

/** The state and the parent of a process; undefined: it is gone. */
function processState(pid: number | undefined): {dead: boolean; parent: number} | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // "PID (NAME) STATE PPID": the name may hold blanks and parentheses.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Without a parent that reaps it, as in a container without an init, it stays a zombie.
    return {dead: state === 'Z', parent: Number(parent)};
  } catch {
    return undefined;
  }
}

/** The running daemon: signals go to its launcher. */
interface Running {
  readonly launcher: number;
  readonly node: string;
}

async function findRunning(paths: Paths): Promise<Running | 'stopped' | 'silent'> {
  try {
    const {processes, node} = await ask(controlSocket(paths.runDir), {command: 'status'}, ASK_LIMIT_MS);
    const supervisor = processes.find((status) => status.name === 'supervisor')?.pid;
    const launcher = processState(supervisor)?.parent;
    return launcher === undefined ? 'stopped' : {launcher, node};
  } catch (error) {
    return error instanceof ControlError && error.code === 'timeout' ? 'silent' : 'stopped';
  }
}

const daemonWords = ({configDir, runDir, stateDir}: Paths): string[] => [
  hactld,
  '--config-dir',
  configDir,
  '--run-dir',
  runDir,
  '--state-dir',
  stateDir,
];

/** heartbeat's hook around start and stop, if the administrator has one. */
async function hook(paths: Paths, ...words: string[]): Promise<void> {
  const file = path.join(paths.configDir, 'resource.d/startstop');
  if (isExecutable(file)) write((await runLimited(file, words, {limit: COMMAND_LIMIT_MS})).output);
}

/** Whether systemd runs the daemon: then systemd must stop and start it, or it would restart it. */
const ofSystemd = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes('/hactld.service');
  } catch {
    return false;
  }
};

/** If ha.cf names no log, the daemon's output must not be lost. */
function ownLog({stateDir}: Paths): number {
  mkdirSync(stateDir, {recursive: true, mode: 0o700});
  return openToAppend(path.join(stateDir, 'hactld.log'), 0o600);
}

async function start(paths: Paths): Promise<number> {
  if (!existsSync(path.join(paths.configDir, 'ha.cf'))) {
    write(`Heartbeat not configured: ${paths.configDir}/ha.cf not found.`);
    return status.config;
  }
  if ((await findRunning(paths)) !== 'stopped') return status.ok;
  // Read here first, so that errors go to the terminal.
  const {loaded, texts} = await loadDirectory({
    configDir: paths.configDir,
    stateDir: paths.stateDir,
    node: os.hostname(),
    mode: 'lenient',
    findInterface,
    wall: Date.now(),
  });
  if (!loaded) {
    process.stderr.write(printableText(`\n${texts.join('\n\n')}\n`));
    return status.config;
  }
  const {logFile, logFacility} = loaded.cluster.ha ?? {};
  const child = spawn(process.execPath, daemonWords(paths), {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', (logFile ?? logFacility) === undefined ? ownLog(paths) : 'ignore'],
  });
  let gone: string | undefined;
  child.on('exit', (code, signal) => {
    gone = `ended at once (${signal ?? `exit status ${code}`})`;
  });
  child.on('error', (error) => {
    gone = error.message;
  });
  const end = performance.now() + START_LIMIT_MS;
  while (gone === undefined && performance.now() < end) {
    // oxlint-disable-next-line no-await-in-loop -- asked again until it answers.
    if (typeof (await findRunning(paths)) === 'object') {
      child.unref();
      return status.ok;
    }
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await sleep(LOOK_EVERY);
  }
  process.stderr.write(`\nhactld ${gone ?? `does not answer after ${START_LIMIT_MS} ms`}: see its log\n`);
  return status.failed;
}

async function stop(paths: Paths): Promise<number> {
  const found = await findRunning(paths);
  if (found === 'stopped') return status.ok;
  if (found === 'silent') {
    process.stderr.write('\nhactld does not answer; ps shows it\n');
    return status.failed;
  }
  if (ofSystemd(found.launcher))
    return (await runLimited('systemctl', ['stop', 'hactld'], {limit: STOP_LIMIT_MS})).status === 0
      ? status.ok
      : status.failed;
  process.kill(found.launcher, 'SIGTERM');
  const end = performance.now() + STOP_LIMIT_MS;
  while (processState(found.launcher)?.dead === false) {
    if (performance.now() > end) return status.failed;
    // oxlint-disable-next-line no-await-in-loop -- looked at again until it is gone.
    await sleep(LOOK_EVERY);
  }
  return status.ok;
}

async function showStatus(paths: Paths): Promise<number> {
  const found = await findRunning(paths);
  if (found === 'stopped') {
    write('heartbeat is stopped. No process\n');
    return status.stopped;
  }
  if (found === 'silent') {
    write('heartbeat does not answer: it is running, and its state is unknown\n');
    return status.unknown;
  }
  write(`heartbeat OK [pid ${found.launcher} et al] is running on ${os.hostname()} [${found.node}]...\n`);
  return status.ok;
}

async function reload(paths: Paths): Promise<number> {
  try {
    const {ok, diagnostics} = await ask(controlSocket(paths.runDir), {command: 'reload'}, START_LIMIT_MS);
    if (!ok) process.stderr.write(printableText(`\n${diagnostics.join('\n\n')}\n`));
    return ok ? status.ok : status.config;
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    process.stderr.write(printableText(`\n${error.message}\n`));
    return status.failed;
  }
}

/** Moves all groups to the peer. heartbeat's command does not wait; this one reports the result. */
async function standby(paths: Paths): Promise<number> {
  if ((await findRunning(paths)) === 'stopped') {
    write('Heartbeat is not currently running.\n');
    return status.failed;
  }
  const {ok, reason} = await ask(
    controlSocket(paths.runDir),
    {command: 'move', move: 'standby', scope: 'all'},
    MOVE_LIMIT_MS,
  );
  if (!ok) process.stderr.write(printableText(`\n${reason}\n`));
  return ok ? status.ok : status.failed;
}

/** Prints the init script's message, acts, and prints the result. */
async function told(sentence: string, deed: () => Promise<number>): Promise<number> {
  write(sentence);
  const result = await deed();
  write(result === status.ok ? 'Done.\n' : ` Heartbeat failure [rc=${result}]. Failed.\n`);
  return result;
}

const sentences = {
  start: 'Starting High-Availability services: ',
  stop: 'Stopping High-Availability services: ',
  reload: 'Reloading High-Availability services: ',
} as const;

/** Runs one action; resolves with the exit status. */
export async function act(action: Action, plain: boolean, paths: Paths): Promise<number> {
  switch (action) {
    case 'status':
      return showStatus(paths);
    case 'start': {
      await hook(paths, 'pre-start');
      const result = await told(sentences.start, () => start(paths));
      await hook(paths, 'post-start', String(result));
      return result;
    }
    case 'stop': {
      if (plain) return stop(paths);
      await hook(paths, 'pre-stop');
      const result = await told(sentences.stop, () => stop(paths));
      await hook(paths, 'post-stop', String(result));
      return result;
    }
    case 'restart': {
      // No pause between the two: a stop ends when the peer has the groups.
      const stopped = await told(sentences.stop, () => stop(paths));
      return stopped === status.ok ? told(sentences.start, () => start(paths)) : stopped;
    }
    case 'reload':
    case 'force-reload':
      return plain ? reload(paths) : told(sentences.reload, () => reload(paths));
    case 'standby':
      return told('Attempting to enter standby mode: ', () => standby(paths));
  }
}

/** `heartbeat -f`: this process becomes the daemon's parent, and passes signals on. */
export function runInForeground(paths: Paths, debug: boolean): Promise<number> {
  const level = debug ? ['--log-level', 'debug'] : [];
  const child = spawn(process.execPath, [...daemonWords(paths), ...level], {stdio: 'inherit'});
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', () => resolve(status.failed));
    child.on('exit', (code) => resolve(code ?? status.failed));
  });
}
