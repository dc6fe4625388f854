/**
 * Runs the administrator's programs: each is a process group leader, has a clean environment, and ends with the process that
 * started it. Not exported by the index, so that pure users of base do no I/O.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {signalGroup} from './process-group.ts';
import type {Millis} from './time.ts';

/** Environment variable that names the process a program must not outlive: pid, start time and pid namespace. */
const MARK = 'HACTL_CHILD_OF';
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const OUTPUT_MAX = 500;
/** How long to wait for the output of a program that has exited. */
const DRAIN_MS: Millis = 50;

/** A user that a program runs as. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Field 22 of /proc/PID/stat; undefined: no such process. */
function startTime(pid: number | 'self'): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Another pid namespace's pids are not ours. */
function namespaceOfPids(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return '0';
  }
}

let ownMark: string | undefined;
const markOfSelf = (): string =>
  (ownMark ??= `${process.pid}.${startTime('self') ?? 0}.${namespaceOfPids()}`);

/**
 * The environment of a program: only the variables a login has, so that it gets no secrets and no Node settings. `leave`: it
 * may leave programs running, as init scripts do, and they stay when we exit.
 */
export function programEnvironment(
  more: Readonly<Record<string, string>> = {},
  {user, leave = false}: {readonly user?: User; readonly leave?: boolean} = {},
): NodeJS.ProcessEnv {
  const {LANG, TZ, PATH = USUAL_PATH} = process.env;
  return {
    PATH,
    ...(LANG === undefined ? {} : {LANG}),
    ...(TZ === undefined ? {} : {TZ}),
    HOME: user?.home ?? '/root',
    USER: user?.name ?? 'root',
    LOGNAME: user?.name ?? 'root',
    SHELL: '/bin/sh',
    ...more,
    ...(leave ? {} : {[MARK]: markOfSelf()}),
  };
}

/** Kills every program that has outlived its process, with its group. Returns their number. */
export function endOrphans(): number {
  let ended = 0;
  const namespace = namespaceOfPids();
  const mark = new RegExp(`\0${MARK}=(\\d+)\\.(\\d+)\\.${namespace}\0`);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const marked = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
      const [, owner, started] = mark.exec(marked) ?? [];
      if (owner === undefined || startTime(Number(owner)) === started) continue;
      ended += 1;
      signalGroup({pid}, 'SIGKILL');
      process.kill(pid, 'SIGKILL');
    } catch {
      // Belongs to another user, or has just ended.
    }
  }
  return ended;
}

export interface RunOptions {
  /** Limit after which the whole group is killed. */
  readonly limit: Millis;
  /** SIGTERM at the limit, SIGKILL after this grace period; without it SIGKILL at the limit. */
  readonly grace?: Millis;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: User;
  /** Written to its standard input. */
  readonly input?: string;
  /** Which of its outputs are kept. Default: both. */
  readonly read?: 'both' | 'stdout' | 'none';
  /** Called with the program once started, so that a caller that stops first can kill it with `endGroup`. */
  readonly started?: (child: ChildProcess) => void;
}

export interface RunOutcome {
  /** The exit status, a signal's name, or why it could not be run. */
  readonly status: number | string;
  /** Its output, trimmed and truncated. */
  readonly output: string;
  readonly timedOut: boolean;
  /** It was never started. */
  readonly unstarted?: true;
}

/** SIGTERM to the group, SIGKILL after the grace; 0: SIGKILL at once. `ended` is called after the SIGKILL. */
export function endGroup(child: ChildProcess, grace: Millis, ended: () => unknown = () => undefined): void {
  const kill = (): void => {
    signalGroup(child, 'SIGKILL');
    ended();
  };
  if (grace <= 0) return kill();
  signalGroup(child, 'SIGTERM');
  // The group may outlive its leader: kill it whether or not the leader has exited.
  setTimeout(kill, grace).unref();
}

/** Starts a program as a process group leader. */
export function startProgram(
  file: string,
  words: readonly string[],
  {env, user, input, read = 'both'}: Omit<RunOptions, 'limit'> = {},
): ChildProcess {
  const output = (wanted: boolean): 'pipe' | 'ignore' => (wanted ? 'pipe' : 'ignore');
  return spawn(file, [...words], {
    detached: true,
    cwd: '/',
    stdio: [output(input !== undefined), output(read !== 'none'), output(read === 'both')],
    env: env ?? programEnvironment({}, user === undefined ? {} : {user}),
    ...(user !== undefined && process.getuid?.() === 0 ? {uid: user.uid, gid: user.gid} : {}),
  });
}

/**
 * Runs one program to its end; at the limit its whole group is killed. Background children may hold its output open: it is
 * still read, but not waited for. Never rejects.
 */
export function runLimited(file: string, words: readonly string[], options: RunOptions): Promise<RunOutcome> {
  return new Promise((resolve) => {
    let output = '';
    let timedOut = false;
    let timer: NodeJS.Timeout | undefined;
    const done = (status: number | string, unstarted = false): void => {
      clearTimeout(timer);
      const text = output.trim().slice(0, OUTPUT_MAX);
      resolve({status, output: text, timedOut, ...(unstarted ? {unstarted: true} : {})});
    };
    let child: ChildProcess;
    try {
      child = startProgram(file, words, options);
    } catch (error) {
      // No descriptor, process or memory left.
      return done(error instanceof Error ? error.message : String(error), true);
    }
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        if (output.length < OUTPUT_MAX) output += chunk.toString();
      });
    timer = setTimeout(() => {
      timedOut = true;
      endGroup(child, options.grace ?? 0);
    }, options.limit);
    child.on('error', (error) => done(error.message, true));
    child.on('close', (code, signal) => done(signal ?? code ?? 1));
    // Its last output may still be unread in the pipe when it ends: a due timer runs before the pipes are read.
    child.on('exit', (code, signal) =>
      setTimeout(() => setImmediate(() => done(signal ?? code ?? 1)), DRAIN_MS),
    );
    // A program that does not read its input is not an error.
    child.stdin?.on('error', () => undefined);
    if (options.input !== undefined) child.stdin?.end(options.input);
    options.started?.(child);
  });
}
