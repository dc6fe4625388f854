/**
 * `enter.ts ENTRY.ts ARGUMENTS…`: runs the entry where there is an IPVS: on this machine when we are root and its kernel
 * has it, otherwise in the micro-VM. HACTL_LAB=host or HACTL_LAB=vm decides by force.
 */
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {LabError, prepareLab} from './packages.ts';
import {runInVm} from './vm.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [entry = '', ...words] = process.argv.slice(2);
const LIMIT = 8 * 60_000;

/**
 * Programs whose compiled form is made here and not in the emulated machine: there it takes ten times as long, and Node's
 * stripping of types (WebAssembly) crashes in one start of ten (seen with Node 24.21 under QEMU 7.2, never outside).
 */
const programs: readonly (readonly string[])[] = [
  ['src/hactl.ts', '--help'],
  ['src/hactld.ts', '--help'],
  ['src/supervisor/main.ts', '--help'],
  ['src/drill/main.ts', '--help'],
  ['src/drill/client.ts', '--help'],
  ['packages/failover/src/main.ts'],
  ['packages/checks/src/main.ts'],
  ['packages/sync/src/main.ts'],
  ['packages/sync/src/traffic.fixture.ts', '0', 'compile'],
  ['packages/sync/src/attacker.fixture.ts', 'compile'],
  ['packages/sync/src/seed.fixture.ts', 'compile'],
  ['packages/sync/src/listen.fixture.ts', 'compile'],
  ['test/bench/sync.ts', 'compile'],
];
const compileCache = process.env.NODE_COMPILE_CACHE ?? path.join(os.homedir(), '.cache/hactl/compile');
const warm = (): void => {
  // Test files cannot run outside AVA; that they fail to does not matter, they are compiled by then.
  const tests = words.filter((word) => word.endsWith('.test.ts')).map((word) => [word]);
  for (const program of [...programs, ...tests, ['test/vm/ava.ts']])
    spawnSync(process.execPath, [...program], {
      cwd: root,
      stdio: 'ignore',
      timeout: 20_000,
      env: {...process.env, NODE_COMPILE_CACHE: compileCache},
    });
};

const hostHasIpvs = (): boolean => {
  if (process.getuid?.() !== 0) return false;
  if (!existsSync('/proc/net/ip_vs')) spawnSync('modprobe', ['ip_vs'], {stdio: 'ignore'});
  return existsSync('/proc/net/ip_vs');
};

const forced = process.env.HACTL_LAB;
if (forced === 'host' || (forced !== 'vm' && hostHasIpvs())) {
  const {status} = spawnSync(process.execPath, [path.resolve(root, entry), ...words], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}
try {
  const lab = prepareLab((line) => process.stderr.write(line + '\n'));
  warm();
  const started = performance.now();
  process.stderr.write('lab: booting the micro-VM …\n');
  let first = true;
  process.exitCode = await runInVm({
    lab,
    cwd: root,
    argv: [process.execPath, path.resolve(root, entry), ...words],
    env: {
      NODE_COMPILE_CACHE: compileCache,
      FORCE_COLOR: '0',
      HACTL_IN_VM: '1',
    },
    limit: LIMIT,
    out: (line) => {
      if (first)
        process.stderr.write(
          `lab: first word of the guest after ${((performance.now() - started) / 1_000).toFixed(1)} s\n`,
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
