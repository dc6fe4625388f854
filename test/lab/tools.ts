/**
 * `tools.ts PROGRAM ARGUMENTS…`: runs the program, as root, with the lab's tools (ip, ping, nft, groff, zsh …) on the PATH
 * even if none is installed: the lab's tree is overlaid on /usr in a private mount namespace. An ordinary user cannot do that;
 * programs that need those tools then run in the micro-VM.
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
