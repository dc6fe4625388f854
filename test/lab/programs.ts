/**
 * Our programs as started by the lab. In the micro-VM they are bundled as in the package: there a supervisor starts in 6 s
 * from separate modules, in 1.3 s from one file (measured in the emulated machine, warm cache).
 */
import {createHash} from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import {entries, type ProgramName} from '../../src/system/programs.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The file to run with Node for this program. */
export function labProgram(name: ProgramName): string {
  const folder = process.env.HACTL_LAB_PROGRAMS;
  return folder === undefined ? path.join(root, entries[name] ?? '') : path.join(folder, `${name}.mjs`);
}

/**
 * Bundles the programs into a folder under `cache` named by content hash, so that Node's compile cache, which is keyed by
 * path, stays valid as long as the code.
 */
export async function makePrograms(cache: string): Promise<string> {
  mkdirSync(cache, {recursive: true});
  const fresh = mkdtempSync(path.join(cache, 'fresh-'));
  try {
    // Imported lazily: tests in the VM only need names, not the bundler.
    const {bundle} = await import('../../src/packaging/bundle.ts');
    await bundle(fresh);
    const hash = createHash('sha256').update(root);
    // Includes the console's page.
    for (const name of readdirSync(fresh, {recursive: true, encoding: 'utf8'}).toSorted())
      if (/\.(?:mjs|js|css|html)$/.test(name)) hash.update(readFileSync(path.join(fresh, name)));
    symlinkSync(path.join(root, 'node_modules'), path.join(fresh, 'node_modules'));
    // mkdtemp's folder is for its owner only; a process without capabilities, or of another user, runs these programs too.
    chmodSync(fresh, 0o755);
    const folder = path.join(cache, hash.digest('hex').slice(0, 12));
    try {
      renameSync(fresh, folder);
    } catch {
      // Another stage has just built the same.
    }
    return folder;
  } finally {
    rmSync(fresh, {recursive: true, force: true});
  }
}
