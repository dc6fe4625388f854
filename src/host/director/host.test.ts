/** `hactl doctor`: findings from the facts of a machine and the files of a pair, including the seeds' mistakes. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {loadCluster, type ClusterConfig} from '@hactl/config';
import test from 'ava';
import type {HostFinding} from '../finding.ts';
import {firewallFindings} from '../firewall.ts';
import {boundPorts, moduleNames, sysctlsAtBoot} from './host-driver.ts';
import {judgeHost, portsOf, type HostFacts} from './host-judge.ts';
import {meantAddress, isSingleTypo} from '../typos.ts';

const haCf = 'bcast eth1\nnode a b\nauto_failback on\n';
const virtual = (method: string, real = '192.168.122.11'): string =>
  `virtual=192.168.122.10:80\n\treal=${real}:80 ${method}\n\tscheduler=wlc\n`;

function cluster(haresources: string, ldirectord = virtual('gate'), ha = haCf): ClusterConfig {
  const files: Readonly<Record<string, string>> = {
    '/x/ha.cf': ha,
    '/x/haresources': `a ${haresources} ldirectord\n`,
    '/x/authkeys': 'auth 1\n1 sha256 s\n',
    '/x/ldirectord.cf': ldirectord,
  };
  const loaded = loadCluster({
    dir: '/x',
    read: (name) => {
      const text = files[name];
      return text === undefined ? undefined : {text, mode: 0o600};
    },
    mode: 'lenient',
    resolve: {host: () => undefined, service: () => undefined},
  });
  if (!loaded.cluster) throw new Error('not loaded');
  return loaded.cluster;
}

const facts: HostFacts = {
  node: 'a',
  addresses: [
    {device: 'lo', family: 4, address: '127.0.0.1', prefixLength: 8},
    {device: 'eth0', family: 4, address: '192.168.122.2', prefixLength: 24},
    {device: 'eth1', family: 4, address: '10.0.0.2', prefixLength: 24},
  ],
  links: ['lo', 'eth0', 'eth1', 'eth2'],
  sysctls: new Map([['ipv4.ip_forward', '0']]),
  atBoot: new Map(),
  defaultDevice: 'eth0',
  processes: new Set(['chronyd']),
  udpPorts: new Set(),
  hactldRuns: false,
  firewall: '',
  modules: new Set(['ip_vs', 'ip_vs_wlc']),
  ipvs: false,
  paths: new Set(),
  now: Date.UTC(2026, 10, 21),
};
const VIP = 'IPaddr2::192.168.122.10/24/eth0';
const findings = (part: Partial<HostFacts> = {}, of = cluster(VIP)): HostFinding[] =>
  judgeHost(of, {...facts, ...part});
const wrong = (list: readonly HostFinding[]): HostFinding[] =>
  list.filter(({level}) => level === 'bad' || level === 'warning');

test('a suitable machine has no bad finding', (t) => {
  t.deepEqual(wrong(findings()), []);
  t.true(findings().length >= 6);
});

test('every bad finding and warning has a remedy', (t) => {
  for (const finding of wrong(
    findings({node: 'c', processes: new Set(['heartbeat']), modules: new Set(), now: 0}),
  ))
    t.truthy(finding.help, finding.text);
});

/** A change, and the only finding that it causes. */
const cases: readonly (readonly [string, HostFinding['level'], RegExp, Partial<HostFacts>, ClusterConfig?])[] = [
  ['another name', 'bad', /this machine is c/, {node: 'c'}],
  ['the name with its domain', 'bad', /this machine is a\.example\.org/, {node: 'a.example.org'}],
  ['masq without forwarding', 'bad', /with masq the answers/, {}, cluster(VIP, virtual('masq'))],
  ['forwarding that is not set at boot', 'warning', /no file sets it at boot/, {sysctls: new Map([['ipv4.ip_forward', '1']])}, cluster(VIP, virtual('masq'))],
  ['forwarding that the boot turns off', 'warning', /a file sets 0 at boot/, {sysctls: new Map([['ipv4.ip_forward', '1']]), atBoot: new Map([['ipv4.ip_forward', '0']])}, cluster(VIP, virtual('masq'))],
  ['a strict rp_filter and clients on another route', 'warning', /strict/, {sysctls: new Map([['ipv4.conf.eth0.rp_filter', '1']]), defaultDevice: 'eth1'}],
  ['a conflicting daemon', 'bad', /keepalived runs/, {processes: new Set(['chronyd', 'keepalived'])}],
  ['a port in use', 'bad', /another program uses this port/, {udpPorts: new Set([694])}],
  ['no IPVS', 'bad', /no IPVS/, {modules: new Set()}],
  ['no such scheduler', 'bad', /no module ip_vs_wlc/, {modules: new Set(['ip_vs'])}],
  ['no time daemon', 'warning', /no time daemon/, {processes: new Set()}],
  ['a clock of 1970', 'bad', /1970/, {now: 0}],
  ['no watchdog', 'bad', /no \/dev\/watchdog/, {}, cluster(VIP, virtual('gate'), `${haCf}watchdog /dev/watchdog\n`)],
  ['no stonith', 'bad', /no \/usr\/sbin\/stonith/, {}, cluster(VIP, virtual('gate'), `${haCf}stonith_host * ssh b\n`)],
  ['a firewall without the port', 'bad', /no rule names this port \(adverts\)/, {firewall: ':INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\n'}],
  ['no such interface', 'bad', /no interface eth7/, {}, cluster('IPaddr2::192.168.122.10/24/eth7')],
  ['no such heartbeat path', 'bad', /no interface eth8/, {}, cluster(VIP, virtual('gate'), haCf.replace('eth1', 'eth8'))],
  ['the peer behind another interface', 'bad', /in the network of eth1/, {}, cluster(VIP, virtual('gate'), haCf.replace('bcast eth1', 'ucast eth0 10.0.0.3'))],
  ['a mask other than the interface’s', 'warning', /\/16, but eth0/, {}, cluster('IPaddr2::192.168.122.10/16/eth0')],
  ['a real server on no local network', 'bad', /real server 192\.0\.2\.7 .* no network/, {}, cluster(VIP, virtual('gate', '192.0.2.7'))],
  ['a routed VIP', 'warning', /in no network/, {}, cluster('IPaddr2::203.0.113.9/32/eth0', virtual('gate').replace('192.168.122.10', '203.0.113.9'))],
]; // prettier-ignore

for (const [name, level, words, part, of] of cases)
  test(`wrong: ${name}`, (t) => {
    const found = wrong(findings(part, of));
    t.is(found.length, 1, JSON.stringify(found));
    t.is(found[0]?.level, level);
    t.regex(found[0]?.text ?? '', words);
  });

test('the second seed’s mistakes are found: 192.168.12.10 for 192.168.122.10, and eth0:1 for eth2:1', (t) => {
  const slip = wrong(
    findings({}, cluster('IPaddr2::192.168.12.10/24/eth0', virtual('gate').replace('122.10', '12.10'))),
  );
  t.is(slip[0]?.help, 'did you mean 192.168.122.10?');
  t.is(slip[0]?.level, 'bad');
  const service = wrong(findings({}, cluster(VIP, virtual('gate').replace('122.10', '12.10'))));
  t.regex(service[0]?.text ?? '', /192\.168\.12\.10, which no line of haresources has/);
  t.is(service[0]?.help, 'did you mean 192.168.122.10?');
  const label = wrong(findings({}, cluster('IPaddr::192.168.122.10/24/eth2:1')));
  t.regex(label[0]?.text ?? '', /is configured on eth2:1, but its network is on eth0/);
  t.is(label[0]?.help, 'write eth0:1');
});

test('the third seed’s mistake is found: a netmask of 255.255.252.0 with the broadcast address of another', (t) => {
  const addresses = [{device: 'eth0', family: 4, address: '10.1.1.2', prefixLength: 22} as const];
  const of = cluster('IPaddr2::10.1.1.9/255.255.252.0/eth0/10.1.2.255', virtual('gate', '10.1.1.11').replace('192.168.122.10', '10.1.1.9')); // prettier-ignore
  const found = wrong(findings({addresses}, of));
  t.deepEqual(found.map(({text}) => text), ['10.1.1.9/22 has the broadcast address 10.1.3.255, not 10.1.2.255']); // prettier-ignore
});

test('forwarding is required only for masq, per family, with the reason', (t) => {
  const of = (list: readonly HostFinding[]): string[] =>
    list.filter(({subject}) => subject.includes('forward')).map(({level, subject}) => `${level} ${subject}`);
  t.deepEqual(of(findings()), ['good ipv4.ip_forward']);
  t.deepEqual(of(findings({sysctls: new Map([['ipv4.ip_forward', '1']])})), ['note ipv4.ip_forward']);
  const six = 'virtual6=[2001:db8::1]:80\n\treal6=[2001:db8::2]:80 masq\n';
  t.deepEqual(of(findings({}, cluster(VIP, six))), ['bad ipv6.conf.all.forwarding']);
  const on = {sysctls: new Map([['ipv4.ip_forward', '1']]), atBoot: new Map([['ipv4.ip_forward', '1']])};
  t.deepEqual(of(findings(on, cluster(VIP, virtual('masq')))), ['good ipv4.ip_forward']);
});

test('ports of adverts and of connection sync are listed', (t) => {
  const numbers = (haresources: string, ha = haCf): number[] =>
    portsOf(cluster(haresources, virtual('gate'), ha)).map(({port}) => port);
  t.deepEqual(numbers(VIP), [694]);
  t.deepEqual(numbers(`${VIP} LVSSyncDaemonSwap::master`), [694, 8849, 8848]);
  t.deepEqual(numbers(`${VIP} LVSSyncDaemonSwap::master`, `${haCf}hactl_sync relay\n`), [694, 8849]);
  t.deepEqual(numbers(VIP, `udpport 700\n${haCf}mcast eth1 225.0.0.1 701 1 0\n`), [700, 701]);
});

test('firewalls: nftables and iptables, open, closed, with a rule for the port, and Piranha’s leftovers', (t) => {
  const port = [{port: 694, use: 'adverts'}];
  const levels = (listing?: string): string[] =>
    firewallFindings(port, listing).map(({level, subject}) => `${level} ${subject}`);
  const nft = (rules: string, policy = 'drop'): string =>
    `table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t\t${rules}\n\t}\n}\n`;
  t.deepEqual(levels(), ['note firewall']);
  t.deepEqual(levels(nft('tcp dport 22 accept', 'accept')), ['good firewall']);
  t.deepEqual(levels(nft('tcp dport 22 accept')), ['bad udp 694']);
  t.deepEqual(levels(nft('udp dport { 123, 694 } accept')), ['good udp 694']);
  t.deepEqual(levels(nft('tcp dport 6940 accept')), ['bad udp 694']);
  t.deepEqual(levels(nft('ct state established accept\n\t\tdrop', 'accept')), ['bad udp 694']);
  t.deepEqual(levels('-A INPUT -p udp --dport 694 -j ACCEPT\n-A INPUT -j REJECT\n'), ['good udp 694']);
  t.deepEqual(levels('-A INPUT -p tcp --dport 3636 -j ACCEPT\n-A INPUT -p udp --dport 539 -j ACCEPT\n'), [
    'good firewall', 'note port 539', 'note port 3636',
  ]); // prettier-ignore
});

test('the intended address is found for single typos', (t) => {
  for (const [one, other, is] of [
    ['122', '12', true], ['12', '122', true], ['168', '186', true], ['10', '11', true], ['10', '10', false], ['1', '234', false],
  ] as const) t.is(isSingleTypo(one, other), is, `${one} ${other}`); // prettier-ignore
  t.is(meantAddress('192.186.122.5', facts.addresses), '192.168.122.5');
  t.is(meantAddress('172.16.0.1', facts.addresses), undefined);
});

test('facts are parsed from the system’s files', (t) => {
  t.deepEqual(
    [...sysctlsAtBoot(['net.ipv4.ip_forward = 0\n# net.ipv4.x=1\n', '-net/ipv4/ip_forward=1\nkernel.x=1\n'])],
    [['ipv4.ip_forward', '1']],
  );
  t.deepEqual(
    [...moduleNames(['kernel/net/ip-vs.ko.xz: kernel/lib/x.ko', 'kernel/net/ip_vs_rr.ko', 'ip_vs_sh 16384 0 - Live']), ].filter((name) => name.startsWith('ip')),
    ['ip_vs', 'ip_vs_rr', 'ip_vs_sh'],
  ); // prettier-ignore
  t.deepEqual([...boundPorts(['  sl  local_address\n  12: 00000000:02B6 00000000:0000 07 0'])], [694]);
});

test('the command prints findings as JSON and sets its exit status', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-doctor-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ['src/hactl.ts', '--run-dir', folder, 'doctor', '--config-dir', folder, ...words], {encoding: 'utf8'}); // prettier-ignore
  t.is(run().status, 2);
  for (const [name, text] of Object.entries({
    'ha.cf': 'bcast lo\nnode a\n',
    haresources: 'a 127.0.0.9/8/lo\n',
    authkeys: 'auth 1\n1 sha256 s\n',
  })) {
    writeFileSync(path.join(folder, name), text);
    chmodSync(path.join(folder, name), 0o600);
  }
  const result = run('--json', '--node', 'b');
  t.is(result.status, 1);
  const {
    version,
    bad,
    findings: list,
  } = JSON.parse(result.stdout) as {version: number; bad: number; findings: HostFinding[]};
  t.is(version, 1);
  t.is(bad, list.filter(({level}) => level === 'bad').length);
  t.true(list.some(({subject, level}) => subject === 'uname -n' && level === 'bad'));
  t.regex(run('--node', 'a').stdout, /^good +uname -n +a is a node of ha\.cf$/m);
});
