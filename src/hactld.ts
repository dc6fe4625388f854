#!/usr/bin/env node
/**
 * The launcher: judges the command line, starts the supervisor and starts it again at once when it dies. It reads no file
 * and opens no socket, so there is nothing in it that could fail later. A second supervisor stands by, loaded and idle:
 * reading the program is most of a start. Signals to stop go on to the supervisor; its exit status is ours.
 */
import {fork, type ChildProcess} from 'node:child_process';
import {Command, CommanderError, Option} from 'commander';
import {backoff} from '@hactl/base';
import {DAEMON_TEXT, daemonOptions, formOf} from './system/daemon-options.ts';
import {VERSION} from './system/paths.ts';
import {programFile} from './system/programs.ts';
import {isNotification, LOADED, type LauncherMessage} from './daemon/launcher-messages.ts';
import {SUPERVISOR_STOP_LIMIT_MS} from './system/limits.ts';

/** The supervisor found the configuration or the command line unusable: starting it again would not help. */
const EXIT_CONFIG = 2;
const PAUSE_MAX = 2_000;
/** The spare is loaded when the first has long been at work. */
const SPARE_AFTER = 3_000;

const entry = programFile('supervisor');
/** MB of V8's young generation. With its own 16 answers to four greedy clients made the heap 340 MB, most of it garbage. */
const YOUNG_HEAP = 2;
process.title = 'hactld';
process.umask(0o027);

/** Exits with 2 where the command line is wrong: no supervisor is started for it. */
function judgeCommandLine(): void {
  const program = new Command('hactld')
    .description(`${DAEMON_TEXT} docs/hactl.md says more.`)
    .version(VERSION)
    .helpOption('--help', 'print this')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride();
  for (const option of daemonOptions) {
    const made = new Option(formOf(option).replace(/ (\S+)$/, ' <$1>'), option.text);
    program.addOption(option.choices === undefined ? made : made.choices(option.choices));
  }
  try {
    program.parse();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : EXIT_CONFIG);
  }
}
judgeCommandLine();

/** systemd's; scripts that are started from here do not speak for the daemon. */
const manager = process.env.NOTIFY_SOCKET;
delete process.env.NOTIFY_SOCKET;
delete process.env.WATCHDOG_PID;

/** Passes on what the supervisor says to systemd. A word that does not arrive is missed by systemd, and nothing else. */
async function notifyManager(text: string): Promise<void> {
  if (manager === undefined) return;
  const {sendUnixDatagram} = await import('@hactl/net');
  try {
    sendUnixDatagram(manager, text);
  } catch {
    // Its own limits tell systemd.
  }
}

let stopping = false;
let killer: NodeJS.Timeout | undefined;
let pause = 0;
let child: ChildProcess | undefined;
let spare: ChildProcess | undefined;
let everReady = false;

const launch = (): ChildProcess =>
  fork(entry, process.argv.slice(2), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, `--max-semi-space-size=${YOUNG_HEAP}`],
    env: {...process.env, HACTL_SPARE: '1', ...(manager === undefined ? {} : {HACTL_NOTIFY: '1'})},
  });

function makeSpare(): void {
  if (stopping || spare) return;
  const made = launch();
  spare = made;
  tell({spare: 'loading'});
  made.on('message', (word) => {
    if (spare === made && word === LOADED) tell({spare: 'loaded'});
  });
  made.on('exit', () => {
    if (spare !== made) return;
    spare = undefined;
    tell({});
  });
}

function tell(message: LauncherMessage): void {
  // One that just died is restarted, and told anew.
  if (child?.connected) child.send(message, () => undefined);
}

function start(): void {
  const startedAt = performance.now();
  const started = spare ?? launch();
  spare = undefined;
  child = started;
  // Until this word a supervisor only loads its program.
  started.send('go');
  started.on('message', (word) => {
    if (isNotification(word)) {
      void notifyManager(word.notify);
      return;
    }
    // Said as a spare, heard when it was none any more.
    if (word === LOADED) return;
    everReady = true;
    // Resources may take their time to stop: while it says so, it is waited for.
    killer?.refresh();
    if (!stopping) setTimeout(makeSpare, SPARE_AFTER);
  });
  started.on('exit', (code, signal) => {
    child = undefined;
    // One that is told to end before it listens for that dies of the signal: it ended as it was told anyway.
    if (stopping) process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1));
    if (code === 0 || (code === EXIT_CONFIG && !everReady)) process.exit(code);
    process.stderr.write(
      `hactld: the supervisor ended (${signal ?? `exit status ${code}`}); starting it again\n`,
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
