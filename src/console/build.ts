/** Builds the console's page into a folder: `node src/console/build.ts [FOLDER]`, dist/console unless given. */
import {createHash} from 'node:crypto';
import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const source = path.join(import.meta.dirname, 'page');
const MADE = ['app.js', 'app-style.css'] as const;

/** Compressed once, here, rather than for each visitor. */
function compress(file: string): void {
  const content = readFileSync(file);
  const params = {[constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY};
  writeFileSync(`${file}.br`, brotliCompressSync(content, {params}));
  writeFileSync(`${file}.gz`, gzipSync(content, {level: 9}));
}

/**
 * The page needs no network: scripts, styles and icon are files beside it. A file is named with its digest in the page, so
 * that browsers may keep it.
 */
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
  copyFileSync(path.join(source, 'icon.svg'), path.join(folder, 'icon.svg'));
  const page = MADE.reduce(
    (html, name) => {
      const digest = createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex'); // prettier-ignore
      return html.replaceAll(`"${name}"`, `"${name}?${digest.slice(0, 12)}"`);
    },
    readFileSync(path.join(source, 'index.html'), 'utf8'),
  );
  writeFileSync(path.join(folder, 'index.html'), page);
  for (const name of MADE) compress(path.join(folder, name));
}

if (import.meta.main)
  await buildPage(path.resolve(process.argv[2] ?? path.resolve(import.meta.dirname, '../../dist/console')));
