/** Builds the console's page into a folder: `node src/console/build.ts [FOLDER]`, dist/console unless said otherwise. */
import {copyFileSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {build} from 'esbuild';

const source = path.join(import.meta.dirname, 'page');

/** The page needs no network: scripts, styles and icon are files beside it. */
export async function buildPage(folder: string): Promise<void> {
  mkdirSync(folder, {recursive: true});
  await build({
    entryPoints: {app: path.join(source, 'main.tsx'), 'app-style': path.join(source, 'app.css')},
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]',
    logLevel: 'warning',
  });
  for (const file of ['index.html', 'icon.svg'])
    copyFileSync(path.join(source, file), path.join(folder, file));
}

if (import.meta.main)
  await buildPage(path.resolve(process.argv[2] ?? path.resolve(import.meta.dirname, '../../dist/console')));
