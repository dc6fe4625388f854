/**
 * Trees of Debian packages, without root and without installing anything: apt with private directories fetches the
 * packages, which are unpacked into separate folders under ~/.cache/hactl/lab.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A preparation step failed; the message says how to fix it. */
export class LabError extends Error {
  override name = 'LabError';
}

/** Contents of a tree. */
export interface TreePlan {
  /** Prefix of each output line; also the name of the folder for partial downloads. */
  readonly label: string;
  readonly packages: readonly string[];
  /** Anything else that determines the tree's content: part of the cache key. */
  readonly recipe: readonly unknown[];
  /** Alternative to suggest where apt is missing. */
  readonly without: string;
}

/** Tools for a plan's own steps. */
export interface TreeTools {
  /** The folder being filled; renamed to `tree` when complete. */
  readonly fresh: string;
  /** The final name. */
  readonly tree: string;
  /** Runs a step, printing its name before and its duration after. */
  readonly step: <T>(text: string, work: () => T) => T;
  /** Fetches the packages with those dependencies that this machine lacks. */
  readonly fetch: () => void;
  /** Fetches one package without dependencies. */
  readonly fetchAlone: (name: string) => void;
  /** A package's dependencies, from apt-cache. */
  readonly depends: (name: string) => string;
  /** Unpacks everything fetched; `members` returns tar's member arguments for a package. */
  readonly unpackAll: (members?: (deb: string) => readonly string[] | undefined) => void;
}

const cacheRoot = (): string =>
  path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'hactl/lab');

/** Enough for a download over a slow line and unpacking. */
const LOCK_LIMIT_MS = 20 * 60_000;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Builds the tree unless cached. `work` fills it; its result is stored with the tree. */
export function makeTree<T>(plan: TreePlan, say: (line: string) => void, work: (tools: TreeTools) => T): T {
  const base = cacheRoot();
  const list = createHash('sha256')
    .update(JSON.stringify([plan.packages, ...plan.recipe]))
    .digest('hex')
    .slice(0, 12);
  const tree = path.join(base, list);
  const done = path.join(tree, '.complete');
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8')) as T;
  if (spawnSync('apt-get', ['--version']).error)
    throw new LabError(`apt-get is not installed: ${plan.without}`);

  const apt = path.join(base, 'apt', plan.label);
  mkdirSync(apt, {recursive: true});
  const unlock = lockFolder(apt, () => existsSync(done));
  if (unlock === undefined) return JSON.parse(readFileSync(done, 'utf8')) as T;
  const archives = path.join(apt, 'archives');
  for (const folder of [path.join(apt, 'lists/partial'), path.join(archives, 'partial')])
    mkdirSync(folder, {recursive: true});
  const options = [
    `Dir::State::lists=${apt}/lists`,
    `Dir::Cache=${apt}`,
    `Dir::Cache::archives=${archives}`,
    'Debug::NoLocking=1',
    // As root apt would switch to a user without access to these folders.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'APT::Install-Recommends=false',
  ].flatMap((option) => ['-o', option]);
  const step = <R>(text: string, one: () => R): R => {
    const started = performance.now();
    say(`${plan.label}: ${text} …`);
    const result = one();
    say(`${plan.label}: ${text}: ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    return result;
  };
  const aptGet = (words: readonly string[], cwd?: string): void => {
    const {status, stderr} = spawnSync('apt-get', [...options, '-q', ...words], {
      cwd,
      encoding: 'utf8',
      env: {...process.env, LC_ALL: 'C'},
    });
    if (status !== 0)
      throw new LabError(
        `apt-get ${words.join(' ')} failed:\n${stderr.trim()}\nIs the network up, and does /etc/apt name a Debian mirror?`,
      );
  };

  const fresh = `${tree}.${process.pid}`;
  rmSync(fresh, {recursive: true, force: true});
  mkdirSync(fresh, {recursive: true});
  try {
    step('package lists', () => aptGet(['update']));
    const result = work({
      fresh,
      tree,
      step,
      fetch: () => aptGet(['-y', '--reinstall', '--download-only', 'install', ...plan.packages]),
      fetchAlone: (name) => aptGet(['download', name], archives),
      depends: (name) => execFileSync('apt-cache', [...options, 'depends', name], {encoding: 'utf8'}),
      unpackAll(members) {
        const debs = readdirSync(archives).filter((name) => name.endsWith('.deb'));
        const size = debs.reduce((sum, name) => sum + statSync(path.join(archives, name)).size, 0);
        step(`unpacking ${debs.length} packages, ${megabytes(size)}`, () => {
          for (const name of debs) unpack(path.join(archives, name), fresh, members?.(name));
        });
        // The archives contain these as empty folders, which would hide the host's symlinks.
        for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
          if (existsSync(path.join(fresh, folder))) rmdirSync(path.join(fresh, folder));
      },
    });
    writeFileSync(path.join(fresh, '.complete'), JSON.stringify(result));
    try {
      renameSync(fresh, tree);
    } catch {
      // Another run finished first: use its tree.
    }
    rmSync(archives, {recursive: true, force: true});
    return result;
  } finally {
    rmSync(fresh, {recursive: true, force: true});
    unlock();
  }
}

/**
 * Locks the folder for this process: the stages of `npm test` need the same tree at the same time. Waits while another process
 * holds the lock; returns undefined once `made()`. Takes over the lock of a dead process.
 */
export function lockFolder(folder: string, made: () => boolean): (() => void) | undefined {
  const lock = path.join(folder, 'lock');
  const until = performance.now() + LOCK_LIMIT_MS;
  while (!made()) {
    try {
      writeFileSync(lock, String(process.pid), {flag: 'wx'});
      const unlock = (): void => rmSync(lock, {force: true});
      // Its last owner may have finished between the look and the lock.
      if (!made()) return unlock;
      unlock();
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!isAlive(lock)) rmSync(lock, {force: true});
    else if (performance.now() > until)
      throw new LabError(
        `${lock}: locked by another run for ${LOCK_LIMIT_MS / 60_000} min; remove the file and try again`,
      );
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  return undefined;
}

/** Whether the lock's owner is alive, or has not written its pid yet. */
function isAlive(lock: string): boolean {
  try {
    const pid = readFileSync(lock, 'utf8');
    return pid === '' || existsSync(`/proc/${pid}`);
  } catch {
    return true;
  }
}

/**
 * Unpacks a package with everything under /usr: a real /lib would hide the host's symlink. With `members`, missing members are
 * no error.
 */
function unpack(deb: string, into: string, members: readonly string[] | undefined): void {
  const selection = members ?? ['--exclude=./usr/share/doc', '--exclude=./usr/share/man'];
  const script =
    'deb=$1 into=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --no-same-owner "$@"';
  const merge = '--transform=flags=r;s,^\\./\\(bin\\|sbin\\|lib\\|lib64\\)/,./usr/\\1/,';
  const {status, stderr} = spawnSync('sh', ['-c', script, 'unpack', deb, into, merge, ...selection], {
    encoding: 'utf8',
  });
  if (status !== 0 && members === undefined)
    throw new LabError(`cannot unpack ${deb}: ${stderr.trim().slice(-400)}`);
}
