/**
 * Trees of Debian packages, without root and without installing anything: apt with private directories fetches the
 * packages, and they are unpacked into a folder of their own under ~/.cache/hactl/lab.
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

/** A preparation step failed; the message says what to do. */
export class LabError extends Error {
  override name = 'LabError';
}

/** What a tree is made of. */
export interface TreePlan {
  /** Before each line that people see; also the name of the folder that keeps half-done downloads. */
  readonly label: string;
  readonly packages: readonly string[];
  /** Whatever else decides the tree's content: another value, another tree. */
  readonly recipe: readonly unknown[];
  /** Where apt is missing: what can be done instead. */
  readonly without: string;
}

/** What a plan's own steps work with. */
export interface TreeTools {
  /** The folder being filled; it gets its name when all is done. */
  readonly fresh: string;
  /** That name. */
  readonly tree: string;
  /** Runs a step, with a line before it and its time after it. */
  readonly step: <T>(text: string, work: () => T) => T;
  /** Fetches the packages and what they need and this machine lacks. */
  readonly fetch: () => void;
  /** Fetches one package alone. */
  readonly fetchAlone: (name: string) => void;
  /** What apt-cache says of a package's dependencies. */
  readonly depends: (name: string) => string;
  /** Unpacks all that was fetched; `members` chooses tar's words for a package. */
  readonly unpackAll: (members?: (deb: string) => readonly string[] | undefined) => void;
}

const cacheRoot = (): string =>
  path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'hactl/lab');

/** A download over a slow line, and what is unpacked then. */
const LOCK_LIMIT_MS = 20 * 60_000;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Makes the tree, or finds it made: a second call takes no time. `work` fills it; what it returns is kept with the tree. */
export function makeTree<T>(plan: TreePlan, say: (line: string) => void, work: (tools: TreeTools) => T): T {
  const base = cacheRoot();
  const list = createHash('sha256')
    .update(JSON.stringify([plan.packages, ...plan.recipe]))
    .digest('hex')
    .slice(0, 12);
  const tree = path.join(base, list);
  const done = path.join(tree, '.complete');
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8')) as T;
  if (spawnSync('apt-get', ['--version']).error) throw new LabError(`apt-get is not here: ${plan.without}`);

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
    // As root apt would change to a user who may not enter these folders; anybody else stays who they are.
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
        // The folders themselves are members of the archives too; empty as they are, they would hide the host's links.
        for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
          if (existsSync(path.join(fresh, folder))) rmdirSync(path.join(fresh, folder));
      },
    });
    writeFileSync(path.join(fresh, '.complete'), JSON.stringify(result));
    try {
      renameSync(fresh, tree);
    } catch {
      // Another run was quicker; its tree is as good.
    }
    rmSync(archives, {recursive: true, force: true});
    return result;
  } finally {
    rmSync(fresh, {recursive: true, force: true});
    unlock();
  }
}

/**
 * Takes the folder for this process: the stages of `npm test` want the same tree at the same moment. Waits while another
 * process has it, and returns nothing when that one has made what was wanted. Whose process is gone has it no more.
 */
export function lockFolder(folder: string, made: () => boolean): (() => void) | undefined {
  const lock = path.join(folder, 'lock');
  const until = performance.now() + LOCK_LIMIT_MS;
  while (!made()) {
    try {
      writeFileSync(lock, String(process.pid), {flag: 'wx'});
      return () => rmSync(lock, {force: true});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!isAlive(lock)) rmSync(lock, {force: true});
    else if (performance.now() > until)
      throw new LabError(
        `${lock}: another run has been at it for ${LOCK_LIMIT_MS / 60_000} min; remove the file and try again`,
      );
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  return undefined;
}

/** Whether the process that wrote the lock lives, or is about to write its number into it. */
function isAlive(lock: string): boolean {
  try {
    const pid = readFileSync(lock, 'utf8');
    return pid === '' || existsSync(`/proc/${pid}`);
  } catch {
    return true;
  }
}

/**
 * Unpacks a package with everything under /usr: a plain /lib of ours would hide the host's link of that name. With a
 * choice of members not every one has to be there.
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
