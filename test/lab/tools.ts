/**
 * `tools.ts PROGRAM ARGUMENTS…`: runs the program, as root, where the lab's tools (ip, ping, nft, groff, zsh …) are on the
 * PATH on a machine that has none of them: the lab's tree is laid over /usr in a private view. An ordinary user cannot
 * make that view; what needs those tools runs in the micro-VM then.
 */
import {spawnSync} from 'node:child_process';
import path from 'node:path';
import {LabError} from './apt.ts';
import {runOver} from './overlay.ts';
import {prepareLab} from './packages.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [command = '', ...words] = process.argv.slice(2);
const PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');

if (process.getuid?.() === 0) {
  try {
    const {tree} = prepareLab((line) => process.stderr.write(line + '\n'));
    const argv = [command, ...words];
    process.exitCode = await runOver({tree, folders: ['usr'], isolated: false, argv, cwd: root, env: {PATH}});
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
} else {
  const {status} = spawnSync(command, words, {cwd: root, stdio: ['ignore', 'inherit', 'inherit']});
  process.exitCode = status ?? 1;
}
