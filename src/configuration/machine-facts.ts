/** Checks the files' requirements against this machine. Read-only. */
import {spawnSync} from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import {missingAgent, programOf, type AgentPlaces} from '../resources/resource-agents.ts';
import {ACCESS_LIMIT_MS} from '../system/limits.ts';
import {isExecutable} from '../system/shell.ts';
import type {UnitSandbox} from '../system/unit-sandbox.ts';
import {findUser} from '../system/users.ts';
import type {FindInterface} from './engine-config.ts';
import type {MachineFacts} from './machine-judge.ts';

const why = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** Why nothing can be appended to a file; a missing file is created when there is something to write. */
function unwritable(file: string): string | undefined {
  try {
    const found = statSync(file, {throwIfNoEntry: false});
    if (found?.isDirectory()) return 'it is a directory';
    if (!found && !statSync(path.dirname(file)).isDirectory())
      return `${path.dirname(file)} is not a directory`;
    accessSync(found ? file : path.dirname(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return why(error);
  }
}

/** Without links; what is not there yet is in its folder. */
function resolved(file: string): string {
  const absolute = path.resolve(file);
  try {
    return realpathSync(absolute);
  } catch {
    try {
      return path.join(realpathSync(path.dirname(absolute)), path.basename(absolute));
    } catch {
      return absolute;
    }
  }
}

/** In a user namespace, files of unmapped users appear to belong to this uid: their owner is unknown. */
function unknownOwner(): number | undefined {
  try {
    const [first = '', ...more] = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
    if (more.length === 0 && Number(first.trim().split(/\s+/)[2]) >= 0xffff_fffe) return undefined;
    return Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'));
  } catch {
    return undefined;
  }
}

const STICKY = 0o1000;
const LINKS_MAX = 40;

/** The first problem on the way from / to a file, through links. What is not there yet ends the way. */
function alongPath(
  file: string,
  problemOf: (part: string, found: Stats, isDirectory: boolean) => string | undefined,
  judgeLink: (part: string, found: Stats) => string | undefined = () => undefined,
): string | undefined {
  let left = path
    .resolve(file)
    .split('/')
    .filter((part) => part !== '');
  let folder = '/';
  let links = 0;
  const root = problemOf('/', statSync('/'), true);
  if (root !== undefined) return root;
  while (left.length > 0) {
    const [part = '', ...rest] = left;
    left = rest;
    if (part === '..') {
      folder = path.dirname(folder);
      continue;
    }
    const next = path.join(folder, part);
    const found = lstatSync(next, {throwIfNoEntry: false});
    if (!found) return undefined;
    if (found.isSymbolicLink()) {
      const problem = judgeLink(next, found);
      if (problem !== undefined) return problem;
      links += 1;
      if (links > LINKS_MAX) return `${file} has too many links`;
      const target = readlinkSync(next);
      if (path.isAbsolute(target)) folder = '/';
      left = [...target.split('/').filter((word) => word !== '' && word !== '.'), ...left];
      continue;
    }
    const problem = problemOf(next, found, found.isDirectory());
    if (problem !== undefined) return problem;
    folder = next;
  }
  return undefined;
}

/** Linux's limits: octets read of a script's first line, and nested interpreters that are scripts. */
const SHEBANG_MAX = 256;
const INTERPRETERS_MAX = 4;

/** The absolute path behind `#!`. */
function interpreterOf(file: string): string | undefined {
  const head = Buffer.alloc(SHEBANG_MAX);
  try {
    if (!statSync(file).isFile()) return undefined;
    const fd = openSync(file, 'r');
    try {
      const octets = readSync(fd, head, 0, SHEBANG_MAX, 0);
      return /^#![ \t]*(\/\S+)/.exec(head.toString('latin1', 0, octets))?.[1];
    } finally {
      closeSync(fd);
    }
  } catch {
    // What cannot be read is not run either.
    return undefined;
  }
}

/** How somebody other than root could replace `file`, or what runs it: the first way found. undefined: nobody can. */
export function exposure(file: string): string | undefined {
  let script = file;
  for (let depth = 0; depth <= INTERPRETERS_MAX; depth += 1) {
    const problem = exposureOf(script);
    if (problem !== undefined) return script === file ? problem : `${script} runs it, and ${problem}`;
    const interpreter = interpreterOf(script);
    if (interpreter === undefined) return undefined;
    script = interpreter;
  }
  return undefined;
}

function exposureOf(file: string): string | undefined {
  const unknown = unknownOwner();
  const trusted = new Set([0, process.getuid?.() ?? 0, ...(unknown === undefined ? [] : [unknown])]);
  const problemOf = (file: string, {uid, gid, mode}: Stats, isDirectory: boolean): string | undefined => {
    if (!trusted.has(uid)) return `${file} belongs to uid ${uid}`;
    // In a sticky directory users rename and remove only their own files.
    if (isDirectory && (mode & STICKY) !== 0) return undefined;
    if ((mode & 0o002) !== 0) return `everybody may write to ${file}`;
    if ((mode & 0o020) !== 0 && gid !== 0) return `group ${gid} may write to ${file}`;
    return undefined;
  };
  // What is not there yet is root's to make: its directory is judged.
  return alongPath(file, problemOf, (link, {uid}) =>
    trusted.has(uid) ? undefined : `${link} belongs to uid ${uid}`,
  );
}

/**
 * Why a user cannot run a program (or read it, for an interpreter); undefined: it can, or only root could find out. The
 * kernel is asked, as that user: modes are not all that counts (ACLs).
 */
export function unreachable(file: string, name: string, need: 'run' | 'read'): string | undefined {
  const user = findUser(name);
  if (!user || user.uid === 0 || process.getuid?.() !== 0) return undefined;
  const question = need === 'run' ? 'test -r "$1" && test -x "$1"' : 'test -r "$1"';
  const {status} = spawnSync('/bin/sh', ['-c', question, 'sh', file], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
    env: {},
    stdio: 'ignore',
    timeout: ACCESS_LIMIT_MS,
  });
  if (status !== 1) return undefined;
  const isOpen = ({uid, gid, mode}: Stats, octal: number): boolean => {
    const digit = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    return (digit & octal) === octal;
  };
  const closed = alongPath(file, (part, found, isDirectory) => {
    const needed = isDirectory ? 1 : need === 'run' ? 5 : 4;
    return isOpen(found, needed) ? undefined : `${part} has mode ${(found.mode & 0o7777).toString(8)}`;
  });
  return closed ?? 'permission denied';
}

/** `sandbox`: what the daemon's unit forbids, for whoever asks from outside of it. */
export const machineFacts = (
  places: AgentPlaces,
  findInterface: FindInterface,
  sandbox: UnitSandbox = () => undefined,
): MachineFacts => ({
  findInterface,
  missingAgent: (resource) => missingAgent(resource, places),
  programOf: (resource) => programOf(resource, places),
  hasUser: (name) => findUser(name) !== undefined,
  isExecutable,
  isFile: (file) => statSync(file, {throwIfNoEntry: false})?.isFile() ?? false,
  unwritable: (file) => unwritable(file) ?? sandbox(resolved(file)),
  unreachable: (file, user, need) => {
    try {
      return unreachable(file, user, need);
    } catch (error) {
      return why(error);
    }
  },
  exposure: (file) => {
    try {
      return exposure(file);
    } catch (error) {
      return `${file} cannot be checked: ${why(error)}`;
    }
  },
});
