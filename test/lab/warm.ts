/**
 * Fills Node's compile cache on the host rather than in the emulated machine: there compiling takes ten times as long, and
 * Node's type stripping (WebAssembly) crashes in one start of ten (seen with Node 24.21 under QEMU 7.2, never outside).
 */
import {spawnSync} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import type {ProgramName} from '../../src/system/programs.ts';
import {makePrograms} from './programs.ts';

const root = path.resolve(import.meta.dirname, '../..');
const bundled: readonly (readonly [ProgramName, ...string[]])[] = [
  ['hactl', '--help'],
  ['hactl', 'ipvsadm', '-h'],
  ['hactld', '--help'],
  ['heartbeat', '--help'],
  ['ldirectord', '--help'],
  ['supervisor', '--help'],
  ['failover', '--help'],
  ['checks', '--help'],
  ['sync', '--help'],
];
const programs: readonly (readonly string[])[] = [
  ['test/drill/main.ts', '--help'],
  ['test/drill/client.ts', '--help'],
  ['test/drill/load/generator.ts', '--help'],
  ['test/drill/sync/main.ts', '--help'],
  ['test/drill/sync/echo.ts'],
  ['test/drill/sync/streams.ts'],
  ['test/drill/reload.ts', '--help'],
  ['packages/sync/src/traffic.fixture.ts', '0', 'compile'],
  ['packages/sync/src/attacker.fixture.ts', 'compile'],
  ['packages/sync/src/seed.fixture.ts', 'compile'],
  ['packages/sync/src/listen.fixture.ts', 'compile'],
  ['packages/sync/src/latency.fixture.ts', 'compile'],
  ['test/bench/sync.ts', 'compile'],
];

/** Node's compile cache, on the host and in the machine. */
const compileCache = process.env.NODE_COMPILE_CACHE ?? path.join(os.homedir(), '.cache/hactl/compile');

/**
 * Bundles the programs and fills the cache with them and with the test files among a command's arguments. Returns the
 * environment that points to them.
 */
export async function warm(words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const folder = await makePrograms(path.join(path.dirname(compileCache), 'programs'));
  // Test files fail outside AVA, but are compiled by then.
  const tests = words.filter((word) => word.endsWith('.test.ts')).map((word) => [word]);
  const files = bundled.map(([name, ...options]) => [path.join(folder, `${name}.mjs`), ...options]);
  for (const program of [...files, ...programs, ...tests, ['test/vm/ava.ts']])
    spawnSync(process.execPath, [...program], {
      cwd: root,
      stdio: 'ignore',
      timeout: 20_000,
      env: {...process.env, NODE_COMPILE_CACHE: compileCache},
    });
  return {NODE_COMPILE_CACHE: compileCache, HACTL_LAB_PROGRAMS: folder};
}
