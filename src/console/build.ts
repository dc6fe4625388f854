/** Builds the console's page into a folder: `node src/console/build.ts [FOLDER]`, by default dist/console. */
import {createHash} from 'node:crypto';
import {copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const source = path.join(import.meta.dirname, 'page');
/** Files referenced by the page; chunks loaded later carry their digest in their names. */
const MADE = ['app.js', 'app-style.css'] as const;
const isMade = (name: string): boolean => /^app[\w-]*\.(?:js|css)(?:\.br|\.gz)?$/i.test(name);

/** Compressed once at build time rather than per request. */
function compress(file: string): void {
  const content = readFileSync(file);
  const params = {[constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY};
  writeFileSync(`${file}.br`, brotliCompressSync(content, {params}));
  writeFileSync(`${file}.gz`, gzipSync(content, {level: 9}));
}

/**
 * The page needs no third-party host: scripts, styles and icon are local files. The page refers to each file with its digest,
 * so that browsers may cache it.
 */
export async function buildPage(folder: string): Promise<void> {
  mkdirSync(folder, {recursive: true});
  // Chunks of an earlier build have other names.
  for (const name of readdirSync(folder).filter(isMade)) rmSync(path.join(folder, name));
  const {metafile} = await build({
    metafile: true,
    entryPoints: {app: path.join(source, 'main.tsx'), 'app-style': path.join(source, 'app.css')},
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: 'app-[name]-[hash]',
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]',
    logLevel: 'warning',
  });
  copyFileSync(path.join(source, 'icon.svg'), path.join(folder, 'icon.svg'));
  const output = Object.entries(metafile.outputs).find(([name]) => path.basename(name) === 'app.js')?.[1];
  // Preloaded in parallel with the script that imports them.
  const parts = (output?.imports ?? [])
    .filter(({kind}) => kind === 'import-statement')
    .map((part) => `<link rel="modulepreload" href="${path.basename(part.path)}" />\n    `);
  const written = MADE.reduce(
    (html, name) => {
      const digest = createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex'); // prettier-ignore
      return html.replaceAll(`"${name}"`, `"${name}?${digest.slice(0, 12)}"`);
    },
    readFileSync(path.join(source, 'index.html'), 'utf8'),
  );
  writeFileSync(path.join(folder, 'index.html'), written.replace('<script', `${parts.join('')}<script`));
  for (const name of readdirSync(folder).filter(isMade)) compress(path.join(folder, name));
}

if (import.meta.main)
  await buildPage(path.resolve(process.argv[2] ?? path.resolve(import.meta.dirname, '../../dist/console')));
