/**
 * `npm run drill`: prepares the lab with progress, then runs the drill where there is an IPVS; with `--site vagrant` on the
 * machines of vagrant/Vagrantfile.
 */
import {spawnSync} from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const vagrant = words[0] === '--site' && words[1] === 'vagrant';
const argv = vagrant
  ? ['test/drill/vagrant.ts', ...words.slice(2)]
  : ['test/lab/enter.ts', 'test/drill/main.ts', ...words];
const {status} = spawnSync(process.execPath, argv, {cwd: root, stdio: 'inherit'});
process.exit(status ?? 1);
