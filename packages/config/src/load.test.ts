/** Which files are read, which are the same instance, and which settings a pair must share. */
import test from 'ava';
import {digestCluster, loadCluster, type ClusterConfig} from './index.ts';

const resolve = {host: () => undefined, service: () => undefined};
const virtual = (port: number): string => `virtual=10.0.0.1:${port}\n\treal=10.0.0.2:80 masq\n`;
const pair = (files: Readonly<Record<string, string>>): Record<string, string> => ({
  '/x/ha.cf': 'bcast eth1\nnode a b\nauto_failback on\n',
  '/x/authkeys': 'auth 1\n1 sha256 secret\n',
  '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::ldirectord.cf\n',
  '/x/ldirectord.cf': virtual(80),
  ...files,
});
const load = (files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}) =>
  loadCluster({
    dir: '/x',
    read: (path) => {
      const realPath = links[path] ?? path;
      const text = files[realPath];
      return text === undefined ? undefined : {text, mode: 0o600, realPath};
    },
    mode: 'strict',
    resolve,
  });
const paths = (files: Readonly<Record<string, string>>, links = {}): string[] | undefined =>
  load(files, links).cluster?.ldirectord.map((file) => file.path);

test('two files with the same base name are two instances', (t) => {
  const haresources =
    'a IPaddr2::10.0.0.1/24/eth0 ldirectord::web/ldirectord.cf\nb IPaddr2::10.0.0.9/24/eth0 ldirectord::mail/ldirectord.cf\n';
  const files = pair({
    '/x/haresources': haresources,
    '/x/web/ldirectord.cf': virtual(80),
    '/x/mail/ldirectord.cf': virtual(25),
  });
  t.deepEqual(paths(files), ['/x/web/ldirectord.cf', '/x/mail/ldirectord.cf']);
});

test('one file under two names, or through a link, is one instance', (t) => {
  const haresources =
    'a IPaddr2::10.0.0.1/24/eth0 ldirectord ldirectord::ldirectord.cf ldirectord::/x/./ldirectord.cf ldirectord::link.cf\n';
  const files = pair({'/x/haresources': haresources});
  const links = {'/x/link.cf': '/x/ldirectord.cf', '/x/./ldirectord.cf': '/x/ldirectord.cf'};
  t.deepEqual(paths(files, links), ['/x/ldirectord.cf']);
});

test("a directory's copy of a file of /etc/ha.d is read before the machine's own", (t) => {
  const files = pair({
    '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::/etc/ha.d/conf/web.cf\n',
    '/x/conf/web.cf': virtual(80),
    '/etc/ha.d/conf/web.cf': virtual(81),
  });
  t.deepEqual(paths(files), ['/x/conf/web.cf']);
});

test('an absolute path elsewhere is that file, and its copy in the directory only where it is missing', (t) => {
  const haresources = 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::/srv/lvs/web.cf\n';
  const copy = pair({'/x/haresources': haresources, '/x/web.cf': virtual(80)});
  t.deepEqual(paths({...copy, '/srv/lvs/web.cf': virtual(81)}), ['/srv/lvs/web.cf']);
  t.deepEqual(paths(copy), ['/x/web.cf']);
});

test('a copy in the directory stands for one file only: another path with that base name is missing', (t) => {
  const files = pair({
    '/x/haresources':
      'a IPaddr2::10.0.0.1/24/eth0 ldirectord::/srv/one/web.cf ldirectord::/srv/two/web.cf ldirectord::/srv/one/web.cf\n',
    '/x/web.cf': virtual(80),
  });
  t.deepEqual(
    load(files)
      .diagnostics.filter(({severity}) => severity === 'error')
      .map(({code, message}) => [code, message]),
    [['missing-file', 'Config file /srv/two/web.cf not found']],
  );
  t.deepEqual(paths({...files, '/srv/two/web.cf': virtual(81)}), ['/x/web.cf', '/srv/two/web.cf']);
});

test('the subdirectory conf is searched too, as in ldirectord', (t) => {
  const {'/x/ldirectord.cf': _, ...rest} = pair({'/x/conf/ldirectord.cf': virtual(80)});
  t.deepEqual(paths(rest), ['/x/conf/ldirectord.cf']);
});

const digest = (files: Readonly<Record<string, string>>): string => {
  const {cluster, diagnostics} = load(pair(files));
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (!cluster || errors.length > 0) throw new Error(JSON.stringify(errors));
  return digestCluster(cluster satisfies ClusterConfig);
};
const ha = (more: string): Record<string, string> => ({
  '/x/ha.cf': `bcast eth1\nnode a b\nauto_failback on\n${more}`,
});

for (const [name, files] of Object.entries({
  keepalive: ha('keepalive 2\n'),
  deadtime: ha('deadtime 20\n'),
  warntime: ha('warntime 3\n'),
  initdead: ha('initdead 120\n'),
  ipfail: ha('respawn root /usr/lib/heartbeat/ipfail\n'),
  hactl_rise: ha('hactl_rise 2\n'),
  hactl_cert_days: ha('hactl_cert_days 30\n'),
  hactl_lease: ha('hactl_lease 5\n'),
  hactl_preempt_delay: ha('hactl_preempt_delay 5\n'),
  hactl_holddown: ha('hactl_holddown 5\n'),
  hactl_sync_delay: ha('hactl_sync_delay 30ms\n'),
  hactl_sync_deadline: ha('hactl_sync_deadline 9\n'),
  hactl_peer_port: ha('hactl_peer_port 7000\n'),
  hactl_ipvs: ha('hactl_ipvs conntrack 1\n'),
  deadping: ha('deadping 9\n'),
  hactl_sync: ha('hactl_sync relay\n'),
  hactl_standby_checks: ha('hactl_standby_checks off\n'),
  'a VIP’s prefix length': {
    '/x/haresources': 'a IPaddr2::10.0.0.1/25/eth0 ldirectord::ldirectord.cf\n',
  },
  'the key': {'/x/authkeys': 'auth 1\n1 sha256 other\n'},
  'the signing key’s number': {'/x/authkeys': 'auth 2\n1 sha256 secret\n2 sha256 more\n'},
  'a virtual': {'/x/ldirectord.cf': virtual(81)},
  readdquiescent: {'/x/ldirectord.cf': `readdquiescent=yes\n${virtual(80)}`},
}))
  test(`${name} must be the same on both directors`, (t) => {
    t.not(digest(files), digest({}));
  });

for (const [name, files] of Object.entries({
  'the interface of a VIP': {
    '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth7 ldirectord::ldirectord.cf\n',
  },
  'the heartbeat path': {'/x/ha.cf': 'ucast eth1 10.1.1.2\nnode a b\nauto_failback on\n'},
  'the log': ha('logfile /tmp/x\n'),
  'the peer’s address': ha('hactl_peer 10.1.1.2\n'),
  'the ping node': ha('ping 10.1.1.1\n'),
  'comments and blanks': {'/x/ldirectord.cf': `# web\n${virtual(80)}`},
  'where the file is': {
    '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::web.cf\n',
    '/x/web.cf': virtual(80),
  },
}))
  test(`${name} may differ`, (t) => {
    t.is(digest(files), digest({}));
  });

test('execute: the named files are read too, each once', (t) => {
  const files = pair({
    '/x/ldirectord.cf': `execute=mail.cf\nexecute=web.cf\n${virtual(80)}`,
    '/x/mail.cf': `execute=ldirectord.cf\n${virtual(25)}`,
    '/x/conf/web.cf': virtual(443),
  });
  t.deepEqual(paths(files), ['/x/ldirectord.cf', '/x/mail.cf', '/x/conf/web.cf']);
});

test('execute: a missing file is an error, and so is a virtual service in two files', (t) => {
  const codes = (files: Readonly<Record<string, string>>) =>
    load(pair(files))
      .diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
      .map((diagnostic) => diagnostic.code);
  t.deepEqual(codes({'/x/ldirectord.cf': `execute=nosuch.cf\n${virtual(80)}`}), ['missing-file']);
  t.deepEqual(codes({'/x/ldirectord.cf': `execute=b.cf\n${virtual(80)}`, '/x/b.cf': virtual(80)}), [
    'duplicate-virtual',
  ]);
});

test('a single director can use one file of a directory that configures a pair', (t) => {
  const read = (path: string) => {
    const text = pair({'/srv/one.cf': virtual(81)})[path];
    return text === undefined ? undefined : {text, mode: 0o600};
  };
  const {cluster, diagnostics} = loadCluster({dir: '/x', read, mode: 'strict', resolve, only: '/srv/one.cf'});
  t.deepEqual(diagnostics, []);
  t.is(cluster?.ha, undefined);
  t.deepEqual(
    cluster?.ldirectord.map((file) => file.path),
    ['/srv/one.cf'],
  );
  const missing = loadCluster({dir: '/x', read, mode: 'strict', resolve, only: '/srv/two.cf'});
  t.deepEqual(
    missing.diagnostics.map((diagnostic) => diagnostic.code),
    ['missing-file'],
  );
});

test('fork and supervised are accepted with a notice', (t) => {
  const {diagnostics} = load(pair({'/x/ldirectord.cf': `fork=yes\nsupervised=yes\n${virtual(80)}`}));
  t.deepEqual(
    diagnostics.map(({code, severity}) => `${severity} ${code}`),
    ['notice ignored-directive', 'notice ignored-directive'],
  );
});
