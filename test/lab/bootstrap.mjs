/**
 * The first thing that runs in a bare clone: `node test/lab/bootstrap.mjs ENTRY.ts ARGUMENTS…`. Installs the npm packages
 * when they are missing or older than the lock file, then runs the entry with the Node 24 that came with them. Plain
 * JavaScript without a dependency, for any Node from 18 on.
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

/** `npm ci`, for a folder with a lock file, on the Node that PATH names. */
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
 * npm leaves out an optional package whose `engines` its own Node does not meet, and says nothing: with Debian's Node 18
 * the linter had no program for this processor. So an older Node installs the locked Node alone, and npm runs on that.
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
  process.stderr.write('npm packages (Node 24 among them, about 330 MB unpacked) …\n');
  // Ctrl-C reaches npm too, and its failure ends this program in order.
  const wait = () => undefined;
  for (const signal of signals) process.on(signal, wait);
  try {
    installPackages();
  } catch (error) {
    process.stderr.write(
      `${error.message}.\n` +
        'It needs npm on the PATH (apt-get install npm) and the npm registry within reach; then run the command again.\n',
    );
    process.exit(1);
  }
  for (const signal of signals) process.off(signal, wait);
  // Debian 12's npm takes the link away with the package for the other processor, which it does not install.
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
