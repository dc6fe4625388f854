/** Compares our output on an in-memory table with the real ipvsadm's (test/fixtures/ipvsadm/seen.jsonl). */
import test from 'ava';
import {makeMemoryIpvs} from '@hactl/ipvs/testing';
import type {ObservedService} from '@hactl/ipvs';
import {noStatistics} from '@hactl/ipvs/testing';
import {readSeen, type Seen} from '../../../test/fixtures/ipvsadm/lines.ts';
import {parse} from './arguments.ts';
import {readConnections, renderConnections} from './connections.ts';
import {columnText} from './endpoint-text.ts';
import {readServices} from './names.ts';
import {kinds} from './options.ts';
import {counter, renderDaemons} from './render.ts';
import {runOn, type World} from './run.ts';
import {compareServices, mergeSort} from './sort.ts';

const services = readServices(`
tftp 69/udp
kerberos 88/tcp kerberos5 krb5
http 80/tcp www
domain 53/tcp
domain 53/udp
https 443/tcp
snpp 444/tcp
microsoft-ds 445/tcp
kpasswd 464/tcp
sip 5060/udp
sip-tls 5061/udp
http-alt 8080/tcp webcache
`);

const world = (input: string): World => ({
  ipvs,
  services: () => services,
  address: (host) => Promise.resolve(host === 'localhost' ? '127.0.0.1' : undefined),
  host: (address) => Promise.resolve(address === '127.0.0.1' ? 'localhost' : undefined),
  connections: () => '',
  input: () => input,
});

const ipvs = makeMemoryIpvs();

/** The in-memory table has no interfaces, so the kernel's errors for sync daemons are not tested here. */
const ofDaemons = ({text, stderr}: Seen): boolean =>
  /^(--start-daemon|--stop-daemon|-L.* --daemon)/.test(text) &&
  !/illegal|invalid|missing|multiple|unexpected|Try|Illegal|conflict|unknown/.test(stderr);

const sortedLines = (text: string): string => text.split('\n').sort().join('\n');

test('every line gives ipvsadm’s output', async (t) => {
  const wrong: unknown[] = [];
  const lines = readSeen();
  let [exact, anyOrder] = [0, 0];
  for (const line of lines) {
    // oxlint-disable-next-line no-await-in-loop -- the lines depend on one another.
    const {stdout, stderr, status} = await runOn(world(line.input), line.words);
    const same = stderr === line.stderr && status === line.status;
    if (same && stdout === line.stdout) exact++;
    // The order of some listings depends on the kernel's hash table: see the next test.
    else if (same && /^-[LS]/.test(line.text) && sortedLines(stdout) === sortedLines(line.stdout)) anyOrder++;
    else if (!ofDaemons(line)) wrong.push({line: line.text, seen: line, ours: {stdout, stderr, status}});
  }
  t.deepEqual(wrong, []);
  t.true(exact > 430, `${exact} of ${lines.length} to the byte`);
  t.true(anyOrder < 12, `${anyOrder} of ${lines.length} but for the order`);
});

const noNames = {services, hosts: new Map<string, string>()};

/** The services of a numeric listing, in its order. */
const servicesOf = (listing: string): ObservedService[] =>
  listing.split('\n').flatMap((line) => {
    const found = /^(TCP|UDP|SCTP|FWM) +(\S+)( IPv6)? wlc$/.exec(line);
    if (!found) return [];
    const [, kind = '', name = '', six] = found;
    const mark = String(Number(name) >>> 0);
    const words =
      kind === 'FWM' ? ['-f', mark, ...(six ? ['-6'] : [])] : [kind === 'TCP' ? '-t' : '-u', name];
    const outcome = parse(['-A', ...words], noNames);
    if (outcome.type !== 'command' || outcome.command.type !== 'add-service') throw new Error(line);
    return [{service: outcome.command.service, statistics: noStatistics, destinations: []}];
  });

test('the order of a listing comes from the kernel’s order as ipvsadm’s does', (t) => {
  const lines = readSeen();
  const at = lines.findIndex(
    ({text}, index) => text === '-Ln --nosort' && lines[index + 1]?.text === '-Ln --sort',
  );
  const [dumped = [], wanted = []] = [at, at + 1].map((index) => servicesOf(lines[index]?.stdout ?? ''));
  t.true(dumped.length > 20);
  const ours = mergeSort(dumped, (left, right) => compareServices(left.service, right.service));
  t.deepEqual(
    ours.map(({service}) => service.key),
    wanted.map(({service}) => service.key),
  );
});

test('sync daemons as ipvsadm shows them', (t) => {
  const seen = readSeen().find(({text, stdout}) => text === '-L --daemon' && /master[^]*backup/.test(stdout));
  t.is(
    renderDaemons([
      {role: 'master', interface: 'lo', syncid: 0, maxlen: 1472, group: '224.0.0.81', port: 8848, ttl: 1},
      {role: 'backup', interface: 'lo', syncid: 7, maxlen: 1400, group: '224.0.0.82', port: 8850, ttl: 2},
    ]),
    seen?.stdout ?? '',
  );
});

test('counters lose their last digits as ipvsadm’s do', (t) => {
  // The real ipvsadm's output was obtained by modifying the kernel's answers on the way to it.
  for (const [value, text] of [
    [99_999_999n, ' 99999999'],
    [100_000_000n, '  100000K'],
    [999_999_999n, '  999999K'],
    [1_000_000_000n, '    1000M'],
    [99_999_999_999n, '   99999M'],
    [100_000_000_000n, '     100G'],
    [99_999_999_999_999n, '   99999G'],
    [100_000_000_000_000n, '     100T'],
    [18_446_744_073_709_551_615n, '18446744T'],
  ] as const)
    t.is(counter(value, false), text);
  t.is(counter(18_353_307_636n, true), ' 18353307636');
});

/** /proc/net/ip_vs_conn as it was, with a SIP template and the template of a firewall mark. */
const proc = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 2001:0db8:0007:0000:0000:0000:0000:0008 92BC 2001:0db8:0007:0000:0000:0000:0000:0008 0050 2001:0db8:0007:0000:0000:0000:0000:0001 2382 ESTABLISHED     898
TCP 0A070001 80E2 0A070003 1F90 0A070002 2382 ESTABLISHED     898
UDP 0A070001 0000 0A070001 13C4 0A070002 13C4 NONE             68 sip call-abc-123@10.7.0.1
TCP 0A070001 0000 0A070003 0000 0A070002 0000 ASSURED        4998
IP  2001:0db8:0007:0000:0000:0000:0000:0001 0000 0000:0008:0000:0000:0000:0000:0000:0000 0000 2001:0db8:0007:0000:0000:0000:0000:0001 0000 NONE            174
IP  0A070001 0000 00000007 0000 0A070002 0000 NONE            174
`;

test('connections as ipvsadm shows them', (t) => {
  const title = 'pro expire state       source             virtual            destination';
  t.is(
    renderConnections(readConnections(proc), false, undefined),
    `IPVS connection entries
${title}
TCP 14:58  ESTABLISHED [2001:db8:7::8]:37564 [2001:db8:7::8]:80 [2001:db8:7::1]:9090
TCP 14:58  ESTABLISHED 10.7.0.1:32994     10.7.0.3:8080      10.7.0.2:9090
UDP 01:08  NONE        10.7.0.1:0         10.7.0.1:5060      10.7.0.2:5060
TCP 83:18  ASSURED     10.7.0.1:0         10.7.0.3:0         10.7.0.2:0
IP  02:54  NONE        [2001:db8:7::1]:0  [0:8::]:0          [2001:db8:7::1]:0
IP  02:54  NONE        10.7.0.1:0         0.0.0.7:0          10.7.0.2:0
`,
  );
  const named = renderConnections(readConnections(proc), true, {
    services,
    hosts: new Map([
      ['10.7.0.3', 'a-very-long-host-name-that-does-not-fit.example.com'],
      ['2001:db8:7::8', 'six-host-with-a-rather-long-name.that-may-be-too-long-for-the-buffer.example.com'],
    ]),
  }).split('\n');
  t.is(named[1], `${title}        pe name          pe_data`);
  const six = '[six-host-with-a-rather-long-name.that-may-be-too-long-for-';
  t.is(named[2], `TCP 14:58  ESTABLISHED ${six} ${six} [2001:db8:7::1]:9090`);
  t.is(
    named[3],
    'TCP 14:58  ESTABLISHED 10.7.0.1:32994     a-very-long-host-name-that-does-not-fit.example.com:http-al 10.7.0.2:9090',
  );
  t.is(
    named[4],
    'UDP 01:08  NONE        10.7.0.1:0         10.7.0.1:sip       10.7.0.2:sip     sip                call-abc-123@10.7.0.1',
  );
});

test('names too long for the column are truncated, except for IPv6 hosts', (t) => {
  const names = {
    services,
    hosts: new Map([
      ['10.9.9.8', 'a-very-long-host-name-that-does-not-fit.example.com'],
      ['2001:db8::8', 'six-host-with-a-rather-long-name.example.com'],
    ]),
  };
  t.is(columnText('10.9.9.8', 445, 'tcp', names), 'a-very-long-host-name-that-d');
  t.is(
    columnText('2001:db8::8', 8080, 'tcp', names),
    '[six-host-with-a-rather-long-name.example.com]:http-alt',
  );
});

test('options that a command does not accept are reported in ipvsadm’s order', (t) => {
  const all = [
    '-n', '-c', '-t 1.2.3.4:5', '-s rr', '-p', '-M 24', '-r 1.2.3.4', '-g', '-w 1', '-x 1', '-y 1', '--mcast-interface lo',
    '--timeout', '--daemon', '--stats', '--rate', '--thresholds', '--persistent-conn', '--nosort', '--syncid 1', '-X', '-o',
    '--pe sip', '-b flag-1', '--mcast-group 224.0.0.1', '--mcast-port 5', '--mcast-ttl 3', '--sync-maxlen 5', '--tun-info',
    '--tun-type ipip', '--tun-port 5', '--tun-nocsum', '--tun-csum', '--tun-remcsum',
  ]; // prettier-ignore
  for (const [index, option] of all.entries()) {
    const words = all.slice(index).toReversed().join(' ').split(' ');
    const outcome = parse(['-C', ...words], noNames);
    const kind = kinds[index] ?? '';
    t.is(
      outcome.type === 'end' ? outcome.stderr : '',
      `Illegal '${kind}' option with the 'flush' command\n`,
      option,
    );
  }
});

/** Determined with the real ipvsadm: which options each command accepts. */
const taken: readonly (readonly [command: string, options: string])[] = [
  ['-E -t 1.1.1.1:1', '-s -p -M --sort -o --pe -b -t -f'],
  ['-D -t 1.1.1.1:1', '--sort -t -f'],
  [
    '-e -t 1.1.1.1:1 -r 2.2.2.2',
    '-r -g -w -x -y --sort --tun-type --tun-port --tun-csum -t -f --tun-nocsum --tun-remcsum',
  ],
  ['-d -t 1.1.1.1:1 -r 2.2.2.2', '-r --sort -t -f'],
  ['-C', '--sort'],
  ['-R', '--sort'],
  ['-S', '--sort -n'],
  [
    '-L',
    '-c --timeout --daemon --stats --rate --thresholds --persistent-conn --sort --nosort --exact -n --syncid --tun-info -t -f',
  ],
  ['-Z', '--sort -t -f'],
  ['--set 1 2 3', '--sort'],
  ['--stop-daemon backup', '--sort --syncid'],
];

test('each command accepts the same options as ipvsadm', (t) => {
  const tried = [
    '-s rr', '-p', '-M 24', '-r 1.2.3.4', '-g', '-w 1', '-x 1', '-y 1', '-c', '--timeout', '--daemon', '--stats', '--rate',
    '--thresholds', '--persistent-conn', '--sort', '--nosort', '--exact', '-n', '--syncid 1', '--mcast-interface lo', '-o',
    '--pe sip', '-b flag-1', '--tun-info', '--tun-type ipip', '--tun-port 5', '--tun-csum', '-t 1.2.3.4:5', '-f 3',
    '--sync-maxlen 5', '--mcast-group 224.0.0.1', '--mcast-port 5', '--mcast-ttl 3', '--tun-nocsum', '--tun-remcsum',
  ]; // prettier-ignore
  for (const [command, options] of taken) {
    const ours = tried.filter((option) => {
      const outcome = parse(`${command} ${option}`.split(' '), noNames);
      return !(outcome.type === 'end' && outcome.stderr.startsWith("Illegal '"));
    });
    t.deepEqual(new Set(ours.map((option) => option.split(' ')[0])), new Set(options.split(' ')), command);
  }
});
