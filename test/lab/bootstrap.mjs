/**
 * The first thing that runs in a bare clone: `node test/lab/bootstrap.mjs ENTRY.ts ARGUMENTS…`. Installs the npm packages
 * when they are missing or older than the lock file, then runs the entry with the Node 24 that came with them. Plain
 * JavaScript without a dependency, for any Node from 18 on.
 */
import {spawn, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stamp = path.join(root, 'node_modules/.cache/hactl-lock');
const node = path.join(root, 'node_modules/.bin/node');
const lock = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');
const installed = existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;

if (!installed) {
  const started = Date.now();
  process.stderr.write('npm packages (Node 24 among them, about 330 MB unpacked) …\n');
  const {status, error} = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error || status !== 0) {
    process.stderr.write(
      `npm ci failed (${error ? error.message : `exit status ${status}`}).\n` +
        'It needs npm on the PATH (apt-get install npm) and the npm registry within reach; then run the command again.\n',
    );
    process.exit(1);
  }
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
const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const child = spawn(node, [path.resolve(root, entry), ...words], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(cache, 'hactl/compile'),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`${node}: ${error.message}; remove node_modules and run the command again\n`);
  process.exit(1);
});
child.on('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 1)));
