/** Host names of real servers: resolved when the file is read, and again later. */
import test from 'ava';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {keepNames, movedNames, readNames, readServiceNames, withNames, type NameCache} from './names.ts';

const answering = (answers: Record<string, readonly string[]>) => (name: string) =>
  Promise.resolve(answers[name] ?? []);
const read = (names: readonly string[], answers: Record<string, readonly string[]>, cache?: NameCache) =>
  withNames((resolver) => names.map((name) => resolver.host(name, 4)), {
    ask: answering(answers),
    ...(cache ? {cache} : {}),
  });

test('every name is looked up once; addresses are not looked up', async (t) => {
  const asked: string[] = [];
  const found = await withNames(
    (resolver) => ['web', '10.0.0.9', 'web', 'none'].map((name) => resolver.host(name, 4)),
    {
      ask: (name) => {
        asked.push(name);
        return Promise.resolve(name === 'web' ? ['10.0.0.1', '10.0.0.2'] : []);
      },
    },
  );
  t.deepEqual(found, ['10.0.0.1', '10.0.0.9', '10.0.0.1', undefined]);
  t.deepEqual(asked, ['web', 'none']);
});

test('the address in use stays while it is among the answers, and while no name server answers', async (t) => {
  const cache: NameCache = new Map();
  t.deepEqual(await read(['web'], {web: ['10.0.0.1', '10.0.0.2']}, cache), ['10.0.0.1']);
  t.deepEqual(await read(['web'], {web: ['10.0.0.2', '10.0.0.1']}, cache), ['10.0.0.1']);
  t.deepEqual(await read(['web'], {}, cache), ['10.0.0.1']);
  t.deepEqual(await read(['web'], {web: ['10.0.0.3']}, cache), ['10.0.0.3']);
  t.deepEqual(await read(['other'], {}, cache), [undefined]);
  t.deepEqual([...cache], [], 'unused names are forgotten');
});

test('a name that moved is reported with both addresses; the cache changes at the reload', async (t) => {
  const cache: NameCache = new Map([
    ['4 web', '10.0.0.1'],
    ['4 mail', '10.0.0.5'],
    ['6 web', '2001:db8::1'],
  ]);
  const ask = (name: string, family: 4 | 6) =>
    Promise.resolve(name === 'mail' ? [] : family === 4 ? ['10.0.0.2'] : ['2001:db8::2', '2001:db8::1']);
  t.deepEqual(await movedNames(cache, ask), [{name: 'web', from: '10.0.0.1', to: '10.0.0.2'}]);
  t.is(cache.get('4 web'), '10.0.0.1');
});

test('an unknown name is left out while no name server answers, and added when one does', async (t) => {
  const cache: NameCache = new Map([['4 known', '10.0.0.1']]);
  const unavailable = new Set<string>();
  const parse = (resolver: {host(name: string, family: 4 | 6): string | undefined}) =>
    ['known', 'new'].map((name) => resolver.host(name, 4));
  const silent = () => Promise.resolve(undefined);
  t.deepEqual(await withNames(parse, {ask: silent, cache, unavailable}), ['10.0.0.1', undefined]);
  t.deepEqual([...unavailable], ['new']);
  t.deepEqual(await movedNames(cache, silent), []);
  t.deepEqual(await movedNames(cache, () => Promise.resolve(['10.0.0.7'])), [
    {name: 'known', from: '10.0.0.1', to: '10.0.0.7'},
    {name: 'new', from: '', to: '10.0.0.7'},
  ]);
});

test('a start uses the last known addresses and looks up only the other names', async (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-names-'));
  t.teardown(() => rmSync(dir, {recursive: true, force: true}));
  t.deepEqual([...readNames(dir)], []);
  keepNames(
    dir,
    new Map([
      ['4 web', '10.0.0.1'],
      ['4 pending', ''],
    ]),
  );
  const asked: string[] = [];
  const cache = readNames(dir);
  const found = await withNames((resolver) => ['web', 'mail'].map((name) => resolver.host(name, 4)), {
    cache,
    trustCache: true,
    ask: (name) => {
      asked.push(name);
      return Promise.resolve(['10.0.0.9']);
    },
  });
  t.deepEqual(found, ['10.0.0.1', '10.0.0.9']);
  t.deepEqual(asked, ['mail']);
});

test('without /etc/services the names of the checked services are known', (t) => {
  const names = readServiceNames('/nonexistent/services');
  const asked = [
    'http/tcp',
    'https/tcp',
    'imap/tcp',
    'smtp/tcp',
    'mysql/tcp',
    'domain/udp',
    'sip/udp',
    'radius/udp',
  ];
  t.deepEqual(
    asked.map((name) => names.get(name)),
    [80, 443, 143, 25, 3306, 53, 5060, 1812],
  );
  t.is(names.get('no-such-service/tcp'), undefined);
});
