/**
 * Runs the given test files with AVA sequentially: the micro-VM has two slow CPUs and one network stack.
 */
import {spawnSync} from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const files = process.argv.slice(2);
if (files.length === 0) process.exit(0);
const {status} = spawnSync(
  process.execPath,
  [path.join(root, 'node_modules/ava/entrypoints/cli.js'), '--tap', '--serial', '--timeout=600s', ...files],
  {cwd: root, stdio: 'inherit'},
);
process.exitCode = status ?? 1;
