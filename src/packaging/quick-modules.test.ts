import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {spawnSync} from 'node:child_process';
import test from 'ava';
import {build} from 'esbuild';
import {quickModules} from './quick-modules.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-quick-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

/** Bundles and runs a program; its code and its output. */
async function run(name: string, source: string): Promise<{code: string; stdout: string; stderr: string}> {
  const [entry, outfile] = [path.join(folder, `${name}.ts`), path.join(folder, `${name}.mjs`)];
  writeFileSync(entry, source);
  const {outputFiles} = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    plugins: [quickModules],
  });
  const code = outputFiles[0]?.text ?? '';
  writeFileSync(outfile, code);
  const {stdout, stderr} = spawnSync(process.execPath, [outfile], {encoding: 'utf8'});
  return {code, stdout, stderr};
}

test('every way to import a module of Node gives what an import of it gives, and leaves no import statement', async (t) => {
  const {code, stdout, stderr} = await run(
    'all',
    `
    import assert from 'node:assert';
    import path, {join} from 'path';
    import * as os from 'node:os';
    import {readFile} from 'node:fs/promises';
    import {type Server, createServer} from 'node:net';
    const {gzipSync} = await import('node:zlib');
    const server: Server = createServer();
    assert.equal(path.join, join);
    console.log(join('a', 'b'), typeof os.hostname(), typeof readFile, server.listening, gzipSync('x').length > 0);
  `,
  );
  t.is(stderr, '');
  t.is(stdout, 'a/b string function false true\n');
  t.notRegex(code, /^import\b/m);
});

test('of a module of Node only the used names are read', async (t) => {
  const {code} = await run('one', `import {existsSync} from 'node:fs'; console.log(existsSync('/'));`);
  t.deepEqual(code.match(/builtin\.\w+/g), ['builtin.existsSync']);
});
