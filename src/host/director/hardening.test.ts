/** Each deviation from the check-list of docs/security.md is a finding; a machine that follows it has none. */
import test from 'ava';
import type {ClusterConfig} from '@hactl/config';
import {loadCluster} from '@hactl/config';
import {judgeHardening, type HardeningFacts, type ProcessFacts} from './hardening.ts';

const files = {
  authkeys: 'auth 1\n1 sha256 a-secret-of-many-characters\n',
  'ha.cf': 'node alpha beta\nbcast eth0\nauto_failback on\nhactl_push off\n',
  haresources: 'alpha 192.0.2.1/24/eth0 ldirectord::ldirectord.cf\n',
  'ldirectord.cf': 'virtual=192.0.2.1:80\n\treal=192.0.2.2:80 gate\n\tservice=http\n',
};

function clusterOf(change: Partial<typeof files> = {}): ClusterConfig {
  const texts: Readonly<Record<string, string>> = {...files, ...change};
  const {cluster, diagnostics} = loadCluster({
    dir: '/x',
    read: (path) => {
      const text = texts[path.slice(3)];
      return text === undefined ? undefined : {text, mode: 0o600, realPath: path};
    },
    mode: 'lenient',
    resolve: {host: () => undefined, service: () => undefined},
  });
  if (!cluster) throw new Error(JSON.stringify(diagnostics));
  return cluster;
}

const process: ProcessFacts = {
  name: 'checks 1',
  pid: 9,
  uid: 990,
  effective: 0n,
  bounding: 0n,
  umask: 0o027,
  coreLimit: 0,
};
const good: HardeningFacts = {
  hasUser: (name) => name === 'hactl-check',
  processes: [process],
  places: [{path: '/var/lib/hactl', mode: 0o40700, uid: 0, most: 0o700}],
};

test('a director that follows the check-list has no finding', (t) => {
  t.deepEqual(judgeHardening(clusterOf(), good), []);
});

const external = `${files['ldirectord.cf']}\tchecktype=external\n\tcheckcommand=/usr/bin/probe\n`;
const place = (path: string, mode: number, uid = 0, most = 0o700) => ({places: [{path, mode, uid, most}]});

for (const [title, level, subject, text, change, facts] of [
  [
    'a short secret',
    'warning',
    'authkeys',
    /key 1 has 5 characters/,
    {authkeys: 'auth 1\n1 sha256 short\n'},
    {},
  ],
  [
    'a retired key',
    'note',
    'authkeys',
    /key 2 does not sign, and is believed/,
    {authkeys: `${files.authkeys}2 sha1 older\n`},
    {},
  ],
  [
    'push with a key of heartbeat',
    'warning',
    'hactl_push',
    /on with a md5 key/,
    {
      'ha.cf': files['ha.cf'].replace('push off', 'push on'),
      authkeys: 'auth 1\n1 md5 a-secret-of-many-characters\n',
    },
    {},
  ],
  [
    'push that nobody asked for',
    'note',
    'hactl_push',
    /the peer may write files here/,
    {'ha.cf': files['ha.cf'].replace('hactl_push off\n', '')},
    {},
  ],
  [
    'an admin group',
    'note',
    'hactl_admin_group',
    /members of ops are root/,
    {'ha.cf': `${files['ha.cf']}hactl_admin_group ops\n`},
    {},
  ],
  [
    'a check user that is missing',
    'warning',
    'hactl_check_user',
    /no user nemo/,
    {'ha.cf': `${files['ha.cf']}hactl_check_user nemo\n`},
    {},
  ],
  ['no user to check as', 'warning', 'hactl_check_user', /as root/, {}, {hasUser: () => false}],
  [
    'scripts that root runs',
    'warning',
    'hactl_script_user',
    /run as root/,
    {'ldirectord.cf': external},
    {hasUser: (name: string) => name === 'nobody'},
  ],
  [
    'a tracked script that root runs',
    'warning',
    'hactl_script_user',
    /run as root/,
    {'ha.cf': `${files['ha.cf']}hactl_track_script 5s /usr/bin/probe\n`},
    {hasUser: (name: string) => name === 'nobody'},
  ],
  [
    'checks that run as root',
    'warning',
    'checks 1 (9)',
    /runs as root/,
    {},
    {processes: [{...process, uid: 0}]},
  ],
  [
    'checks with a capability',
    'warning',
    'checks 1 (9)',
    /capabilities/,
    {},
    {processes: [{...process, effective: 1n << 12n}]},
  ],
  [
    'a umask of nothing',
    'warning',
    'checks 1 (9)',
    /readable by everybody/,
    {},
    {processes: [{...process, umask: 0o022}]},
  ],
  ['core files', 'note', 'checks 1 (9)', /core file/, {}, {processes: [{...process, coreLimit: Infinity}]}],
  [
    'a state directory of somebody else',
    'bad',
    '/s',
    /belongs to user 1000/,
    {},
    place('/s', 0o40700, 1_000),
  ],
  ['a state directory that all may write to', 'bad', '/s', /mode 0777/, {}, place('/s', 0o40777)],
  ['a state directory that all may read', 'warning', '/s', /mode 0755/, {}, place('/s', 0o40755)],
] as const)
  // prettier-ignore
  test(`${title}: ${level}`, (t) => {
    const findings = judgeHardening(clusterOf(change), {...good, ...facts});
    t.is(findings.length, 1, JSON.stringify(findings));
    const [finding] = findings;
    t.is(finding?.level, level);
    t.is(finding?.subject, subject);
    t.regex(finding?.text ?? '', text);
    if (level !== 'note') t.truthy(finding?.help);
  });

test('raw packets are what pings need', (t) => {
  t.deepEqual(judgeHardening(clusterOf(), {...good, processes: [{...process, effective: 1n << 13n}]}), []);
});
