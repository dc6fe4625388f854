/** A push between two directors in this process: real files, and a link that fails where the test says. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {loadCluster} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {CommandError} from '../control/error.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import {makeConfigCommands, type ConfigPeerHandlers} from './config-commands.ts';
import {keyProblem} from './config-push.ts';
import {peerHandlers} from '../control/handlers.fixture.ts';
import {answerPeerWith} from '../peer/serve.ts';
import {openConfigStore} from './config-store.ts';
import {keepVersion} from './keep-version.ts';
import {loadDirectory} from './load.ts';
import type {Loaded} from './loaded.ts';

const files = (peer: string) => ({
  'ha.cf': `udpport 700\nucast eth1 ${peer}\nnode one two\nauto_failback on\nkeepalive 1\n`,
  haresources: 'one IPaddr2::10.0.0.1/24/eth0 ldirectord::web.cf\n',
  authkeys: 'auth 1\n1 sha256 key\n',
  'web.cf': 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq 3\n\tservice=http\n',
});

interface Faults {
  /** Fails the link before or after the other side acted. */
  readonly lost?: (command: PeerCommand) => 'unreached' | 'before' | 'after' | undefined;
  /** Reloads that fail, by director name. */
  readonly reload?: (why: string) => boolean;
}

type Side = Awaited<ReturnType<typeof pair>>['one'];

async function pair(
  t: ExecutionContext,
  faults: {one?: Faults; two?: Faults} = {},
  {method = 'sha256', written = ''} = {},
) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-push-'));
  t.teardown(() => rmSync(root, {recursive: true}));
  const make = async (node: 'one' | 'two', other: () => Awaited<ReturnType<typeof director>>) =>
    director(node, other);
  const director = async (node: 'one' | 'two', other: () => {readonly peerHandlers: ConfigPeerHandlers}) => {
    const configDir = path.join(root, node, 'ha.d');
    mkdirSync(configDir, {recursive: true});
    for (const [name, text] of Object.entries(files(node === 'one' ? '10.1.1.2' : '10.1.1.1')))
      writeFileSync(
        path.join(configDir, name),
        name === 'authkeys'
          ? text.replace('sha256', method)
          : name === 'ha.cf' && written !== ''
            ? `${text}${written}\n`
            : text,
      );
    chmodSync(path.join(configDir, 'authkeys'), 0o600);
    const load = async (read?: Parameters<typeof loadDirectory>[0]['read']) =>
      loadDirectory({
        configDir,
        stateDir: root,
        node,
        mode: 'lenient',
        findInterface: () => Promise.resolve(() => undefined),
        wall: 0,
        ...(read ? {read} : {}),
      });
    const first = await load();
    let running = first.loaded as Loaded;
    const reloads: string[] = [];
    const store = openConfigStore(path.join(root, node));
    let wall = 0;
    const commands = makeConfigCommands({
      configDir,
      store,
      log: () => undefined,
      load,
      running: () => running,
      reload: async (why) => {
        reloads.push(why);
        const {loaded, texts} = await load();
        if (!loaded || faults[node]?.reload?.(why))
          return {ok: false, diagnostics: [...texts, 'failed by the test']};
        running = loaded;
        return {ok: true, diagnostics: texts};
      },
      ask: async (command) => {
        const lost = faults[node]?.lost?.(command);
        if (lost === 'unreached') throw new CommandError('no-peer', 'no connection');
        if (lost === 'before') throw new CommandError('peer-lost', 'cut');
        const answer = await answerPeerWith(peerHandlers(other().peerHandlers))(command);
        if (lost === 'after') throw new CommandError('peer-timeout', 'cut');
        return JSON.parse(JSON.stringify(answer));
      },
      peer: () => (node === 'one' ? 'two' : 'one'),
      wall: () => (wall += 1),
      wait: () => Promise.resolve(),
      connections: () => Promise.resolve(() => 0),
    });
    t.teardown(() => commands.stop());
    return {
      ...commands,
      store,
      reloads,
      running: () => running,
      digest: () => running.digest,
      path: (name: string) => path.join(configDir, name),
      read: (name: string) => readFileSync(path.join(configDir, name), 'utf8'),
      edit: (name: string, from: string, to: string) => {
        const file = path.join(configDir, name);
        writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
      },
      push: (options: {dryRun?: boolean; keys?: boolean} = {}) =>
        commands.handlers.push({command: 'push', dryRun: false, keys: false, ...options}),
      askPeer: answerPeerWith(peerHandlers(commands.peerHandlers)),
      last: () => store.pushes().at(-1),
    };
  };
  let two: Awaited<ReturnType<typeof director>> | undefined;
  const one = await make('one', () => two as NonNullable<typeof two>);
  two = await make('two', () => one);
  return {one, two};
}

test('a push transfers all files, and the receiver keeps its own lines of ha.cf', async (t) => {
  const {one, two} = await pair(t);
  one.edit('ha.cf', 'keepalive 1', 'keepalive 2');
  one.edit('web.cf', 'masq 3', 'masq 5');
  const outcome = await one.push();
  t.like(outcome, {ok: true, text: 'in use on both'});
  t.deepEqual(
    outcome.there.rows.map(({what}) => what),
    ['keepalive', 'tcp 10.0.0.1:80 real 10.0.0.2:80'],
  );
  t.is(one.digest(), two.digest());
  t.is(two.read('ha.cf'), files('10.1.1.1')['ha.cf'].replace('keepalive 1', 'keepalive 2'));
  t.deepEqual([one.last()?.state, two.last()?.state], ['done', 'done']);
  t.deepEqual([one.reloads, two.reloads], [['push to two'], ['push from one']]);
});

test('a dry run leaves no trace', async (t) => {
  const {one, two} = await pair(t);
  one.edit('web.cf', 'masq 3', 'masq 5');
  t.like(await one.push({dryRun: true}), {ok: true, dryRun: true});
  t.deepEqual([one.last(), two.last(), one.reloads, two.reloads], [undefined, undefined, [], []]);
  t.is(two.read('web.cf'), files('')['web.cf']);
});

const commit = (command: PeerCommand): boolean => command.command === 'push-commit';

/** What fails; whether both or neither have it then; the state recorded by sender and receiver. */
const table: readonly (readonly [
  string,
  {one?: Faults; two?: Faults},
  'both' | 'neither',
  string,
  string,
])[] = [
  [
    'the receiver cannot load it',
    {two: {reload: (why) => why === 'push from one'}},
    'neither',
    'failed',
    'undone',
  ],
  ['the sender cannot load it', {one: {reload: () => true}}, 'neither', 'undone', 'undone'],
  [
    'the answer is lost',
    {one: {lost: (command) => (commit(command) ? 'after' : undefined)}},
    'both',
    'done',
    'done',
  ],
  [
    'the request is lost',
    {one: {lost: (command) => (commit(command) ? 'before' : undefined)}},
    'neither',
    'failed',
    'failed',
  ],
];
for (const [name, faults, who, sender, receiver] of table)
  test(`${name}: ${who}`, async (t) => {
    const {one, two} = await pair(t, faults);
    const before = one.digest();
    one.edit('web.cf', 'masq 3', 'masq 5');
    t.is((await one.push()).ok, who === 'both');
    t.is(one.digest(), two.digest());
    t.is(one.digest() === before, who === 'neither');
    t.is(two.read('web.cf').includes('masq 5'), who === 'both');
    t.deepEqual([one.last()?.state, two.last()?.state], [sender, receiver]);
  });

test('a push is retried when the peer is unreachable for a moment', async (t) => {
  let tries = 0;
  const {one, two} = await pair(t, {
    one: {
      lost: (command) => {
        if (!commit(command)) return undefined;
        tries += 1;
        return tries < 3 ? 'unreached' : undefined;
      },
    },
  });
  one.edit('web.cf', 'masq 3', 'masq 5');
  t.true((await one.push()).ok);
  t.is(one.digest(), two.digest());
  t.is(tries, 3);
});

test('a peer silent after the request: the result reports it, and this director keeps its files', async (t) => {
  let asked = false;
  const {one, two} = await pair(t, {
    one: {
      lost: (command) => {
        asked ||= commit(command);
        return asked ? 'before' : undefined;
      },
    },
  });
  one.edit('web.cf', 'masq 3', 'masq 5');
  const outcome = await one.push();
  t.false(outcome.ok);
  t.regex(outcome.text, /whether two uses it is unknown/);
  t.deepEqual([one.reloads, two.reloads], [[], []]);
  t.deepEqual([one.last()?.state, two.last()?.state], ['unknown', 'prepared']);
});

test('a configuration that the peer cannot use changes neither director', async (t) => {
  const {one, two} = await pair(t);
  two.edit('ha.cf', 'ucast eth1 10.1.1.1', 'ucast eth1 nonsense');
  one.edit('web.cf', 'masq 3', 'masq 5');
  const outcome = await one.push();
  t.like(outcome, {
    ok: false,
    text: 'two cannot use it: it reports errors; nothing was changed on either',
  });
  // A name that does not exist, and one for which no name server answers.
  t.regex(
    outcome.there.diagnostics.join(),
    /"nonsense" is not an address|no name server answers for nonsense/,
  );
  t.deepEqual([one.reloads, two.reloads, two.last()], [[], [], undefined]);
});

test('files with errors, changes that need a restart, and files elsewhere are not sent', async (t) => {
  const {one} = await pair(t);
  one.edit('web.cf', 'masq 3', 'nonsense');
  t.regex((await one.push()).text, /^the files here have errors/);
  one.edit('web.cf', 'nonsense', 'masq 3');
  one.edit('ha.cf', 'node one two', 'node one two three');
  t.regex((await one.push()).text, /^nothing was sent: the nodes of ha\.cf changed/);
  one.edit('ha.cf', 'node one two three', 'node one two');
  const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'hactl-elsewhere-'));
  t.teardown(() => rmSync(elsewhere, {recursive: true}));
  writeFileSync(path.join(elsewhere, 'x.cf'), files('')['web.cf']);
  one.edit('haresources', 'ldirectord::web.cf', `ldirectord::${elsewhere}/x.cf`);
  t.regex((await one.push()).text, /^nothing was sent: .*x\.cf is not in/);
});

test('files edited at the receiver between prepare and commit keep the edit', async (t) => {
  const hook: {edit?: () => void} = {};
  const {one, two} = await pair(t, {
    one: {
      lost: (command) => {
        if (commit(command)) hook.edit?.();
        return undefined;
      },
    },
  });
  hook.edit = () => two.edit('web.cf', 'service=http', 'service=ftp');
  one.edit('web.cf', 'masq 3', 'masq 5');
  t.regex((await one.push()).text, /its files were edited in the meantime/);
  t.true(two.read('web.cf').includes('service=ftp'));
});

test('the peer may write no other files', async (t) => {
  const {two} = await pair(t);
  const prepare = {command: 'push-prepare', id: 'x', dryRun: false} as const;
  for (const name of ['../../etc/passwd', '/etc/passwd', 'resource.d/evil'])
    await t.throwsAsync(two.askPeer({...prepare, files: [{name, text: '', mode: 0o755}]}), {
      message: /cannot be pushed/,
    });
  await t.throwsAsync(two.askPeer({command: 'push-commit', id: 'x'}), {message: /no longer prepared/});
});

/** All files of a configuration, as the peer would send them. */
const sent = (more: readonly {name: string; text: string; mode: number}[] = [], mode = 0o644) => ({
  command: 'push-prepare' as const,
  id: 'x',
  dryRun: false,
  files: [
    ...Object.entries(files('10.1.1.2'))
      .filter(([name]) => name !== 'authkeys')
      .map(([name, text]) => ({name, text, mode})),
    ...more,
  ],
});

test('the peer cannot write a file that the pushed configuration does not read', async (t) => {
  const {two} = await pair(t);
  for (const name of [
    'shellfuncs',
    'harc',
    'README.config',
    'Resource.d/x',
    'ha.cf.hactl-new',
    'other.cf',
    'resource.d',
  ])
    await t.throwsAsync(
      two.askPeer(sent([{name, text: '', mode: 0o755}])),
      {message: /cannot be pushed/},
      name,
    );
  t.is(two.last(), undefined);
});

test('a new file is accessible to root and its group only, whatever mode was sent', async (t) => {
  const {two} = await pair(t);
  const request = sent([
    {name: 'new.cf', text: files('')['web.cf'].replaceAll('10.0.0.1:80', '10.0.0.1:81'), mode: 0o777},
  ]);
  const asking = request.files.map((file) =>
    file.name === 'haresources' ? {...file, text: `${file.text.trimEnd()} ldirectord::new.cf\n`} : file,
  );
  t.like(await two.askPeer({...request, files: asking}), {ok: true});
  t.like(await two.askPeer({command: 'push-commit', id: 'x'}), {ok: true});
  t.is(statSync(two.path('new.cf')).mode & 0o7777, 0o640);
});

for (const [what, prepare] of [
  [
    'a link instead of a file',
    (two: Side, outside: string) => {
      renameSync(two.path('web.cf'), outside);
      symlinkSync(outside, two.path('web.cf'));
    },
  ],
  [
    'a dangling link',
    (two: Side, outside: string) => {
      rmSync(two.path('web.cf'));
      symlinkSync(outside, two.path('web.cf'));
    },
  ],
  [
    'a directory instead of a file',
    (two: Side) => {
      rmSync(two.path('web.cf'));
      mkdirSync(two.path('web.cf'));
    },
  ],
] as const)
  // prettier-ignore
  test(`a push follows no link and replaces only files: ${what}`, async (t) => {
    const {one, two} = await pair(t);
    const outside = path.join(two.path('..'), 'outside.cf');
    prepare(two, outside);
    one.edit('web.cf', 'masq 3', 'masq 5');
    await t.throwsAsync(one.push(), {message: /web\.cf is (a link, and a push does not follow it|no regular file)/});
    t.false(statSync(outside, {throwIfNoEntry: false}) !== undefined && readFileSync(outside, 'utf8').includes('masq 5')); // prettier-ignore
    t.deepEqual(readdirSync(two.path('.')).toSorted(), ['authkeys', 'ha.cf', 'haresources', 'web.cf']);
  });

test('a link that appears after validation is not followed either', async (t) => {
  const {one, two} = await pair(t);
  one.edit('web.cf', 'masq 3', 'masq 5');
  const outside = path.join(two.path('..'), 'outside.cf');
  await two.askPeer(sent());
  renameSync(two.path('web.cf'), outside);
  symlinkSync(outside, two.path('web.cf'));
  t.like(await two.askPeer({command: 'push-commit', id: 'x'}), {ok: false});
  t.false(readFileSync(outside, 'utf8').includes('masq 5'));
  t.is(two.last()?.state, 'failed');
});

test('a configuration subdirectory that is a link is not followed', async (t) => {
  const {two} = await pair(t);
  mkdirSync(path.join(two.path('..'), 'elsewhere'));
  symlinkSync('../elsewhere', two.path('sub'));
  await t.throwsAsync(two.askPeer(sent([{name: 'sub/web.cf', text: '', mode: 0o644}])), {
    message: /sub is a link, and a push does not follow it/,
  });
});

for (const [method, written, taken] of [
  ['sha256', '', true],
  ['sha1', '', false],
  ['md5', '', false],
  ['sha1', 'hactl_push on', true],
  ['sha256', 'hactl_push off', false],
] as const)
  test(`a push with a ${method} key${written === '' ? '' : ` and ${written}`} is ${taken ? 'taken' : 'refused'}`, async (t) => {
    const {one, two} = await pair(t, {}, {method, written});
    one.edit('web.cf', 'masq 3', 'masq 5');
    if (taken) t.like(await one.push(), {ok: true});
    else await t.throwsAsync(one.push(), {message: written === '' ? /key 1 (sha1|md5).*hactl_push on/ : /hactl_push is off/}); // prettier-ignore
    t.is(two.read('web.cf').includes('masq 5'), taken);
  });

test('authkeys is sent only on request, and only in steps that both can follow', async (t) => {
  const {one, two} = await pair(t);
  one.edit('authkeys', '1 sha256 key', '1 sha256 key\n2 sha256 next');
  const without = await one.push();
  t.true(without.ok);
  t.regex(without.there.diagnostics.join(), /two would still differ/);
  t.false(two.read('authkeys').includes('next'));
  t.true((await one.push({keys: true})).ok);
  t.is(two.read('authkeys'), one.read('authkeys'));
  one.edit('authkeys', 'auth 1', 'auth 2');
  t.true((await one.push({keys: true})).ok);
  one.edit('authkeys', '\n2 sha256 next', '\n2 sha256 other');
  t.regex((await one.push({keys: true})).text, /no longer has key 2, which is signing now/);
});

test('a key that the other director lacks must not sign', (t) => {
  const keys = (text: string) => {
    const {cluster} = loadCluster({
      dir: '/x',
      read: (name) => {
        const known =
          name === '/x/authkeys' ? text : new Map(Object.entries(files('10.1.1.1'))).get(name.slice(3));
        return known === undefined ? undefined : {text: known, mode: 0o600};
      },
      mode: 'lenient',
      resolve: {host: () => undefined, service: () => undefined},
    });
    return cluster?.authkeys as NonNullable<typeof cluster>['authkeys'];
  };
  const running = keys('auth 1\n1 sha256 a\n');
  t.is(keyProblem(running, keys('auth 1\n1 sha256 a\n2 sha256 b\n')), undefined);
  t.regex(keyProblem(running, keys('auth 2\n1 sha256 a\n2 sha256 b\n')) ?? '', /key 2, the new signing key/);
  t.regex(keyProblem(running, keys('auth 1\n1 sha256 b\n')) ?? '', /no longer has key 1/);
});

test('a rollback restores the files; a version with errors changes nothing', async (t) => {
  const {one} = await pair(t);
  keepVersion(one.store, () => undefined, 1, one.running(), 'start');
  one.edit('web.cf', 'masq 3', 'masq 5');
  const diff = await one.handlers['config-diff']({command: 'config-diff', a: 1});
  t.true(diff.lines.includes('+\treal=10.0.0.2:80 masq 5'));
  t.like(await one.handlers['config-rollback']({command: 'config-rollback', version: 1}), {ok: true});
  t.true(one.read('web.cf').includes('masq 3'));
  t.is(one.last()?.state, 'done');
  await t.throwsAsync(one.handlers['config-rollback']({command: 'config-rollback', version: 9}), {
    message: /no version 9/,
  });
});
