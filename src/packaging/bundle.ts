/** Bundles each of our programs. */
import {cpSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {build} from 'esbuild';
import {buildPage} from '../console/build.ts';
import {entries} from '../system/programs.ts';
import {quickModules} from './quick-modules.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The global that CommonJS packages expect; made when it is called, because every file has this line and few need it. */
const banner =
  "const require = (name) => process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);";

/** Packages with native code stay unbundled, next to the bundles (tree.ts). */
export const native = ['koffi', 'netlink'] as const;

/**
 * Bundles one program. hactl reads only the code of the command that was typed, from files beside its own: `hactl --version` takes
 * 113 ms instead of 160, 76 of them Node's own start. Each other program is one file: an upgrade replaces it under a running daemon.
 */
async function bundleProgram(name: string, source: string, folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: {[name]: source},
    outdir: folder,
    outExtension: {'.js': '.mjs'},
    bundle: true,
    splitting: name === 'hactl',
    chunkNames: `${name}-[hash]`,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {js: banner},
    external: [...native],
    plugins: [quickModules],
    // @dabh/diagnostics of winston: its other half loads a library of colours.
    define: {'process.env.NODE_ENV': '"production"'},
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
