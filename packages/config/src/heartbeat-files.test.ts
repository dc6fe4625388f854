/** haresources and authkeys as heartbeat reads them, and the mistakes in the seeds' own files. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {loadCluster, parseAuthkeys, parseHaCf, parseHaresources, type Mode, type Vip} from './index.ts';

const resources = (text: string, mode: Mode = 'strict') =>
  parseHaresources({path: 'haresources', text}, {mode});
const seed = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/seeds/${name}`, import.meta.url), 'utf8');

/** Accepted forms of an address resource, and the parsed VIP. */
const forms: readonly (readonly [string, string, Partial<Vip>])[] = [
  ['10.0.0.1', 'IPaddr', {family: 4, address: '10.0.0.1'}],
  ['10.0.0.1/24', 'IPaddr', {prefixLength: 24}],
  ['10.0.0.1/255.255.255.0', 'IPaddr', {prefixLength: 24}],
  ['10.0.0.1/24/eth0', 'IPaddr', {prefixLength: 24, device: 'eth0'}],
  ['10.0.0.1/24/10.0.0.255', 'IPaddr', {prefixLength: 24, broadcast: '10.0.0.255'}],
  ['10.0.0.1/24/eth0/10.0.0.255', 'IPaddr', {device: 'eth0', broadcast: '10.0.0.255'}],
  ['IPaddr::10.0.0.1/24/eth0:1', 'IPaddr', {device: 'eth0', label: 'eth0:1'}],
  ['IPaddr2::10.0.0.1/24/eth0:web/10.0.0.255', 'IPaddr2', {label: 'eth0:web', broadcast: '10.0.0.255'}],
  ['IPaddr2::10.0.0.1//eth0', 'IPaddr2', {device: 'eth0'}],
  ['IPaddr2::10.0.0.1/24/eth0/', 'IPaddr2', {prefixLength: 24, device: 'eth0'}],
  ['10.0.0.1/24/', 'IPaddr', {prefixLength: 24}],
  ['IPv6addr::2001:db8::1/64/eth0', 'IPv6addr', {family: 6, address: '2001:db8::1', prefixLength: 64, device: 'eth0'}],
  ['2001:db8::1/64', 'IPaddr', {family: 6, prefixLength: 64}],
]; // prettier-ignore

for (const [word, type, vip] of forms)
  test(`an address: ${word}`, (t) => {
    const {model, diagnostics} = resources(`a ${word}\n`);
    t.deepEqual(diagnostics, []);
    t.is(model.groups[0]?.resources[0]?.type, type);
    t.like(model.groups[0]?.resources[0]?.vip, vip);
  });

test('a script’s arguments are separated by ::, and a word that is not an address is a script', (t) => {
  const {model} = resources('a Filesystem::/dev/sda1::/data::ext4 apache\n');
  t.deepEqual(
    model.groups[0]?.resources.map(({type, args}) => [type, ...args]),
    [['Filesystem', '/dev/sda1', '/data', 'ext4'], ['apache']],
  );
});

test('lines: continuation with \\, comments, blanks, several for one node in file order, the node in lower case', (t) => {
  const {model, diagnostics} = resources(
    '# the pair\n\nAlpha  10.0.0.1 \\\n\tldirectord::ldirectord.cf \\\n  MailTo::root@example.org\nbeta 10.0.0.2 # its own\nalpha 10.0.0.3\n',
  );
  t.deepEqual(diagnostics, []);
  t.deepEqual(
    model.groups.map(({node, name, resources: of}) => [node, name, ...of.map(({type}) => type)]),
    [
      ['alpha', '10.0.0.1', 'IPaddr', 'ldirectord', 'MailTo'],
      ['beta', '10.0.0.2', 'IPaddr'],
      ['alpha', '10.0.0.3', 'IPaddr'],
    ],
  );
});

test('the first resource is the group’s key; a line without resources is refused', (t) => {
  t.deepEqual(
    resources('a 10.0.0.1\nb 10.0.0.1\n').diagnostics.map(({code}) => code),
    ['duplicate-resource'],
  );
  t.deepEqual(
    resources('a\n').diagnostics.map(({code}) => code),
    ['missing-value'],
  );
});

const keys = (text: string, mode = 0o600) => parseAuthkeys({path: 'authkeys', text, mode}, {mode: 'strict'});
const errors = (text: string, mode?: number): string[] =>
  keys(text, mode)
    .diagnostics.filter(({severity}) => severity === 'error')
    .map(({code}) => code);

test('authkeys: the auth line chooses the signing key; the order of the lines does not matter', (t) => {
  const {model, diagnostics} = keys(
    '# keys\n2 sha1 old # comment\nauth 1\n1 sha256 new\n3 crc\n4 md5 older\n',
  );
  t.is(model.active, 1);
  t.deepEqual(
    model.keys.map(({id, method, secret}) => [id, method, secret]),
    [[2, 'sha1', 'old'], [1, 'sha256', 'new'], [3, 'crc', ''], [4, 'md5', 'older']],
  ); // prettier-ignore
  t.deepEqual(
    diagnostics.map(({severity, code}) => `${severity} ${code}`),
    ['sha1', 'crc', 'md5'].map(() => 'warning weak-authentication'),
  );
});

test('authkeys: # inside a key is a part of it, as for heartbeat; after a blank it begins a comment', (t) => {
  const secrets = (text: string): string[] =>
    keys(`auth 1#c\n${text}\n`).model.keys.map(({secret}) => secret);
  for (const [line, secret] of [
    ['1 sha256 abc#def', 'abc#def'],
    ['1 sha256 #abc', '#abc'],
    ['1 sha256 abc#def # comment', 'abc#def'],
    ['1 sha256 abc #comment', 'abc'],
    ['1 sha256 two words # comment', 'two words'],
    ['1 crc # comment', ''],
    ['1 crc#comment', ''],
  ] as const)
    t.deepEqual(secrets(line), [secret], line);
  t.deepEqual(errors('auth 1\n1 sha256 # no key\n'), ['missing-value', 'missing-key']);
});

/** Refused: the file, its mode and the code. */
for (const [text, mode, code] of [
  ['1 sha256 s\n', 0o600, 'missing-key'],
  ['auth 2\n1 sha256 s\n', 0o600, 'missing-key'],
  ['auth 16\n16 sha256 s\n', 0o600, 'bad-value'],
  ['auth 0\n0 sha256 s\n', 0o600, 'bad-value'],
  ['auth 1\n1 sha1\n', 0o600, 'missing-value'],
  ['auth 1\n1 crc s\n', 0o600, 'bad-value'],
  ['auth 1\n1 rot13 s\n', 0o600, 'bad-value'],
  ['auth 1\n1 sha1 a\n1 sha1 b\n', 0o600, 'duplicate-resource'],
  ['auth 1\n1 sha1 a\n', 0o644, 'bad-permissions'],
  ['auth 1\n1 sha1 a\n', 0o640, 'bad-permissions'],
  ['auth 1\n1 sha1 a\n', 0o604, 'bad-permissions'],
] as const)
  test(`authkeys refused (${mode.toString(8)}): ${JSON.stringify(text)}`, (t) =>
    t.true(errors(text, mode).includes(code)));

test('mode 600 and 400 are taken', (t) => {
  for (const mode of [0o600, 0o400]) t.deepEqual(errors('auth 1\n1 sha1 a\n', mode), []);
});

test('mistakes in the seeds’ own files are read: one node, ipfail’s old path, wrong case, LVSSyncDaemonSwap', (t) => {
  const {cluster, diagnostics} = loadCluster({
    dir: '/x',
    read: (file) => {
      const name = file.replace('/x/', 's001_').replace('ldirectord.cf', 'tab.cf');
      return file.startsWith('/x/') ? {text: seed(name), mode: 0o600} : undefined;
    },
    mode: 'lenient',
    localNode: 'ld.example.com',
    resolve: {host: () => undefined, service: () => undefined},
  });
  t.deepEqual(
    diagnostics.filter(({severity}) => severity === 'error'),
    [],
  );
  t.is(cluster?.ha?.nodes.length, 1);
  t.true(cluster?.ha?.ipfail);
  t.deepEqual(
    cluster?.haresources.groups[0]?.resources.map(({type}) => type),
    ['ldirectord', 'LVSSyncDaemonSwap', 'IPaddr2'],
  );
  t.is(resources(seed('s004_haresources'), 'lenient').model.groups[0]?.resources[0]?.type, 'IPaddr');
  t.is(parseHaCf({path: 'ha.cf', text: seed('s001_ha.cf')}, {mode: 'strict'}).diagnostics.filter(({severity}) => severity === 'error').length, 0); // prettier-ignore
});
