/** Two directories on loopback: a join, and those that must be refused. */
import {spawn, type ChildProcess} from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import {isSharedName} from '../configuration/config-files.ts';
import {tlsOptions} from '../peer/tls.ts';
import {VERSION} from '../system/paths.ts';
import {askToJoin, JoinError} from './ask-to-join.ts';
import {deviceNames, readBundle, renameDevices, type Bundle} from './bundle.ts';
import {INVITATION_LASTS, WRONG_TRIES} from './invitation.ts';
import {invite, type InviteOptions} from './invite.ts';
import {JOIN_IDENTITY, tokenKey, tokenText} from './token.ts';

const secret = new Uint8Array(14).fill(1);
const wrongSecret = new Uint8Array(14).fill(2);
const bundle: Bundle = {
  node: 'one',
  networks: [],
  files: [
    {
      name: 'ha.cf',
      text: 'node one two\nmcast lo 225.0.0.1 694 1 0\nkeepalive 100ms\ndeadtime 1s\nauto_failback on\n',
      mode: 0o644,
    },
    {name: 'haresources', text: 'one IPaddr2::127.0.9.1/24/lo ldirectord::ldirectord.cf\n', mode: 0o644},
    {name: 'ldirectord.cf', text: 'virtual=127.0.9.1:80\n\treal=127.0.0.2:80 gate\n', mode: 0o644},
    {name: 'authkeys', text: 'auth 1\n1 sha256 KEY-OF-THE-PAIR-0123456789\n', mode: 0o600},
  ],
};
const request = {node: 'two', version: VERSION};

async function open(t: ExecutionContext, more: Partial<InviteOptions> = {}) {
  const messages: string[] = [];
  const invitation = await invite({
    secret,
    awaited: ['two'],
    bundle,
    version: VERSION,
    port: 0,
    host: '127.0.0.1',
    tick: 20,
    print: (text) => messages.push(text),
    ...more,
  });
  t.teardown(() => invitation.close());
  return {...invitation, said: messages};
}

/** Connects; returns what was sent, if anything. */
async function ask(port: number, token = secret, more: Partial<Parameters<typeof askToJoin>[0]> = {}) {
  let got: unknown;
  const outcome = await askToJoin({
    address: '127.0.0.1',
    port,
    secret: token,
    request,
    receive: (value) => {
      got = value;
      return Promise.resolve({ok: true, text: 'done'});
    },
    ...more,
  }).catch((error: unknown) => {
    if (!(error instanceof JoinError)) throw error;
    return error.message;
  });
  return {got, outcome};
}

test('the token works once', async (t) => {
  const invitation = await open(t);
  const {got, outcome} = await ask(invitation.port);
  t.deepEqual(got, bundle);
  t.deepEqual(outcome, {ok: true, text: 'done'});
  t.like(await invitation.ended, {ok: true});
  const again = await ask(invitation.port);
  t.is(again.got, undefined);
  t.is(typeof again.outcome, 'string');
});

test('of two simultaneous joiners only one gets the files', async (t) => {
  const invitation = await open(t);
  const both = await Promise.all([ask(invitation.port), ask(invitation.port)]);
  t.is(both.filter(({got}) => got !== undefined).length, 1);
});

test('wrong tokens get nothing, and void the right one', async (t) => {
  const invitation = await open(t);
  for (let count = 0; count < WRONG_TRIES; count += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one try after another.
    const {got, outcome} = await ask(invitation.port, wrongSecret);
    t.is(got, undefined);
    t.regex(typeof outcome === 'string' ? outcome : 'taken', /does not take this token/);
  }
  t.like(await invitation.ended, {ok: false});
  t.is(invitation.said.length, WRONG_TRIES);
  t.is((await ask(invitation.port)).got, undefined);
});

test('port scans do not count as attempts', async (t) => {
  const invitation = await open(t);
  for (let count = 0; count < 2 * WRONG_TRIES; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    await new Promise<void>((resolve) => {
      const socket = net.connect(invitation.port, '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  t.deepEqual((await ask(invitation.port)).got, bundle);
});

test('an expired token gets nothing', async (t) => {
  let now = 0;
  const invitation = await open(t, {now: () => now, tick: 600_000});
  now = INVITATION_LASTS;
  t.is((await ask(invitation.port)).got, undefined);
  const waiting = await open(t, {now: () => now});
  now += INVITATION_LASTS;
  t.like(await waiting.ended, {ok: false});
});

test('an unexpected machine gets an error, and the token stays valid', async (t) => {
  const invitation = await open(t);
  const {outcome} = await ask(invitation.port, secret, {request: {...request, node: 'three'}});
  t.regex(typeof outcome === 'string' ? outcome : 'taken', /expects two, and this is three/);
  t.deepEqual((await ask(invitation.port)).got, bundle);
});

/** With the token, but without following the protocol. */
const hostile = (port: number, send: (socket: tls.TLSSocket) => void): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = tls.connect({
      ...tlsOptions,
      host: '127.0.0.1',
      port,
      pskCallback: () => ({psk: tokenKey(secret), identity: JOIN_IDENTITY}),
      checkServerIdentity: () => undefined,
    });
    socket.on('secureConnect', () => send(socket));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });

test('a joiner that sends garbage, or too much, gets no files', async (t) => {
  const invitation = await open(t);
  for (const line of [
    '\n',
    'null\n',
    '[]\n',
    '{"node":1,"version":"x"}\n',
    '{"node":"a b","version":"x"}\n',
    'x'.repeat(200_000),
  ])
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    t.is(await hostile(invitation.port, (socket) => socket.write(line)), '', line.slice(0, 20));
  t.deepEqual((await ask(invitation.port)).got, bundle);
});

test('a joiner that disconnects with the files voids the token, and that is reported', async (t) => {
  const invitation = await open(t);
  await hostile(invitation.port, (socket) => {
    socket.write(`${JSON.stringify(request)}\n`);
    socket.once('data', () => socket.destroy());
  });
  const {ok, text} = await invitation.ended;
  t.false(ok);
  t.regex(text, /went away.*hactl invite/);
});

/** A first director that has the token and sends this. */
async function firstMachine(t: ExecutionContext, answer: (socket: tls.TLSSocket) => void): Promise<number> {
  const server = tls.createServer(
    {...tlsOptions, pskCallback: () => tokenKey(secret) as unknown as null},
    (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    },
  );
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

for (const [what, answer, expected] of [
  ['half of the files', (socket) => socket.end('{"ok":true,"bundle":{"files":[{"na'), /interrupted/],
  [
    'a reset in between',
    (socket) => (socket.write('{"ok":true,"bundle":'), setTimeout(() => socket.destroy(), 20)),
    /interrupted/,
  ],
  ['nothing', () => undefined, /no whole answer within/],
  ['more than fits', (socket) => socket.write('x'.repeat(9 << 20)), /interrupted/],
  ['no JSON', (socket) => socket.write('ok\n'), /cannot be read/],
] as readonly (readonly [string, (socket: tls.TLSSocket) => unknown, RegExp])[])
  test(`a first director that sends ${what}: nothing is taken`, async (t) => {
    const port = await firstMachine(t, (socket) => void answer(socket));
    const {got, outcome} = await ask(port, secret, {limit: what === 'nothing' ? 300 : 20_000});
    t.is(got, undefined);
    t.regex(typeof outcome === 'string' ? outcome : 'taken', expected);
  });

test('without the token nobody can impersonate the first director', async (t) => {
  const port = await firstMachine(t, (socket) => socket.write(`${JSON.stringify({ok: true, bundle})}\n`));
  t.is((await ask(port, wrongSecret)).got, undefined);
});

for (const [what, spoil] of [
  ['a name above the directory', {name: '../cron.d/x', text: 'x'}],
  ['an absolute name', {name: '/etc/passwd', text: 'x'}],
  ['a program', {name: 'resource.d/x', text: '#!/bin/sh\n'}],
  ['a name with a line end', {name: 'a\nb', text: 'x'}],
  ['a file twice', {name: 'ha.cf', text: 'x'}],
  ['no text', {name: 'x.cf', text: 5}],
  ['no object', null],
] as const)
  test(`a bundle with ${what} is refused as a whole`, (t) => {
    t.true(readBundle(bundle, isSharedName).ok);
    t.false(readBundle({...bundle, files: [...bundle.files, spoil]}, isSharedName).ok);
  });

test('a bundle without a key, of many files or of large ones is refused; modes are ours', (t) => {
  t.false(readBundle({...bundle, files: bundle.files.slice(0, 3)}, isSharedName).ok);
  const many = Array.from({length: 100}, (_, at) => ({name: `f${at}.cf`, text: ''}));
  t.false(readBundle({...bundle, files: [...bundle.files, ...many]}, isSharedName).ok);
  t.false(
    readBundle({...bundle, files: [...bundle.files, {name: 'x.cf', text: 'x'.repeat(5 << 20)}]}, isSharedName)
      .ok,
  );
  const read = readBundle(
    {...bundle, files: bundle.files.map((file) => ({...file, mode: 0o4777}))},
    isSharedName,
  );
  t.deepEqual(read.ok && read.value.files.map(({mode}) => mode), [0o644, 0o644, 0o644, 0o600]);
});

test('interfaces get the names that their networks have on the second machine', (t) => {
  const local = (device: string, address: string) => ({device, address, prefixLength: 24, internal: false});
  const names = deviceNames(
    [
      {device: 'eth0', address: '192.0.2.1', prefixLength: 24},
      {device: 'eth1', address: '10.0.0.1', prefixLength: 24},
      {device: 'eth2', address: '10.9.0.1', prefixLength: 24},
    ],
    [local('eth1', '192.0.2.2'), local('ens5', '10.0.0.2')],
  );
  const rename = (name: string, text: string): string => renameDevices({name, text, mode: 0}, names).text;
  t.is(
    rename('ha.cf', 'mcast eth0 225.0.0.1 694 1 0\nbcast eth1 eth2 # eth0\nnode eth0\n'),
    'mcast eth1 225.0.0.1 694 1 0\nbcast ens5 eth2 # eth0\nnode eth0\n',
  );
  t.is(
    rename('haresources', 'eth0 192.0.2.100/24/eth0 LVSSyncDaemonSwap::master::eth1::7 ldirectord::eth0\n'),
    'eth0 192.0.2.100/24/eth1 LVSSyncDaemonSwap::master::ens5::7 ldirectord::eth0\n',
  );
});

// The commands themselves.

const hactl = path.resolve(import.meta.dirname, '../hactl.ts');

interface Run {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly ended: Promise<number | null>;
}

function run(t: ExecutionContext, ...words: string[]): Run {
  const child = spawn(process.execPath, [hactl, ...words], {stdio: ['ignore', 'pipe', 'pipe']});
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  t.teardown(() => void child.kill('SIGKILL'));
  return {child, text: () => text, ended};
}

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-join-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};
const initWords = [
  '--node',
  'one',
  '--peer',
  'two',
  '--vip',
  '127.0.9.1/24/lo',
  '--server',
  '127.0.0.2',
  '--service',
  '80',
  '--device',
  'lo',
  '--no-start',
];

test('hactl init and hactl join: one command each, the key is not shown, the files are the same', async (t) => {
  const root = folder(t);
  const [one, two] = [path.join(root, 'one/ha.d'), path.join(root, 'two/ha.d')];
  const first = run(
    t,
    'init',
    ...initWords,
    '--yes',
    '--port',
    '0',
    '--address',
    '127.0.0.1',
    '--config-dir',
    one,
  );
  const line = await until('the invitation', 60_000, () =>
    Promise.resolve(/hactl join (.*)\n/.exec(first.text())?.[1]),
  );
  const second = run(t, 'join', ...line.split(' '), '--node', 'two', '--no-start', '--config-dir', two);
  t.is(await second.ended, 0, second.text());
  t.is(await first.ended, 0, first.text());
  t.regex(first.text(), /two has joined/);
  const key = /sha256 ([0-9a-f]{64})/.exec(readFileSync(path.join(one, 'authkeys'), 'utf8'))?.[1] ?? 'none';
  t.false((first.text() + second.text()).includes(key));
  for (const name of readdirSync(one)) {
    t.is(readFileSync(path.join(two, name), 'utf8'), readFileSync(path.join(one, name), 'utf8'), name);
    t.is(statSync(path.join(two, name)).mode & 0o777, name === 'authkeys' ? 0o600 : 0o644);
  }
  const again = run(t, 'init', ...initWords, '--yes', '--config-dir', one);
  t.is(await again.ended, 1);
  t.regex(again.text(), /already.*nothing was changed\nnext: .*hactl init --replace/s);
  t.is(/sha256 ([0-9a-f]{64})/.exec(readFileSync(path.join(one, 'authkeys'), 'utf8'))?.[1], key);
});

test('hactl join writes nothing if the files do not fit this machine or the token is invalid', async (t) => {
  const root = folder(t);
  const invitation = await open(t, {
    bundle: {
      ...bundle,
      files: bundle.files.map((file) =>
        file.name === 'ldirectord.cf' ? {...file, text: 'virtual=nonsense\n'} : file,
      ),
    },
  });
  const dir = path.join(root, 'ha.d');
  const words = (token: Uint8Array): string[] => [
    'join',
    '127.0.0.1',
    tokenText(token),
    '--port',
    String(invitation.port),
    '--node',
    'two',
    '--no-start',
    '--config-dir',
    dir,
  ];
  const wrong = run(t, ...words(wrongSecret));
  t.is(await wrong.ended, 1);
  t.regex(wrong.text(), /does not take this token.*\nnext: hactl invite/s);
  const refused = run(t, ...words(secret));
  t.is(await refused.ended, 1);
  t.regex(refused.text(), /ldirectord\.cf:1/);
  t.false(existsSync(dir));
  t.like(await invitation.ended, {ok: false});
});

test('hactl init --from imports keepalived, and a repaired heartbeat directory', async (t) => {
  const root = folder(t);
  const source = path.join(root, 'keepalived.conf');
  writeFileSync(
    source,
    `vrrp_instance web {\n state MASTER\n interface lo\n virtual_router_id 51\n priority 100\n advert_int 1\n virtual_ipaddress {\n  127.0.9.1/24\n }\n}\nvirtual_server 127.0.9.1 80 {\n delay_loop 5\n lb_algo wlc\n lb_kind DR\n protocol TCP\n real_server 127.0.0.2 80 {\n  weight 1\n  TCP_CHECK {\n   connect_timeout 3\n  }\n }\n}\n`,
  );
  const firstDir = path.join(root, 'one');
  const first = run(
    t,
    'init',
    '--from',
    source,
    '--node',
    'one',
    '--peer',
    'two',
    '--yes',
    '--no-start',
    '--no-invite',
    '--config-dir',
    firstDir,
  );
  t.is(await first.ended, 0, first.text());
  t.regex(readFileSync(path.join(firstDir, 'ldirectord.cf'), 'utf8'), /real=127\.0\.0\.2:80 gate/);
  const old = path.join(root, 'old');
  mkdirSync(old);
  for (const {name, text, mode} of bundle.files)
    writeFileSync(path.join(old, name), name === 'ldirectord.cf' ? text.replace('\t', '') : text, {mode});
  const two = path.join(root, 'two');
  const second = run(
    t,
    'init',
    '--from',
    old,
    '--node',
    'one',
    '--yes',
    '--no-start',
    '--no-invite',
    '--config-dir',
    two,
  );
  t.is(await second.ended, 0, second.text());
  t.regex(readFileSync(path.join(two, 'ldirectord.cf'), 'utf8'), /\n\s+real=/);
});

test('without a terminal and without --yes nothing is written', async (t) => {
  const dir = path.join(folder(t), 'ha.d');
  for (const more of [[], ['--dry-run']]) {
    const {ended, text} = run(t, 'init', ...initWords, '--config-dir', dir, ...more);
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    t.is(await ended, more.length === 0 ? 1 : 0, text());
    t.false(existsSync(dir));
  }
});
