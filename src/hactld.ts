#!/usr/bin/env node
/**
 * The launcher: validates the command line, starts the supervisor and restarts it at once when it dies. It reads no file and
 * opens no socket, so nothing in it can fail later. A spare supervisor is kept loaded and idle, because loading the program is
 * most of a start. Stop signals are forwarded to the supervisor; its exit status is ours.
 */
import {fork, type ChildProcess} from 'node:child_process';
import {backoff} from '@hactl/base';
import {withCause} from './system/exit-cause.ts';
import {keepFromKernel, offerToKernel} from './system/oom-score.ts';
import {programFile} from './system/programs.ts';
import {parseDaemonWords} from './daemon/command-line.ts';
import {
  isNotification,
  LOADED,
  SETTLED,
  SPARE_VARIABLE,
  type LauncherMessage,
} from './daemon/launcher-messages.ts';
import {SUPERVISOR_STOP_LIMIT_MS} from './system/limits.ts';

/** The supervisor found the configuration or the command line unusable: a restart would not help. */
const EXIT_CONFIG = 2;
const PAUSE_MAX = 2_000;
/** Delay before the spare loads, once the supervisor has settled. */
const SPARE_AFTER = 3_000;

const entry = programFile('supervisor');
/**
 * Answers to greedy clients are garbage at once: four that ask for all events grew the supervisor to 340 MB with V8's young
 * generation of 16 MB, to 204 to 227 with one of 2. It collects early, too (supervisor.ts), and has one malloc arena.
 */
const FRUGAL = ['--max-semi-space-size=2'];
process.title = 'hactld';
process.umask(0o027);

// The parser that explains is loaded only when there is something to explain: it would be a tenth of this program's start.
try {
  parseDaemonWords(process.argv.slice(2));
} catch (error) {
  const {explainCommandLine} = await import('./daemon/command-line-help.ts');
  process.exit(explainCommandLine(error) ? 0 : EXIT_CONFIG);
}

/** systemd's variables; scripts started from here must not notify in the daemon's name. */
const manager = process.env.NOTIFY_SOCKET;
delete process.env.NOTIFY_SOCKET;
delete process.env.WATCHDOG_PID;

/** Forwards the supervisor's messages to systemd. A lost message affects only systemd. */
async function notifyManager(text: string): Promise<void> {
  if (manager === undefined) return;
  const {sendUnixDatagram} = await import('@hactl/net');
  try {
    sendUnixDatagram(manager, text);
  } catch {
    // systemd's own time limits apply.
  }
}

let stopping = false;
let killer: NodeJS.Timeout | undefined;
let pause = 0;
let child: ChildProcess | undefined;
let spare: ChildProcess | undefined;
let everReady = false;

const launch = (asSpare: boolean): ChildProcess =>
  fork(entry, process.argv.slice(2), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...FRUGAL],
    env: {
      ...process.env,
      MALLOC_ARENA_MAX: '1',
      [SPARE_VARIABLE]: asSpare ? '1' : '0',
      ...(manager === undefined ? {} : {HACTL_NOTIFY: '1'}),
    },
  });

function makeSpare(): void {
  if (stopping || spare) return;
  const made = launch(true);
  spare = made;
  offerToKernel(made.pid);
  sendToSupervisor({spare: 'loading'});
  made.on('message', (word) => {
    if (spare === made && word === LOADED) sendToSupervisor({spare: 'loaded'});
  });
  made.on('exit', () => {
    if (spare !== made) return;
    spare = undefined;
    sendToSupervisor({});
  });
}

function sendToSupervisor(message: LauncherMessage): void {
  // One that just died is restarted and informed again.
  if (child?.connected) child.send(message, () => undefined);
}

function start(): void {
  const startedAt = performance.now();
  const loaded = spare;
  const started = loaded ?? launch(false);
  keepFromKernel(started.pid);
  spare = undefined;
  child = started;
  // Until this message a spare only loads its program.
  loaded?.send('go');
  started.on('message', (word) => {
    if (isNotification(word)) {
      void notifyManager(word.notify);
      return;
    }
    // Sent as a spare, received after its activation.
    if (word === LOADED) return;
    everReady = true;
    // Resources may take long to stop: wait as long as the supervisor reports progress.
    killer?.refresh();
    if (word === SETTLED && !stopping) setTimeout(makeSpare, SPARE_AFTER);
  });
  started.on('exit', (code, signal) => {
    child = undefined;
    // A supervisor that gets SIGTERM before it handles it dies of the signal: it stopped as requested anyway.
    if (stopping) process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1));
    if (code === 0 || (code === EXIT_CONFIG && !everReady)) process.exit(code);
    process.stderr.write(
      `hactld: the supervisor ended (${withCause(signal ?? `exit status ${code}`)}); restarting it\n`,
    );
    pause = spare ? 0 : backoff(performance.now() - startedAt, pause, {most: PAUSE_MAX});
    setTimeout(start, pause);
  });
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  spare?.kill('SIGKILL');
  if (!child) process.exit(0);
  child.kill('SIGTERM');
  killer = setTimeout(() => child?.kill('SIGKILL'), SUPERVISOR_STOP_LIMIT_MS).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('SIGHUP', () => child?.kill('SIGHUP'));
start();
