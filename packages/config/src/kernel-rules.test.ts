/** Reported before the start: services that the kernel refuses, checks that can never pass, empty files, host names in ha.cf. */
import test from 'ava';
import {checkFiles, loadCluster, parseHaCf} from './index.ts';

const hosts: Readonly<Record<string, string>> = {
  'lb2.example.com': '192.0.2.2',
  gw: '192.0.2.254',
  six: '2001:db8::6',
};
const resolve = {
  host: (name: string, family: 4 | 6) =>
    hosts[name]?.includes(':') === (family === 6) ? hosts[name] : undefined,
  service: () => undefined,
};
const messagesOf = (file: string, text: string): string[] =>
  checkFiles({paths: [file], read: () => ({text, mode: 0o600}), mode: 'lenient', resolve}).diagnostics.map(
    ({severity, code, message}) => `${severity} ${code}: ${message}`,
  );
const service = (lines: string, six = ''): string =>
  `virtual${six}=${six ? '[2001:db8::1]' : '192.0.2.1'}:80\n\treceive="x"\n\trequest="/"\n${lines}`;

for (const [lines, expected] of [
  ['\treal=10.0.0.2 gate\n\tscheduler=wrrr\n', /^warning unusable-value: Linux has no scheduler wrrr/],
  ['\treal=10.0.0.2 gate 1 l:5\n', /^warning unusable-value: l:5 without u:/],
  ['\treal=10.0.0.2 gate 1 l:5 u:4\n', /^warning unusable-value: l:5 is above u:4/],
  ['\treal=224.0.0.5 gate\n', /^warning bad-address: 224\.0\.0\.5 is a multicast address/],
  ['\treal=255.255.255.255 gate\n', /^warning bad-address: .* is the broadcast address/],
  ['\treal=0.0.0.0 gate\n', /^warning bad-address: 0\.0\.0\.0 is not the address of a host/],
] as const)
  test(`reported as refused by the kernel: ${lines.trim()}`, (t) => {
    const found = messagesOf('x.cf', service(lines));
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0] ?? '', expected);
  });

test('IPv6: link-local and multicast servers are reported', (t) => {
  t.regex(
    messagesOf('x.cf', service('\treal6=[fe80::2]:80 gate\n', '6')).join('\n'),
    /bad-address: fe80::2 is a link-local address/,
  );
  t.regex(
    messagesOf('x.cf', service('\treal6=[ff02::1]:80 gate\n', '6')).join('\n'),
    /ff02::1 is a multicast address/,
  );
});

test('a good service has no diagnostic', (t) => {
  for (const scheduler of ['rr', 'mh', 'fo', 'sed'])
    t.deepEqual(
      messagesOf('x.cf', service(`\treal=10.0.0.2 gate 1 l:5 u:6\n\tscheduler=${scheduler}\n`)),
      [],
    );
});

test('service=dns without request is reported, wherever the service is set', (t) => {
  const head = 'virtual=192.0.2.1:53\n\tprotocol=udp\n\treal=10.0.0.2:53 gate\n';
  for (const lines of [
    '',
    '\tservice=dns\n',
    '\tchecktype=connect\n\thactl_check=10.0.0.2 checktype=negotiate service=dns\n',
  ])
    t.regex(messagesOf('x.cf', head + lines).join('\n'), /missing-value: service=dns without request/, lines);
  for (const lines of ['\trequest="www.example.com"\n', '\tchecktype=connect\n'])
    t.deepEqual(messagesOf('x.cf', head + lines), []);
});

const directory = (files: Readonly<Record<string, string>>) => {
  const all: Readonly<Record<string, string>> = {
    '/x/ha.cf': 'bcast eth1\nnode a b\nauto_failback on\n',
    '/x/haresources': 'a 10.0.0.1/24/eth0 ldirectord\n',
    '/x/authkeys': 'auth 1\n1 sha256 secret\n',
    '/x/ldirectord.cf': 'virtual=10.0.0.1:80\n\treal=10.0.0.2 gate\n',
    ...files,
  };
  const read = (path: string) => (all[path] === undefined ? undefined : {text: all[path], mode: 0o600});
  return loadCluster({dir: '/x', read, mode: 'lenient', localNode: 'a', resolve});
};
const wordsOf = (files: Readonly<Record<string, string>>): string =>
  directory(files)
    .diagnostics.map(({severity, code, message}) => `${severity} ${code}: ${message}`)
    .join('\n');

test('empty files are reported', (t) => {
  t.is(wordsOf({}), '');
  for (const text of ['', '# nothing\n', '\n\n']) {
    t.regex(wordsOf({'/x/ldirectord.cf': text}), /warning missing-value: the file has no virtual service/);
    t.regex(wordsOf({'/x/haresources': text}), /warning missing-value: the file has no resource line/);
    t.regex(messagesOf('x.cf', text).join('\n'), /the file has no virtual service/);
    t.regex(messagesOf('haresources', text).join('\n'), /the file has no resource line/);
  }
});

test('a broadcast address of haresources as a real server is reported', (t) => {
  t.regex(
    wordsOf({'/x/ldirectord.cf': 'virtual=10.0.0.1:80\n\treal=10.0.0.255 gate\n'}),
    /10\.0\.0\.255 is the broadcast address/,
  );
});

test('labels and interfaces longer than the kernel’s 15 characters are errors', (t) => {
  for (const word of ['eth0:averylonglabel', 'averylonginterface'])
    t.regex(
      wordsOf({'/x/haresources': `a 10.0.0.1/24/${word} ldirectord\n`}),
      /error bad-value: .* longer than 15 characters/,
    );
  t.is(wordsOf({'/x/haresources': 'a 10.0.0.1/24/eth0:123456789a ldirectord\n'}), '');
});

test('ucast, ping, ping_group and hactl_peer take names, as heartbeat does', (t) => {
  const {model, diagnostics} = parseHaCf(
    {
      path: 'ha.cf',
      text: 'node a b\nauto_failback on\nucast eth0 lb2.example.com\nping gw six\nping_group up gw 192.0.2.9\nhactl_peer lb2.example.com\n',
    },
    {mode: 'lenient', resolve},
  );
  t.deepEqual(diagnostics, []);
  t.like(model.media[0], {kind: 'ucast', peer: '192.0.2.2'});
  t.deepEqual(model.pings, ['192.0.2.254', '2001:db8::6']);
  t.deepEqual(model.pingGroups, [{name: 'up', members: ['192.0.2.254', '192.0.2.9']}]);
  t.deepEqual(model.hactl.peerAddresses, ['192.0.2.2']);
});

test('a name without an address is left out with a warning: no start depends on a name server', (t) => {
  const {model, diagnostics} = parseHaCf(
    {
      path: 'ha.cf',
      text: 'node a b\nauto_failback on\nbcast eth1\nucast eth0 gone.example.com\nping gone.example.com\n',
    },
    {mode: 'lenient', resolve},
  );
  t.deepEqual(
    diagnostics.map(({severity, code}) => `${severity} ${code}`),
    ['warning unresolved-name', 'warning unresolved-name'],
  );
  t.is(model.media.length, 1);
  t.deepEqual(model.pings, []);
  const bad = parseHaCf(
    {path: 'ha.cf', text: 'node a b\nauto_failback on\nbcast eth1\nping 10.0.0.256\n'},
    {mode: 'lenient', resolve},
  );
  t.is(bad.diagnostics[0]?.code, 'bad-address');
});
