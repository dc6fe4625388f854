/** A start with bad files uses the last version in use; it waits for transient problems and invents nothing. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {filesOf, readConfigFile} from './config-files.ts';
import {openConfigStore} from './config-store.ts';
import {firstLoad} from './first-load.ts';
import {loadDirectory, type LoadOptions} from './load.ts';

const good = {
  authkeys: 'auth 1\n1 sha256 key-of-this-test\n',
  'ha.cf': 'node alpha beta\nbcast lo\nauto_failback on\n',
  haresources: 'alpha 192.0.2.1/24/lo\n',
};

async function start(t: ExecutionContext, files: Partial<typeof good>) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-first-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const [configDir, stateDir] = [path.join(root, 'ha.d'), path.join(root, 'state')];
  mkdirSync(configDir);
  const put = (name: string, text: string): void =>
    writeFileSync(path.join(configDir, name), text, {mode: 0o600});
  for (const [name, text] of Object.entries({...good, ...files})) put(name, text);
  const store = openConfigStore(stateDir);
  let routes = true;
  const options: LoadOptions = {
    configDir,
    stateDir,
    node: 'alpha',
    mode: 'lenient',
    findInterface: () => Promise.resolve(() => (routes ? {device: 'lo', prefixLength: 24} : undefined)),
    lookUp: (name) => Promise.resolve(name.startsWith('absent') ? [] : undefined),
    wall: 0,
  };
  const messages: string[] = [];
  const waits: number[] = [];
  return {
    put,
    said: messages,
    waits,
    noRoute: () => (routes = false),
    /** Keeps a version, as after applying a configuration. */
    use: async () => {
      const {loaded} = await loadDirectory(options);
      if (!loaded) throw new Error('not usable');
      store.keep({wall: 0, why: 'start', digest: '', files: filesOf(loaded.cluster).map(readConfigFile)});
    },
    load: () =>
      firstLoad({
        configDir,
        store,
        log: (level, text) => messages.push(`${level} ${text}`),
        print: () => undefined,
        load: (how) => loadDirectory({...options, ...how}),
        wait: (ms) => {
          waits.push(ms);
          if (waits.length === 2) routes = true;
          return Promise.resolve();
        },
      }),
  };
}

test('good files are read from disk', async (t) => {
  const director = await start(t, {});
  await director.use();
  const first = await director.load();
  t.is(first?.problem, undefined);
  t.deepEqual(director.said, []);
});

for (const [what, name, text] of [
  ['a typo', 'ha.cf', 'node alpha beta\nbcsat lo\n'],
  ['an empty file', 'ha.cf', ''],
  ['half a file', 'haresources', 'alpha 192.0.'],
  ['keys without a key', 'authkeys', 'auth 1\n'],
] as const)
  test(`${what}: the last version in use is loaded, and a problem reports it`, async (t) => {
    const director = await start(t, {});
    await director.use();
    director.put(name, text);
    const first = await director.load();
    t.is(first?.outcome.loaded.engine?.groups[0]?.vips[0]?.address, '192.0.2.1');
    t.is(first?.outcome.loaded.engine?.keys.length, 1);
    t.regex(first?.problem ?? '', /have errors; version 1 is in use/);
    t.is(director.said.length, 1);
  });

test('without an earlier version bad files start nothing', async (t) => {
  const director = await start(t, {
    haresources: 'alpha 192.0.2.1/24/lo 192.0.2.1/24/lo\n',
    'ha.cf': 'nonsense\n',
  });
  t.is(await director.load(), undefined);
  t.regex(director.said[0] ?? '', /nothing was started/);
});

test('a version from another directory is not used', async (t) => {
  const director = await start(t, {});
  await director.use();
  const emptied = await start(t, {'ha.cf': ''});
  t.is(await emptied.load(), undefined);
});

test('the start waits for the route of an address that was served before', async (t) => {
  const director = await start(t, {haresources: 'alpha 192.0.2.1\n'});
  await director.use();
  director.noRoute();
  const first = await director.load();
  t.truthy(first);
  t.is(director.waits.length, 2);
  t.regex(director.said.join(), /waiting for the network/);
});

test('an address that never had a route is an error', async (t) => {
  const director = await start(t, {haresources: 'alpha 192.0.2.1\n'});
  director.noRoute();
  t.is(await director.load(), undefined);
  t.deepEqual(director.waits, []);
});

const withServer = (name: string): string =>
  `virtual=192.0.2.1:80\n\treal=192.0.2.7:80 gate\n\treal=${name}:80 gate\n`;

test('without an earlier version a name that does not exist is left out', async (t) => {
  const director = await start(t, {});
  director.put('ldirectord.cf', withServer('absent.example'));
  director.put('haresources', 'alpha 192.0.2.1/24/lo ldirectord\n');
  const first = await director.load();
  t.deepEqual(
    first?.outcome.loaded.cluster.ldirectord[0]?.virtuals[0]?.reals.map(({address}) => address),
    ['192.0.2.7'],
  );
  t.deepEqual(director.said, ['error names that do not exist are left out until they do: absent.example']);
});

test('a name that does not exist: the last version in use is loaded, and the name is retried', async (t) => {
  const director = await start(t, {});
  director.put('haresources', 'alpha 192.0.2.1/24/lo ldirectord\n');
  director.put('ldirectord.cf', withServer('192.0.2.8'));
  await director.use();
  director.put('ldirectord.cf', withServer('absent.example'));
  const first = await director.load();
  t.is(first?.outcome.loaded.cluster.ldirectord[0]?.virtuals[0]?.reals.length, 2);
  t.regex(first?.problem ?? '', /version 1 is in use/);
  t.deepEqual(first?.awaited, ['4 absent.example']);
  director.put('ldirectord.cf', `${withServer('absent.example')}\tscheduler=\n\tnonsense=1\n\treal=x y z\n`);
  t.deepEqual((await director.load())?.awaited, [], 'with another error no name is retried');
});
