/**
 * The corpus of malformed files: each gets a diagnostic with a position and a remedy, in lenient and strict mode; none makes the
 * parser throw or hang, and none with an error can be applied.
 */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {checkFiles, position, type Mode} from '@hactl/config';
import test from 'ava';
import {loadDirectory} from '../../src/configuration/load.ts';
import {good, makeCorpus, wrongValues} from '../malformed.ts';

/** Lines that differ from the valid file. */
const changed = (name: string, text: string): string =>
  text
    .split('\n')
    .filter((line) => !(good[name] ?? '').split('\n').includes(line))
    .join(' / ');

const resolve = {host: () => undefined, service: (name: string) => (name === 'http' ? 80 : undefined)};
const judge = (name: string, text: string, mode: Mode) =>
  checkFiles({paths: [name], read: () => ({text, mode: 0o600}), mode, resolve}).diagnostics;
const corpus = makeCorpus();

test('the corpus’s base files are valid', (t) => {
  for (const [name, text] of Object.entries(good))
    for (const mode of ['strict', 'lenient'] as const)
      t.deepEqual(judge(name, text, mode), [], `${name}, ${mode}`);
});

test(`${corpus.length} malformed files: each gets a position and help`, (t) => {
  t.true(corpus.length >= 500);
  const silent: string[] = [];
  for (const mode of ['strict', 'lenient'] as const)
    for (const {name, text} of corpus) {
      const found = judge(name, text, mode);
      if (found.length === 0) silent.push(`${mode} ${name}: ${changed(name, text)}`);
      for (const diagnostic of found) {
        const {line, column} = position(text, diagnostic.span.start);
        const inside =
          diagnostic.span.start <= text.length &&
          line >= 1 &&
          column >= 1 &&
          diagnostic.span.end >= diagnostic.span.start;
        if (!inside || !diagnostic.help || diagnostic.message === '')
          t.fail(`${mode}: ${JSON.stringify(diagnostic)} for ${name}: ${changed(name, text)}`);
      }
    }
  t.deepEqual(silent, []);
});

test('the corpus has every kind of file, and breaks every directive of the valid one', (t) => {
  for (const name of Object.keys(good)) t.true(corpus.some((seed) => seed.name === name));
  for (const name of Object.keys(wrongValues))
    t.true(
      corpus.some(({text}) => wrongValues[name]?.some((value) => text.includes(`${name}=${value}\n`))),
      name,
    );
});

test('a director that reloads applies no file with an error', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-malformed-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const [pair, single] = [path.join(root, 'pair'), path.join(root, 'single')];
  for (const folder of [pair, single]) mkdirSync(folder);
  const put = (folder: string, name: string, text: string): void =>
    writeFileSync(path.join(folder, name), text, {mode: 0o600});
  for (const [name, text] of Object.entries(good)) put(pair, name, text);
  const read = (folder: string) =>
    loadDirectory({
      configDir: folder,
      stateDir: root,
      node: 'alpha',
      mode: 'lenient',
      findInterface: () => Promise.resolve(() => ({device: 'eth0', prefixLength: 24})),
      lookUp: () => Promise.resolve([]),
      wall: 0,
    });
  t.truthy((await read(pair)).loaded, 'the valid files can be applied');
  let refused = 0;
  for (const {name, text} of corpus) {
    const folder = name === 'ldirectord.cf' ? single : pair;
    put(folder, name, text);
    // oxlint-disable-next-line no-await-in-loop -- one directory, one file after another.
    const {loaded, diagnostics, texts} = await read(folder);
    put(folder, name, good[name] ?? '');
    const wrong =
      diagnostics.some((diagnostic) => diagnostic.severity === 'error') ||
      texts.some((text) => text.startsWith('error:'));
    if (wrong === (loaded !== undefined)) t.fail(`${name}: ${changed(name, text)}`);
    if (wrong) refused += 1;
  }
  t.true(
    refused >= 500,
    `${refused} of ${corpus.length} have an error; the others have a single meaning, which is reported`,
  );
});
