import test from 'ava';
import {compareFacts} from './facts-compare.ts';
import {configFacts, pairFacts} from './facts.ts';
import {loadCluster} from './load.ts';

const plain: Readonly<Record<string, string>> = {
  '/x/ha.cf': 'ucast eth1 10.1.1.2\nnode a b\nauto_failback on\nkeepalive 1\ndeadtime 10\n',
  '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::web.cf\n',
  '/x/authkeys': 'auth 1\n1 sha256 one\n',
  '/x/web.cf':
    'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq 3\n\treal=10.0.0.3:80 masq\n\tservice=mysql\n\tpasswd="geheim"\n',
};

const cluster = (edit: (file: string, text: string) => string) => {
  const {cluster: read, diagnostics} = loadCluster({
    dir: '/x',
    read: (path) => (plain[path] === undefined ? undefined : {text: edit(path, plain[path]), mode: 0o600}),
    mode: 'lenient',
    resolve: {host: () => undefined, service: () => undefined},
  });
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  if (!read || errors.length > 0) throw new Error(JSON.stringify(errors));
  return read;
};
const replaced = (from: string, to: string) => cluster((_, text) => text.replace(from, to));
const same = cluster((_, text) => text);

const table: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    'a time, and the defaults computed from it',
    'deadtime 10',
    'deadtime 10500ms',
    [
      '/x/ha.cf deadtime: 10s -> 10500ms',
      '/x/ha.cf warntime: 5s -> 5250ms',
      '/x/ha.cf initdead: 20s -> 10500ms',
      '/x/ha.cf deadping: 10s -> 10500ms',
    ],
  ],
  ['the same time in another unit', 'deadtime 10', 'deadtime 10000ms', []],
  [
    'a weight',
    'masq 3',
    'masq 5',
    ['/x/web.cf tcp 10.0.0.1:80 real 10.0.0.2:80: masq weight 3 -> masq weight 5'],
  ],
  [
    'a removed real server',
    '\treal=10.0.0.3:80 masq\n',
    '',
    ['/x/web.cf tcp 10.0.0.1:80 real 10.0.0.3:80: masq weight 1 -> -'],
  ],
  [
    'a path',
    'ucast eth1 10.1.1.2',
    'bcast eth1',
    ['/x/ha.cf ucast eth1 10.1.1.2 port 694: on -> -', '/x/ha.cf bcast eth1 port 694: - -> on'],
  ],
  ['a key', 'sha256 one', 'sha256 two', ['/x/authkeys key 1: (secret) -> (another secret)']],
  ['a password', 'geheim', 'anders', ['/x/web.cf tcp 10.0.0.1:80 passwd: (secret) -> (another secret)']],
  ['a comment', 'auto_failback', '# why\nauto_failback', []],
];

for (const [name, from, to, expected] of table)
  test(`what differs: ${name}`, (t) => {
    t.deepEqual(
      compareFacts(configFacts(same), configFacts(replaced(from, to))).map(
        (compareFact) =>
          `${compareFact.file} ${compareFact.directive}: ${compareFact.from ?? '-'} -> ${compareFact.to ?? '-'}`,
      ),
      expected,
    );
  });

test('the list contains no secret', (t) => {
  const text = JSON.stringify(configFacts(same));
  t.false(/geheim|"one"/.test(text));
});

const key = 'Z9verySecretKey7';
const guardedFiles: readonly (readonly [file: string, line: string, changed: string])[] = [
  [
    '/x/ha.cf',
    `hactl_webhook https://user:${key}@hooks.example/${key} token=${key}`,
    'https://hooks.example/…',
  ],
  ['/x/ha.cf', `hactl_alert_command /bin/page --key ${key}`, '/bin/page …'],
  ['/x/ha.cf', `hactl_fence /sbin/stonith -t ipmi -p ${key}`, '/sbin/stonith …'],
  ['/x/ha.cf', `hactl_track_script 5s /bin/check ${key}`, '5s /bin/check …'],
  ['/x/ha.cf', `respawn root /bin/agent ${key}`, '/bin/agent …'],
  ['/x/ha.cf', `stonith_host * ipmi 10.0.0.9 root ${key}`, '(secret)'],
  ['/x/web.cf', `\trequest="/health?token=${key}"`, '/health?…'],
  ['/x/web.cf', `\tfallbackcommand="/bin/page ${key}"`, '/bin/page …'],
  ['/x/web.cf', `\tcheckcommand="/bin/page ${key}"`, '/bin/page …'],
  ['/x/web.cf', `\treal=10.0.0.4:80 masq 1 "/?${key}", "OK"`, '/?…'],
  ['/x/web.cf', `\tsecret="${key}"`, '(secret)'],
];
for (const [file, line, expected] of guardedFiles)
  test(`a possible secret is hidden, and its change still shows: ${line.trim().replaceAll(key, 'KEY')}`, (t) => {
    const change = (other: string) =>
      cluster((path, text) => (path === file ? `${text}${line.replaceAll(key, other)}\n` : text));
    const [one, other] = [configFacts(change(key)), configFacts(change('another-key'))];
    t.false(JSON.stringify([one, other]).includes(key));
    const shown = compareFacts(configFacts(same), one).map(({directive, to = ''}) => `${directive} ${to}`);
    t.true(shown.join('\n').includes(expected), shown.join('\n'));
    const changes = compareFacts(one, other);
    t.true(changes.length > 0);
    for (const {from, to} of changes) t.not(from, to);
  });

test('every fact has a unique name, so that no difference hides another', (t) => {
  const names = configFacts(same).map(({directive}) => directive);
  t.deepEqual(names, [...new Set(names)]);
});

test('the order of real servers and local settings are not a difference between the directors', (t) => {
  const turned = replaced(
    '\treal=10.0.0.2:80 masq 3\n\treal=10.0.0.3:80 masq\n',
    '\treal=10.0.0.3:80 masq\n\treal=10.0.0.2:80 masq 3\n',
  );
  t.deepEqual(compareFacts(pairFacts(same), pairFacts(turned)), []);
  t.deepEqual(compareFacts(pairFacts(same), pairFacts(replaced('ucast eth1 10.1.1.2', 'bcast eth9'))), []);
});
