/** Bundles each of our programs into one file. */
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

/** Writes the programs, the console's page and the documents read by programs into `folder`. */
export async function bundle(folder: string): Promise<void> {
  mkdirSync(path.join(folder, 'docs'), {recursive: true});
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: folder,
    outExtension: {'.js': '.mjs'},
    bundle: true,
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
  await buildPage(path.join(folder, 'console'));
  cpSync(path.join(root, 'docs/configuration.md'), path.join(folder, 'docs/configuration.md'));
}
