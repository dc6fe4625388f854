/**
 * Entry point in a bare clone: `node test/lab/bootstrap.mjs ENTRY.ts ARGUMENTS…`. Installs the npm packages if they are missing
 * or older than the lock file, then runs the entry with the Node 24 among them. Plain JavaScript without dependencies, for
 * Node 18 and later.
 */
import {spawn, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stamp = path.join(root, 'node_modules/.cache/hactl-lock');
const node = path.join(root, 'node_modules/.bin/node');
const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const lockText = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
const lock = createHash('sha256').update(lockText).digest('hex');

/** Runs `npm ci` in a folder with a lock file, on the Node in PATH. */
function npmCi(folder, PATH) {
  const {status, error} = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {...process.env, PATH},
  });
  if (error || status !== 0)
    throw new Error(`npm ci failed (${error ? error.message : `exit status ${status}`})`);
}

/**
 * npm silently skips an optional package whose `engines` excludes the running Node: with Debian's Node 18 the linter's binary
 * was missing. So an older Node first installs only the locked Node, and npm then runs on that.
 */
function installPackages() {
  const own = `node-linux-${process.arch}`;
  const entry = JSON.parse(lockText).packages[`node_modules/${own}`];
  if (Number(process.versions.node.split('.')[0]) >= 24 || !entry) return npmCi(root, process.env.PATH);
  mkdirSync(path.join(cache, 'hactl'), {recursive: true});
  const folder = mkdtempSync(path.join(cache, 'hactl/node-'));
  try {
    const manifest = {
      name: 'node-for-npm',
      version: '0.0.0',
      private: true,
      dependencies: {[own]: entry.version},
    };
    const locked = {
      name: manifest.name,
      version: manifest.version,
      lockfileVersion: 3,
      requires: true,
      packages: {'': manifest, [`node_modules/${own}`]: {...entry, optional: false}},
    };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(locked));
    npmCi(folder, process.env.PATH);
    npmCi(root, `${path.join(folder, 'node_modules/.bin')}:${process.env.PATH}`);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

const installed = existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;

if (!installed) {
  const started = Date.now();
  process.stderr.write('npm packages (including Node 24, about 330 MB unpacked) …\n');
  // Ctrl-C reaches npm too; its failure then ends this program cleanly.
  const wait = () => undefined;
  for (const signal of signals) process.on(signal, wait);
  try {
    installPackages();
  } catch (error) {
    process.stderr.write(
      `${error.message}.\n` +
        'npm must be on the PATH (apt-get install npm) and the npm registry reachable; then run the command again.\n',
    );
    process.exit(1);
  }
  for (const signal of signals) process.off(signal, wait);
  // Debian 12's npm removes the link together with the package for the other architecture.
  const own = `../node-linux-${process.arch}/bin/node`;
  if (!existsSync(node) && existsSync(path.join(path.dirname(node), own))) {
    rmSync(node, {force: true});
    symlinkSync(own, node);
  }
  mkdirSync(path.dirname(stamp), {recursive: true});
  writeFileSync(stamp, lock);
  process.stderr.write(`npm packages: done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

const [entry = '', ...words] = process.argv.slice(2);
const child = spawn(node, [path.resolve(root, entry), ...words], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(cache, 'hactl/compile'),
  },
});
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`${node}: ${error.message}; remove node_modules and run the command again\n`);
  process.exit(1);
});
child.on('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 1)));
