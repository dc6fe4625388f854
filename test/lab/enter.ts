/**
 * `enter.ts ENTRY.ts ARGUMENTS…`: runs the entry on a kernel with IPVS: this machine's if we are root and it has IPVS,
 * otherwise the micro-VM's. HACTL_LAB=host or HACTL_LAB=vm overrides the choice; HACTL_LAB_MINUTES limits the VM's run time. HACTL_LAB_OVER is
 * a tree of more Debian packages, overlaid on /usr.
 */
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import path from 'node:path';
import {LabError} from './apt.ts';
import {runOver} from './overlay.ts';
import {prepareLab} from './packages.ts';
import {runInVm} from './vm.ts';
import {warm} from './warm.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [entry = '', ...words] = process.argv.slice(2);
/** For runs that need more time or memory than tests. */
const LIMIT = Number(process.env.HACTL_LAB_MINUTES ?? 24) * 60_000;
const memory = process.env.HACTL_LAB_MEMORY;
const over = process.env.HACTL_LAB_OVER;

const hostHasIpvs = (): boolean => {
  if (process.getuid?.() !== 0) return false;
  if (!existsSync('/proc/net/ip_vs')) spawnSync('modprobe', ['ip_vs'], {stdio: 'ignore'});
  return existsSync('/proc/net/ip_vs');
};

const forced = process.env.HACTL_LAB;
if (forced === 'host' || (forced !== 'vm' && hostHasIpvs())) {
  const argv = [process.execPath, path.resolve(root, entry), ...words] as const;
  if (over !== undefined)
    process.exit(await runOver({tree: over, folders: ['usr'], isolated: false, argv, cwd: root}));
  const {status} = spawnSync(argv[0], argv.slice(1), {cwd: root, stdio: 'inherit'});
  process.exit(status ?? 1);
}
try {
  const lab = prepareLab((line) => process.stderr.write(line + '\n'));
  const compiled = await warm(words);
  const started = performance.now();
  process.stderr.write('lab: booting the micro-VM …\n');
  let first = true;
  process.exitCode = await runInVm({
    lab,
    ...(over === undefined ? {} : {over}),
    cwd: root,
    argv: [process.execPath, path.resolve(root, entry), ...words],
    env: {
      ...compiled,
      FORCE_COLOR: '0',
      HACTL_IN_VM: '1',
    },
    limit: LIMIT,
    ...(memory === undefined ? {} : {memory: Number(memory)}),
    out: (line) => {
      if (first)
        process.stderr.write(
          `lab: first output of the guest after ${((performance.now() - started) / 1_000).toFixed(1)} s\n`,
        );
      first = false;
      process.stdout.write(line + '\n');
    },
  });
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
