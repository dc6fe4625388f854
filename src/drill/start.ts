/** `npm run drill`: prepares the lab with progress, then runs the drill where there is an IPVS. */
import {spawnSync} from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const {status} = spawnSync(
  process.execPath,
  [path.join(root, 'src/lab/enter.ts'), 'src/drill/main.ts', ...process.argv.slice(2)],
  {cwd: root, stdio: 'inherit'},
);
process.exit(status ?? 1);
