/**
 * Programs whose compiled form is made here and not in the emulated machine: there it takes ten times as long, and Node's
 * stripping of types (WebAssembly) crashes in one start of ten (seen with Node 24.21 under QEMU 7.2, never outside).
 */
import {spawnSync} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const programs: readonly (readonly string[])[] = [
  ['src/hactl.ts', '--help'],
  ['src/hactl.ts', 'ipvsadm', '-h'],
  ['src/hactld.ts', '--help'],
  ['src/heartbeat.ts', '--help'],
  ['src/ldirectord.ts', '--help'],
  ['src/daemon/main.ts', '--help'],
  ['test/drill/main.ts', '--help'],
  ['test/drill/client.ts', '--help'],
  ['test/drill/sync/main.ts', '--help'],
  ['test/drill/sync/echo.ts'],
  ['test/drill/sync/streams.ts'],
  ['test/drill/reload.ts', '--help'],
  ['packages/failover/src/main.ts'],
  ['packages/checks/src/main.ts'],
  ['packages/sync/src/main.ts'],
  ['packages/sync/src/traffic.fixture.ts', '0', 'compile'],
  ['packages/sync/src/attacker.fixture.ts', 'compile'],
  ['packages/sync/src/seed.fixture.ts', 'compile'],
  ['packages/sync/src/listen.fixture.ts', 'compile'],
  ['packages/sync/src/latency.fixture.ts', 'compile'],
  ['test/bench/sync.ts', 'compile'],
];

/** Where Node keeps compiled forms, on this side and in the machine. */
export const compileCache = process.env.NODE_COMPILE_CACHE ?? path.join(os.homedir(), '.cache/hactl/compile');

/** Fills the cache with the programs, and with the test files among the words of a command. */
export function warm(words: readonly string[]): void {
  // Test files cannot run outside AVA; that they fail to does not matter, they are compiled by then.
  const tests = words.filter((word) => word.endsWith('.test.ts')).map((word) => [word]);
  for (const program of [...programs, ...tests, ['test/vm/ava.ts']])
    spawnSync(process.execPath, [...program], {
      cwd: root,
      stdio: 'ignore',
      timeout: 20_000,
      env: {...process.env, NODE_COMPILE_CACHE: compileCache},
    });
}
