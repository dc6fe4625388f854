/** Each deviation from the check-list of docs/security.md is a finding; a machine that follows it has none. */
import test from 'ava';
import type {ClusterConfig} from '@hactl/config';
import {loadCluster} from '@hactl/config';
import {judgeHardening, type HardeningFacts, type ProcessFacts} from './hardening.ts';
import {judgeLog} from './log-judge.ts';

const files = {
  authkeys: 'auth 1\n1 sha256 a-secret-of-many-characters\n',
  'ha.cf': 'node alpha beta\nbcast eth0\nauto_failback on\nhactl_push off\n',
  haresources: 'alpha 192.0.2.1/24/eth1 ldirectord::ldirectord.cf\n',
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
  paths: [{path: '/var/lib/hactl', mode: 0o40700, uid: 0, most: 0o700}],
};

test('a director that follows the check-list has no finding', (t) => {
  t.deepEqual(judgeHardening(clusterOf(), good), []);
});

const filtered = ':INPUT DROP [0:0]\n-A INPUT -s 192.0.2.9/32 -p udp --dport 694 -j ACCEPT\n';
const external = `${files['ldirectord.cf']}\tchecktype=external\n\tcheckcommand=/usr/bin/probe\n`;
const pathFact = (path: string, mode: number, uid = 0, most = 0o700) => ({paths: [{path, mode, uid, most}]});

/** `beside`: subjects of findings that inevitably come too. */
for (const [title, level, subject, text, change, facts, beside = []] of [
  [
    'a short secret',
    'warning',
    'authkeys',
    /key 1 has 5 characters/,
    {authkeys: 'auth 1\n1 sha256 short\n'},
    {},
  ],
  [
    'a secret of a repeated word',
    'warning',
    'authkeys',
    /key 1 has 3 different characters/,
    {authkeys: 'auth 1\n1 sha256 passpasspasspasspasspass\n'},
    {},
  ],
  [
    'push while an old key is accepted',
    'warning',
    'hactl_push',
    /on while key 2 \(md5\) is accepted/,
    {
      'ha.cf': files['ha.cf'].replace('push off', 'push on'),
      authkeys: `${files.authkeys}2 md5 another-secret-of-many-letters\n`,
    },
    {},
    ['authkeys'],
  ],
  [
    'a short secret that does not sign',
    'warning',
    'authkeys',
    /key 2 has 5 characters/,
    {authkeys: `${files.authkeys}2 sha256 short\n`},
    {},
    ['authkeys'],
  ],
  [
    'checks as nobody',
    'note',
    'hactl_check_user',
    /as nobody/,
    {},
    {hasUser: (name: string) => name === 'nobody'},
  ],
  [
    'heartbeats only on the clients’ network',
    'note',
    'heartbeat',
    /only over eth0, the network of the clients/,
    {haresources: files.haresources.replace('eth1', 'eth0')},
    {},
  ],
  [
    'a packet filter that accepts everything',
    'note',
    'firewall',
    /694\/udp, 6944\/tcp can be reached by everybody/,
    {},
    {firewall: ''},
  ],
  [
    'a rule for one port without a source',
    'note',
    'firewall',
    /^6944\/tcp can be reached by everybody/,
    {},
    {firewall: `${filtered}-A INPUT -p tcp --dport 6944 -j ACCEPT\n`},
  ],
  [
    'a retired key',
    'note',
    'authkeys',
    /key 2 does not sign but is accepted/,
    {authkeys: `${files.authkeys}2 sha1 an-older-secret-of-many-letters\n`},
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
    'push enabled by default',
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
  ['no user account for the checks', 'warning', 'hactl_check_user', /as root/, {}, {hasUser: () => false}],
  [
    'external checks run by root',
    'warning',
    'hactl_script_user',
    /run as root/,
    {'ldirectord.cf': external},
    {hasUser: (name: string) => name === 'nobody'},
  ],
  [
    'a tracked script run by root',
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
    'a sync process with every capability',
    'warning',
    'sync (7)',
    /capabilities beyond the network’s/,
    {},
    {processes: [{...process, name: 'sync', pid: 7, uid: 0, effective: 0x1ff_ffff_ffffn}]},
  ],
  [
    'a umask of 0',
    'warning',
    'checks 1 (9)',
    /readable by everybody/,
    {},
    {processes: [{...process, umask: 0o022}]},
  ],
  ['core files', 'note', 'checks 1 (9)', /core file/, {}, {processes: [{...process, coreLimit: Infinity}]}],
  [
    'a state directory of another user',
    'bad',
    '/s',
    /belongs to user 1000/,
    {},
    pathFact('/s', 0o40700, 1_000),
  ],
  ['a state directory writable by all', 'bad', '/s', /mode 0777/, {}, pathFact('/s', 0o40777)],
  ['a state directory readable by all', 'warning', '/s', /mode 0755/, {}, pathFact('/s', 0o40755)],
] as const)
  // prettier-ignore
  test(`${title}: ${level}`, (t) => {
    const findings = judgeHardening(clusterOf(change), {...good, ...facts});
    t.is(findings.length, 1 + beside.length, JSON.stringify(findings));
    const finding = findings.find((each) => text.test(each.text));
    t.is(finding?.level, level);
    t.is(finding?.subject, subject);
    for (const besideSubject of beside) t.true(findings.some((each) => each !== finding && each.subject === besideSubject));
    if (level !== 'note') t.truthy(finding?.help);
  });

test('CAP_NET_RAW is allowed for pings', (t) => {
  t.deepEqual(judgeHardening(clusterOf(), {...good, processes: [{...process, effective: 1n << 13n}]}), []);
});

test('a packet filter that accepts only the peer, and heartbeats on their own network, give no finding', (t) => {
  const firewall = `${filtered}-A INPUT -s 192.0.2.9/32 -p tcp --dport 6944 -j ACCEPT\n`;
  t.deepEqual(judgeHardening(clusterOf(), {...good, firewall}), []);
  const nft = `chain input { type filter hook input priority filter; policy drop;
    ip saddr 192.0.2.9 udp dport 694 accept
    ip saddr 192.0.2.9 tcp dport 6944 accept
  }`;
  t.deepEqual(judgeHardening(clusterOf(), {...good, firewall: nft}), []);
});

test('checks without a server to check may still be root', (t) => {
  const idle = clusterOf({'ldirectord.cf': 'checktimeout=5\n'});
  t.deepEqual(judgeHardening(idle, {...good, processes: [{...process, uid: 0}]}), []);
});

for (const [mode, uid, text] of [
  [0o100640, 0, undefined],
  [0o100600, 0, undefined],
  [0o100644, 0, /everybody can read/],
  [0o100660, 0, /its group can change/],
  [0o100666, 0, /everybody can change/],
  [0o100640, 1_000, /user 1000 can change/],
] as const)
  test(`a log file with mode ${(mode & 0o777).toString(8)} of user ${uid}: ${text === undefined ? 'nothing' : 'a warning with its remedy'}`, (t) => {
    const findings = judgeLog('/var/log/ha-log', {mode, uid});
    t.is(findings.length, text === undefined ? 0 : 1);
    if (text === undefined) return;
    t.regex(findings[0]?.text ?? '', text);
    t.is(findings[0]?.level, 'warning');
    t.truthy(findings[0]?.help);
  });

test('the sync process may have the capabilities for netlink, raw packets and low ports', (t) => {
  const sync = {...process, name: 'sync', uid: 0, effective: (3n << 12n) | (1n << 10n)};
  t.deepEqual(judgeHardening(clusterOf(), {...good, processes: [sync]}), []);
});
