import {readdirSync, statSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {affectedTests, edgesOf, packageExports} from '../affected.ts';
import {sources, type Source} from './import-graph.ts';

const noExports = (): Readonly<Record<string, string>> => ({});
const tree: readonly Source[] = [
  {name: 'packages/net/src/index.ts', text: "export * from './arp.ts';"},
  {name: 'packages/net/src/arp.ts', text: ''},
  {name: 'packages/net/src/arp.test.ts', text: "import {encodeArp} from './arp.ts';"},
  {name: 'src/engine.ts', text: "import {openArpWatch} from '@hactl/net';"},
  {name: 'src/engine.test.ts', text: "import './engine.ts';"},
  {name: 'src/start.test.ts', text: 'spawn(node, [`${root}/src/engine.ts`]);'},
  {name: 'src/other.test.ts', text: "import './other.ts'; // engine"},
  {name: 'src/other.ts', text: ''},
  {name: 'test/unit/tidy.test.ts', text: ''},
];
const tests = tree.map(({name}) => name).filter((name) => name.endsWith('.test.ts'));
const affected = (...changed: readonly string[]): string[] => affectedTests(tests, tree, changed, noExports);

test('a change reaches its importers, through packages, and whoever starts a program by its path', (t) => {
  t.deepEqual(affected('packages/net/src/arp.ts'), [
    'packages/net/src/arp.test.ts',
    'src/engine.test.ts',
    'src/start.test.ts',
    'test/unit/tidy.test.ts',
  ]);
  t.deepEqual(affected('src/other.ts'), ['src/other.test.ts', 'test/unit/tidy.test.ts']);
  t.deepEqual(affected('src/engine.test.ts'), ['src/engine.test.ts', 'test/unit/tidy.test.ts']);
});

test('a document reaches the tests of the whole tree, and what is no source reaches everything', (t) => {
  t.deepEqual(affected('docs/sync.md'), ['test/unit/tidy.test.ts']);
  const reader = {name: 'src/other.ts', text: "documentFile('sync.md')"};
  const withReader = tree.map((source) => (source.name === reader.name ? reader : source));
  t.deepEqual(affectedTests(tests, withReader, ['docs/sync.md'], noExports), [
    'src/other.test.ts',
    'test/unit/tidy.test.ts',
  ]);
  t.deepEqual(affected(), ['test/unit/tidy.test.ts']);
  for (const name of ['package-lock.json', 'src/removed.ts', 'src/console/page/app.tsx', 'test/lab/init.sh'])
    t.deepEqual(affected(name), tests, name);
});

test('in this tree every test is reached by itself, and the machine of failover by its simulator', (t) => {
  const names = new Set(sources.map(({name}) => name));
  const all = [...names].filter((name) => name.endsWith('.test.ts'));
  for (const name of all) t.true(affectedTests(all, sources, [name], packageExports).includes(name), name);
  const reached = affectedTests(all, sources, ['packages/failover/src/machine/step.ts'], packageExports);
  t.true(reached.some((name) => name.startsWith('test/sim/')));
  t.true(reached.includes('packages/failover/src/machine/step.test.ts'));
  t.true(reached.length < all.length / 2, `${reached.length} of ${all.length}`);
});

test('every package resolves to its files', (t) => {
  const root = path.resolve(import.meta.dirname, '../..');
  const isFile = (name: string): boolean =>
    statSync(path.join(root, name), {throwIfNoEntry: false})?.isFile() ?? false;
  for (const name of readdirSync(path.join(root, 'packages')))
    for (const way of Object.keys(packageExports(name))) {
      const target = path.posix.join(`@hactl/${name}`, way);
      const [file = ''] = edgesOf({name: 'src/x.ts', text: `import '${target}';`}, isFile, packageExports);
      t.true(isFile(file), `${target}: ${file}`);
    }
});
