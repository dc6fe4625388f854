/**
 * `npm run test:attacks [WORD…]`: the long attacks, each on real processes; the short forms are in `npm test`. With words,
 * only files whose name has one of them. One file after the other: what an attack costs is measured.
 */
import {spawnSync} from 'node:child_process';
import {readdirSync} from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const isRoot = process.getuid?.() === 0;

const all = readdirSync(import.meta.dirname, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.test.ts'))
  .toSorted();
const chosen = all.filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
const skipped = isRoot ? [] : chosen.filter((name) => name.endsWith('.netns.test.ts'));
for (const name of skipped) process.stdout.write(`not run: ${name} needs root (network namespaces)\n`);
const files = chosen.filter((name) => !skipped.includes(name)).map((name) => `test/attacks/${name}`);
if (files.length === 0) {
  process.stderr.write(`no attack to run; there are: ${all.join(', ')}\n`);
  process.exit(2);
}
const ava = path.join(root, 'node_modules/ava/entrypoints/cli.js');
const {status} = spawnSync(
  process.execPath,
  [ava, '--serial', '--concurrency=1', '--timeout=600s', ...files],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
