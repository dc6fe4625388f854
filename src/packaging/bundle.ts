/** Bundles each of our programs. */
import {cpSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {build} from 'esbuild';
import {buildPage} from '../console/build.ts';
import {entries} from '../system/programs.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Globals that CommonJS packages expect. */
const banner =
  "import {createRequire as hactlCreateRequire} from 'node:module'; const require = hactlCreateRequire(import.meta.url);";

/** Packages with native code stay unbundled, next to the bundles (tree.ts). */
export const native = ['koffi', 'netlink'] as const;

/**
 * Commands read only the code of what they are asked for, from files beside the program's: `hactl --version` takes 113 ms
 * instead of 160, 76 of them Node's own start. A daemon is one file: an upgrade replaces the files while it runs.
 */
const commands: ReadonlySet<string> = new Set(['hactl', 'heartbeat', 'ldirectord']);

/** Bundles one program. */
async function bundleProgram(name: string, source: string, folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: {[name]: source},
    outdir: folder,
    outExtension: {'.js': '.mjs'},
    bundle: true,
    // Per program: files shared by programs would be many small ones, each of which is resolved and read at a start.
    splitting: commands.has(name),
    chunkNames: `${name}-[hash]`,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {js: banner},
    external: [...native],
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
}

/** Writes the programs, the console's page and the documents read by programs into `folder`. */
export async function bundle(folder: string): Promise<void> {
  mkdirSync(path.join(folder, 'docs'), {recursive: true});
  await Promise.all(Object.entries(entries).map(([name, source]) => bundleProgram(name, source, folder)));
  await buildPage(path.join(folder, 'console'));
  cpSync(path.join(root, 'docs/configuration.md'), path.join(folder, 'docs/configuration.md'));
}
