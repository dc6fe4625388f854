/**
 * Which files a change can reach: `npm test -- --since REF`. An edge is an import, or the name of a file of ours in quotation
 * marks: tests start programs by their path. Too many rather than too few: what is not TypeScript reaches everything, but for
 * documents, which `test/unit` reads, and the files that name them.
 */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import type {Source} from './unit/import-graph.ts';

const root = path.resolve(import.meta.dirname, '..');

/** `@hactl/net/schedule` and the like, by the packages' `exports`. */
function packageFile(target: string, exportsOf: (name: string) => Readonly<Record<string, string>>): string {
  const [, name = '', ...more] = target.split('/');
  const file = exportsOf(name)[more.length === 0 ? '.' : `./${more.join('/')}`] ?? './src/index.ts';
  return path.posix.join('packages', name, file);
}

/** The files that a file imports or names. */
export function edgesOf(
  {name, text}: Source,
  isFile: (name: string) => boolean,
  exportsOf: (name: string) => Readonly<Record<string, string>>,
): string[] {
  const found = new Set<string>();
  for (const [, quoted = ''] of text.matchAll(/['"`]([^'"`\n]+)['"`]/g)) {
    if (/^@hactl\/[\w/-]+$/.test(quoted)) found.add(packageFile(quoted, exportsOf));
    if (!quoted.endsWith('.ts')) continue;
    // `${root}/test/x.ts`: what comes before our folders does not matter.
    const fromRoot = /(?:^|\/)((?:packages|src|test)\/.*)$/.exec(quoted)?.[1];
    for (const candidate of [
      path.posix.join(path.posix.dirname(name), quoted),
      ...(fromRoot === undefined ? [] : [path.posix.normalize(fromRoot)]),
    ])
      if (isFile(candidate)) found.add(candidate);
  }
  return [...found];
}

/** The files from which a changed file can be reached, the changed ones included. */
export function affectedFiles(
  edges: ReadonlyMap<string, readonly string[]>,
  changed: readonly string[],
): Set<string> {
  const users = new Map<string, string[]>();
  for (const [from, targets] of edges)
    for (const to of targets) users.set(to, [...(users.get(to) ?? []), from]);
  const found = new Set<string>();
  const left = [...changed];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    left.push(...(users.get(file) ?? []));
  }
  return found;
}

const isDocument = (name: string): boolean => /\.md$|^docs\//.test(name);

/** The test files to run for a change, out of `tests`; `sources`: every TypeScript file of ours. */
export function affectedTests(
  tests: readonly string[],
  sources: readonly Source[],
  changed: readonly string[],
  exportsOf: (name: string) => Readonly<Record<string, string>>,
): string[] {
  const names = new Set(sources.map(({name}) => name));
  // Removed files, the lock file, fixtures, pages: nobody says who reads them.
  if (changed.some((name) => !names.has(name) && !isDocument(name))) return [...tests];
  const edges = new Map(
    sources.map((source) => [source.name, edgesOf(source, (name) => names.has(name), exportsOf)]),
  );
  const documents = changed.filter(isDocument).map((name) => path.posix.basename(name));
  const readers = sources.filter(({text}) => documents.some((name) => text.includes(name)));
  const found = affectedFiles(edges, [...changed, ...readers.map(({name}) => name)]);
  // These read the whole tree.
  return tests.filter((name) => found.has(name) || name.startsWith('test/unit/'));
}

/** What differs from a commit, and what git does not know yet. */
export function changedSince(ref: string): string[] {
  const git = (...words: string[]): string[] =>
    execFileSync('git', words, {cwd: root, encoding: 'utf8'})
      .split('\0')
      .filter((name) => name !== '');
  return [
    ...git('diff', '--name-only', '--no-renames', '-z', ref, '--'),
    ...git('ls-files', '--others', '--exclude-standard', '-z'),
  ];
}

/** The `exports` of one of our packages. */
export function packageExports(name: string): Readonly<Record<string, string>> {
  const text = readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8');
  const {exports} = JSON.parse(text) as {exports: string | Readonly<Record<string, string>>};
  return typeof exports === 'string' ? {'.': exports} : exports;
}
