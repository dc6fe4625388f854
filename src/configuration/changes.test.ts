/** What `hactl plan` prints for a change of the files, as a table. */
import {loadCluster} from '@hactl/config';
import test from 'ava';
import {describeChange, planChanges} from './changes.ts';
import type {Loaded} from './loaded.ts';

const plain: Readonly<Record<string, string>> = {
  '/x/ha.cf':
    'bcast eth1\nnode a b\nauto_failback on\nkeepalive 1\ndeadtime 10\nwarntime 5\ninitdead 20\ndeadping 10\n',
  '/x/haresources': 'a IPaddr2::10.0.0.1/24/eth0 ldirectord::web.cf\n',
  '/x/authkeys': 'auth 1\n1 sha256 one\n',
  '/x/web.cf': 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq 3\n\treal=10.0.0.3:80 masq\n\tservice=http\n',
};

function load(from = '', to = ''): Loaded {
  const {cluster} = loadCluster({
    dir: '/x',
    read: (path) =>
      plain[path] === undefined ? undefined : {text: plain[path].replace(from, to), mode: 0o600},
    mode: 'lenient',
    resolve: {host: () => undefined, service: () => undefined},
  });
  if (!cluster) throw new Error('no cluster');
  return {cluster, digest: '', notices: 0, at: 0, ...(cluster.ha ? {engine: {} as never} : {})};
}

const plan = (from: string, to: string) =>
  planChanges(load(), load(from, to), (virtual, real) =>
    real === undefined ? 7 : real === '10.0.0.3:80' ? 1 : 0,
  );
const lines = (from: string, to: string): string[] =>
  plan(from, to).rows.map((row) => `${describeChange(row)} | ${row.effect}`);

const table: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'masq 3',
    'masq 5',
    ['tcp 10.0.0.1:80 real 10.0.0.2:80: masq weight 3 -> masq weight 5 | live, for new connections'],
  ],
  ['\treal=10.0.0.3:80 masq\n', '', ['tcp 10.0.0.1:80 real 10.0.0.3:80 removed | ENDS 1 CONNECTION']],
  ['\treal=10.0.0.2:80 masq 3\n', '', ['tcp 10.0.0.1:80 real 10.0.0.2:80 removed | no connection is on it']],
  [
    'virtual=10.0.0.1:80',
    'virtual=10.0.0.1:81',
    [
      'virtual tcp 10.0.0.1:80 removed | ENDS 7 CONNECTIONS',
      'tcp 10.0.0.1:80 real 10.0.0.2:80 removed | no connection is on it',
      'tcp 10.0.0.1:80 real 10.0.0.3:80 removed | ENDS 1 CONNECTION',
      'virtual tcp 10.0.0.1:81 added | live',
      'tcp 10.0.0.1:81 real 10.0.0.2:80 added: masq weight 3 | after its first passed check',
      'tcp 10.0.0.1:81 real 10.0.0.3:80 added: masq weight 1 | after its first passed check',
    ],
  ],
  ['service=http', 'service=http\n\tcheckinterval=3', ['tcp 10.0.0.1:80 checkinterval: 10s -> 3s | live']],
  [
    'service=http',
    'service=http\n\tscheduler=rr',
    ['tcp 10.0.0.1:80 scheduler: wrr -> rr | live, for new connections'],
  ],
  ['keepalive 1', 'keepalive 2', ['keepalive: 1s -> 2s | live, once the peer has the same configuration']],
  ['bcast eth1', 'bcast eth1\nrtprio 60', ['rtprio: 50 -> 60 | after a restart of hactld']],
  [
    'IPaddr2::10.0.0.1',
    'IPaddr2::10.0.0.9/24/eth0 IPaddr2::10.0.0.1',
    [
      'group 1 resources: IPaddr2::10.0.0.1 ldirectord -> IPaddr2::10.0.0.9 IPaddr2::10.0.0.1 ldirectord | live',
      'group 1 10.0.0.9 prefix added: 24 | the Active director takes it',
      'group 1 10.0.0.9 interface added: eth0 | the Active director takes it',
    ],
  ],
  [
    'IPaddr2::10.0.0.1',
    'IPaddr::10.0.0.1',
    ['group 1 resources: IPaddr2::10.0.0.1 ldirectord -> IPaddr::10.0.0.1 ldirectord | live'],
  ],
  ['sha256 one', 'sha256 two', ['key 1: (secret) -> (another secret) | live']],
  ['service=http\n', 'service=http\n# a comment\n', []],
  ['service=http\n', 'service=http\nmaintenancedir=/m\n', ['file 1 maintenancedir added: /m | live']],
];

for (const [from, to, expected] of table)
  test(`${JSON.stringify(from)} becomes ${JSON.stringify(to)}`, (t) => {
    t.deepEqual(lines(from, to), expected);
    t.is(plan(from, to).refused, undefined);
  });

test('a change that needs a restart is refused', (t) => {
  t.regex(plan('node a b', 'node a c').refused ?? '', /^the nodes of ha\.cf changed/);
  t.regex(plan('node a b', 'node a b\ncluster other').refused ?? '', /^the name of the cluster changed/);
  const {engine: _, ...single} = load();
  t.regex(planChanges(load(), single).refused ?? '', /^ha\.cf came or went/);
});
