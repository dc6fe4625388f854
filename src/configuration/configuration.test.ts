/** Host names while the director runs: those without an address are retried at growing intervals. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {makeConfiguration, makeReader} from './configuration.ts';
import {loadDirectory} from './load.ts';
import type {Loaded} from './loaded.ts';

/** A single director with this ldirectord.cf; without a text, one of a pair whose peer is given by name. */
async function running(t: ExecutionContext, text: string, first: readonly string[] | undefined) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-names-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const configDir = path.join(root, 'ha.d');
  mkdirSync(configDir);
  const pair = {
    authkeys: 'auth 1\n1 sha256 key-of-this-test\n',
    'ha.cf': 'node alpha beta\nucast lo beta.example\nbcast lo\nauto_failback on\n',
    haresources: 'alpha 192.0.2.1/24/lo\n',
  };
  for (const [name, content] of Object.entries(text === '' ? pair : {}))
    writeFileSync(path.join(configDir, name), content, {mode: 0o600});
  const file = path.join(configDir, 'ldirectord.cf');
  const put = (content: string): void => writeFileSync(file, content, {mode: 0o600});
  if (text !== '') put(text);
  let answer = first;
  const lookUp = () => Promise.resolve(answer);
  const reader = makeReader(
    (more) =>
      loadDirectory({
        configDir,
        stateDir: root,
        node: 'alpha',
        mode: 'lenient',
        ...(text === '' ? {} : {only: 'ldirectord.cf'}),
        findInterface: () => Promise.resolve(() => undefined),
        lookUp,
        wall: 0,
        ...more,
      }),
    {names: new Map(), taken: () => undefined},
  );
  const pauses: number[] = [];
  let run = (): void => undefined;
  let taken: Loaded | undefined = (await reader.load()).loaded;
  const arrived: (() => void)[] = [];
  const configuration = makeConfiguration({
    log: () => undefined,
    configDir,
    reader,
    running: () => {
      if (!taken) throw new Error('no configuration is in use');
      return taken;
    },
    apply: (next) => {
      taken = next;
      for (const tell of arrived.splice(0)) tell();
      return Promise.resolve();
    },
    report: () => undefined,
    lookUp,
    later: (next, ms) => {
      pauses.push(ms);
      run = next;
      for (const tell of arrived.splice(0)) tell();
      return () => undefined;
    },
  });
  t.teardown(() => configuration.stop());
  /** Waits until the next lookup is scheduled, or a configuration was applied. */
  const arrival = (): Promise<void> => new Promise((resolve) => void arrived.push(resolve));
  return {
    configuration,
    put,
    pauses,
    answers: (addresses: readonly string[] | undefined) => (answer = addresses),
    media: () => taken?.cluster.ha?.media.length,
    reals: () => taken?.cluster.ldirectord[0]?.virtuals[0]?.reals.map(({address}) => address),
    begin: () => configuration.watch([file]),
    look: async () => {
      const next = arrival();
      run();
      await next;
    },
    arrival,
  };
}

const file = 'autoreload=yes\nvirtual=192.0.2.1:80\n\treal=192.0.2.7:80 gate\n\treal=web.example:80 gate\n';
const without = file.replace('\treal=web.example:80 gate\n', '');

test('a name that no server answers for is retried with doubling intervals, a minute at most', async (t) => {
  const director = await running(t, file, undefined);
  t.deepEqual(director.reals(), ['192.0.2.7']);
  director.begin();
  for (let round = 0; round < 6; round += 1) await director.look(); // oxlint-disable-line no-await-in-loop -- one after the other.
  t.deepEqual(director.pauses, [5_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  director.answers(['192.0.2.8']);
  await director.look();
  await director.arrival();
  t.deepEqual(director.reals(), ['192.0.2.7', '192.0.2.8']);
});

test('autoreload: a name that does not exist yet is retried, and applied when it does', async (t) => {
  const director = await running(t, without, []);
  director.begin();
  director.put(file);
  t.false((await director.configuration.reload('autoreload', true)).ok);
  t.regex(director.configuration.problem ?? '', /have errors/);
  await director.look();
  t.deepEqual(director.reals(), ['192.0.2.7']);
  director.answers(['192.0.2.8']);
  await director.look();
  await director.arrival();
  t.deepEqual(director.reals(), ['192.0.2.7', '192.0.2.8']);
});

test('a requested reload that was refused is not applied later by itself', async (t) => {
  const director = await running(t, without, []);
  director.begin();
  director.put(file);
  t.false((await director.configuration.reload()).ok);
  director.answers(['192.0.2.8']);
  await director.look();
  t.deepEqual(director.reals(), ['192.0.2.7']);
  t.is(director.pauses.at(-1), 60_000, 'no name is awaited');
});

test('a path to a peer whose name does not exist is left out, and added when it does', async (t) => {
  const director = await running(t, '', []);
  t.is(director.media(), 1);
  director.begin();
  await director.look();
  t.is(director.pauses.at(-1), 5_000);
  director.answers(['192.0.2.9']);
  await director.look();
  await director.arrival();
  t.is(director.media(), 2);
});
