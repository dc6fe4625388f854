/** The actions of `ldirectord`, with ldirectord's exit statuses. */
import {spawn, type ChildProcess} from 'node:child_process';
import {realpathSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {printableText} from '@hactl/base/printable';
import {ask} from '../../control/client.ts';
import {controlSocket, type Paths} from '../../system/paths.ts';
import {programFile} from '../../system/programs.ts';
import {checkFile} from './check.ts';
import type {CommandLine} from './command-line.ts';
import {acquire, findInstance, readPidFile, release, type Instance} from './instance.ts';
import {LDIRECTORD_STOP_LIMIT_MS, PROBE_LIMIT_MS, START_LIMIT_MS} from '../../system/limits.ts';

/** ldirectord's exit statuses. */
export const status = {ok: 0, failed: 1, config: 2, stopped: 3, usage: 255} as const;

const LOOK_EVERY = 50;

const hactld = programFile('hactld');
const say = (line: string): boolean => process.stderr.write(`${printableText(line)}\n`);

const sameFile = (text: string, resolved: string): boolean => {
  try {
    return realpathSync(text) === resolved;
  } catch {
    return text === resolved;
  }
};

/** The pair's director, if it serves this file itself: then the file already has its daemon. */
async function servedByPair(instance: Instance, paths: Paths): Promise<number | undefined> {
  try {
    const snapshot = await ask(controlSocket(paths.runDir), {command: 'status'}, PROBE_LIMIT_MS);
    if (!snapshot.ldirectord?.some((file) => sameFile(file, instance.file))) return undefined;
    return snapshot.processes.find((status) => status.name === 'supervisor')?.pid;
  } catch {
    return undefined;
  }
}

function launch(instance: Instance, paths: Paths, foreground: boolean, debug: boolean): ChildProcess {
  const words = [
    '--config-dir',
    paths.configDir,
    '--run-dir',
    instance.runDir,
    '--state-dir',
    instance.stateDir,
  ];
  const level = debug ? ['--log-level', 'debug'] : [];
  return spawn(process.execPath, [hactld, ...words, '--ldirectord', instance.file, ...level], {
    detached: !foreground,
    stdio: foreground ? 'inherit' : 'ignore',
  });
}

const answers = async (instance: Instance): Promise<boolean> => {
  try {
    await ask(controlSocket(instance.runDir), {command: 'status'}, PROBE_LIMIT_MS);
    return true;
  } catch {
    return false;
  }
};

/** In the foreground this command exits with the daemon and forwards its signals. */
async function stayWith(child: ChildProcess, instance: Instance): Promise<number> {
  const reported = new Set<string>();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (signal !== 'SIGHUP') reported.add(signal);
      child.kill(signal);
    });
  const code = await new Promise<number>((resolve) =>
    // A daemon that gets SIGTERM before it handles it dies of the signal: it stopped as requested anyway.
    child.on('exit', (exit, signal) =>
      resolve(exit ?? (signal && reported.has(signal) ? status.ok : status.failed)),
    ),
  );
  release(instance);
  return code;
}

async function start(instance: Instance, paths: Paths, debug: boolean): Promise<number> {
  if (!instance.exists) {
    say(`Config file ${instance.file} not found`);
    return status.failed;
  }
  const model = await checkFile(instance, paths);
  if (!model) return status.config;
  const before = readPidFile(instance);
  if (before.state === 'running' || (await servedByPair(instance, paths)) !== undefined) return status.ok;
  if (before.state === 'stale') release(instance);
  const foreground = debug || model.supervised;
  const child = launch(instance, paths, foreground, debug);
  const ended = new Promise<'ended'>((resolve) => {
    child.on('exit', () => resolve('ended'));
    child.on('error', (error) => {
      say(`ldirectord cannot be started: ${error.message}`);
      resolve('ended');
    });
  });
  if (child.pid === undefined || !acquire(instance, child.pid)) {
    child.kill();
    return child.pid === undefined ? status.failed : status.ok;
  }
  if (foreground) return stayWith(child, instance);
  const end = performance.now() + START_LIMIT_MS;
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  while (!gone && performance.now() < end) {
    // oxlint-disable-next-line no-await-in-loop -- asked again until it answers.
    if (await answers(instance)) {
      child.unref();
      return status.ok;
    }
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await sleep(LOOK_EVERY);
  }
  if (gone) release(instance);
  say(
    `ldirectord for ${instance.file} ${gone ? 'ended at once' : `does not answer after ${START_LIMIT_MS} ms`}: see its log`,
  );
  return status.failed;
}

/** `wait` until the process is gone; ldirectord's own stop does not. */
async function stop(instance: Instance, wait: boolean): Promise<void> {
  const found = readPidFile(instance);
  if (found.state !== 'running') {
    release(instance);
    return;
  }
  process.kill(found.pid, 'SIGTERM');
  const end = performance.now() + LDIRECTORD_STOP_LIMIT_MS;
  // oxlint-disable-next-line no-await-in-loop -- looked at again until it is gone.
  while (wait && readPidFile(instance).state === 'running' && performance.now() < end)
    await sleep(LOOK_EVERY);
}

async function showStatus(instance: Instance, paths: Paths): Promise<number> {
  const found = readPidFile(instance);
  const pid = found.state === 'running' ? found.pid : await servedByPair(instance, paths);
  if (pid !== undefined) {
    say(`ldirectord for ${instance.file} is running with pid: ${pid}`);
    return status.ok;
  }
  if (found.state === 'stale') {
    say(`ldirectord stale pid file ${instance.pidFile} for ${instance.file}`);
    return status.failed;
  }
  process.stdout.write(`ldirectord is stopped for ${instance.file}\n`);
  return status.stopped;
}

async function reload(instance: Instance, paths: Paths): Promise<number> {
  if (instance.exists && !(await checkFile(instance, paths))) return status.config;
  const found = readPidFile(instance);
  if (found.state === 'running') {
    process.kill(found.pid, 'SIGHUP');
    return status.ok;
  }
  if ((await servedByPair(instance, paths)) === undefined) return status.failed;
  await ask(controlSocket(paths.runDir), {command: 'reload'}, START_LIMIT_MS);
  return status.ok;
}

/** Runs one action; resolves with the exit status. */
export async function act(
  {action, config, debug}: Extract<CommandLine, {kind: 'act'}>,
  paths: Paths,
): Promise<number> {
  const instance = findInstance(config, paths);
  if (action === 'status') return showStatus(instance, paths);
  if (action === 'start') return start(instance, paths, debug);
  if (action === 'reload' || action === 'force-reload') return reload(instance, paths);
  const pair = readPidFile(instance).state === 'running' ? undefined : await servedByPair(instance, paths);
  if (pair !== undefined) {
    say(
      `${instance.file} is served by hactld (pid ${pair}) for the pair: stop hactld, or take the file out of haresources`,
    );
    return status.failed;
  }
  if (action === 'stop') {
    await stop(instance, false);
    return status.ok;
  }
  if (action === 'try-restart' && readPidFile(instance).state !== 'running') return status.ok;
  // A broken file must not stop a working daemon.
  if (!instance.exists || !(await checkFile(instance, paths))) return start(instance, paths, debug);
  await stop(instance, true);
  release(instance);
  return start(instance, paths, debug);
}
