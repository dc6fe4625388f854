/**
 * How the keepalived 2.2.7 daemon reads a file where `keepalived -t` is stricter: numbers followed by text, ports of servers
 * and checks, duplicates. Verified with the daemon's configuration dump.
 */
import test from 'ava';
import {loadWritten} from './index.ts';
import {codes, context, fates, file, instance, real, run, service} from './keepalived.fixture.ts';

const virtualOf = (text: string) => loadWritten(run(text).files, context).cluster?.ldirectord[0]?.virtuals[0];
const cluster = (text: string): string => file(run(text), 'ldirectord.cf');
const mark = (lines: string): string => `virtual_server fwmark 7 {\n${lines}\n}\n`;

test('29: braces do not need surrounding blanks', (t) => {
  const text = `vrrp_instance V{interface eth0
virtual_router_id 5
virtual_ipaddress{192.0.2.1/24}}
virtual_server 192.0.2.1 80{protocol TCP
real_server 198.51.100.1 80{weight 3}real_server 198.51.100.2 80{TCP_CHECK{connect_port 81}}}
`;
  t.regex(file(run(text), 'haresources'), /192\.0\.2\.1\/24/);
  t.regex(cluster(text), /198\.51\.100\.1:80 masq 3\n\treal=198\.51\.100\.2:80 masq 1$/m);
  t.regex(cluster(text), /checkport=81/);
  t.regex(cluster(service(real('HTTP_GET {\nurl {\npath "/a{b}c"\n}\n}'))), /request="\/a\{b\}c"/);
});

test('1: include after a brace is processed', (t) => {
  const read = (path: string): string | undefined => (path.endsWith('d/one.conf') ? real('') : undefined);
  for (const head of ['{ include d/one.conf', '{include d/one.conf', '{ @lb1 include d/one.conf'])
    t.regex(
      file(run(`virtual_server 192.0.2.1 80 ${head}\nprotocol TCP\n}\n`, {read}), 'ldirectord.cf'),
      /real=198\.51\.100\.1:80/,
      head,
    );
});

test('4: a number without digits is 0 if 0 is allowed; otherwise the leading digits count', (t) => {
  const weight = (line: string): number | undefined => virtualOf(service(real(line)))?.reals[0]?.weight;
  t.is(weight('weight 9\nweight x'), 0);
  t.is(weight('weight 9\nweight -1'), 9);
  t.is(weight('weight 12,5'), 12);
  t.is(virtualOf(service(real('TCP_CHECK {\nretry no\n}')))?.failureCount, 1);
  t.is(
    virtualOf(service(real(''), 'weight x'))?.reals[0]?.weight,
    1,
    'a virtual server cannot have weight 0',
  );
  t.regex(cluster(mark(real('')).replace('fwmark 7', 'fwmark 7;')), /^virtual=7$/m);
  t.regex(
    cluster(`virtual_server_group G {\nfwmark 8x\n}\nvirtual_server group G {\n${real('')}\n}\n`),
    /^virtual=8$/m,
  );
  t.regex(
    file(run(instance('').replace('192.0.2.1/24', '192.0.2.1/24,')), 'haresources'),
    /192\.0\.2\.1\/24\/eth0/,
  );
});

test('12: keepalived reads a time with a unit as microseconds: the import takes seconds, with a warning', (t) => {
  const text = service(real('TCP_CHECK {\nconnect_timeout 3s\nretry 0\n}'), 'delay_loop 10s');
  t.like(virtualOf(text), {checkTimeout: 3_000, failureCount: 1});
  t.true((virtualOf(text)?.checkInterval ?? 0) >= 10_000);
  for (const what of ['delay_loop', 'connect_timeout'])
    t.true(fates(run(text), what).includes('approximated!'), what);
});

test('12: nb_get_retry and retry of a web check are the same setting: the last line counts', (t) => {
  const web = (lines: string) =>
    virtualOf(service(real(`HTTP_GET {\n${lines}\nurl {\npath /\n}\n}`)))?.failureCount;
  t.is(web('nb_get_retry 3\nretry 0'), 1);
  t.is(web('retry 0\nnb_get_retry 1'), 2);
});

test('6: a check uses the port in the file, even if the table cannot have it', (t) => {
  const ports = (text: string) => {
    const virtual = virtualOf(text);
    return virtual?.reals.map(({port, check}) => [port, check?.checkPort ?? virtual.checkPort]);
  };
  const routed = service(real('TCP_CHECK {\n}', 1, 8_080)).replace('NAT', 'DR');
  t.deepEqual(ports(routed), [[80, 8_080]]);
  const marked = mark(`lb_kind DR\n${real('TCP_CHECK {\n}', 1, 8_080)}${real('TCP_CHECK {\n}', 2, 8_080)}`);
  t.deepEqual(ports(marked), [
    [0, 8_080],
    [0, 8_080],
  ]);
  t.deepEqual(ports(marked.replace('DR', 'NAT')), [
    [8_080, undefined],
    [8_080, undefined],
  ]);
  t.regex(
    cluster(mark(`lb_kind TUN\nsorry_server 198.51.100.9 81\n${real('')}`)),
    /fallback=198\.51\.100\.9 ipip/,
  );
});

test('3, 6: a check on port 0 never becomes an error or a check that cannot pass', (t) => {
  const web = 'HTTP_GET {\nurl {\npath /a\n}\n}';
  for (const checks of [
    ['TCP_CHECK {\n}'],
    [web, 'SMTP_CHECK {\n}'],
    [web, 'TCP_CHECK {\n}', 'PING_CHECK {\n}'],
  ]) {
    const text = mark(checks.map((check, index) => real(check, index + 1, 0)).join(''));
    const result = run(text);
    t.deepEqual(
      codes(result).filter((code) => code.startsWith('error')),
      [],
    );
    t.is(virtualOf(text)?.reals.length, checks.length);
    t.notRegex(cluster(text), /checkport=0|checktype=connect/);
  }
  const lone = run(service(real('TCP_CHECK {\n}', 1, 0)));
  t.deepEqual(fates(lone, 'TCP_CHECK'), ['approximated!']);
  t.is(virtualOf(service(real('TCP_CHECK {\n}', 1, 0)))?.checkType.kind, 'connect');
});

test('17: duplicate servers are found by their written ports, and dropped ones do not make the service quiescent', (t) => {
  const text = service(
    `${real('weight 5', 1, 8_080)}${real('lvs_method DR\ninhibit_on_failure\nweight 6', 1, 8_080)}`,
  );
  const virtual = virtualOf(text);
  t.deepEqual(
    virtual?.reals.map(({method, weight}) => [method, weight]),
    [['masq', 5]],
  );
  t.false(virtual?.quiescent);
});

test('22: a mark ignores protocol, even sctp; addresses in the same group do not', (t) => {
  t.regex(cluster(mark(`protocol SCTP\n${real('')}`)), /^virtual=7$/m);
  const group = run(
    `virtual_server_group G {\nfwmark 8\n192.0.2.1 80\n}\nvirtual_server group G {\nprotocol SCTP\n${real('')}\n}\n`,
  );
  t.regex(file(group, 'ldirectord.cf'), /^virtual=8$/m);
  t.notRegex(file(group, 'ldirectord.cf'), /192\.0\.2\.1:80/);
  t.true(fates(group, 'virtual_server').includes('not!'));
});

test('22: a granularity that is not a netmask still makes the service persistent', (t) => {
  for (const mask of ['24', '255.0.255.0']) {
    const result = run(service(real(''), `persistence_granularity ${mask}`));
    t.regex(file(result, 'ldirectord.cf'), /persistent=360/, mask);
    t.notRegex(file(result, 'ldirectord.cf'), /netmask/, mask);
    t.deepEqual(fates(result, 'persistence_granularity'), ['not!'], mask);
  }
  t.notRegex(cluster(service(real(''), 'persistence_granularity /24')), /persistent/);
  const fixed = run(
    `virtual_server_group G {\nfwmark 2 inet\nfwmark 3 inet6\n}\nvirtual_server group G {\npersistence_granularity 64\nreal_server 2001:db8::5 0 {\n}\n}\n`,
  );
  t.regex(file(fixed, 'ldirectord.cf'), /^virtual6=3$/m);
  t.notRegex(file(fixed, 'ldirectord.cf'), /^virtual=2$/m);
});

test('29: keepalived drops an address with two interfaces', (t) => {
  const result = run(
    instance('').replace(
      '192.0.2.1/24',
      '192.0.2.1/24 dev eth0\n192.0.2.2/24 dev eth0 label eth0:1 dev eth1',
    ),
  );
  t.regex(file(result, 'haresources'), /192\.0\.2\.1/);
  t.notRegex(file(result, 'haresources'), /192\.0\.2\.2/);
});

test('29: the first address that keepalived accepts sets an instance’s family, also a peer or source address', (t) => {
  const vips = (lines: string, addresses: string): string[] =>
    [
      ...file(
        run(
          `vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n${lines}\nvirtual_ipaddress {\n${addresses}\n}\n}\n`,
        ),
        'haresources',
      ).matchAll(/(?:IPaddr2|IPv6addr)::([^/\s]+)/g),
    ].map(([, address = '']) => address);
  const both = '192.0.2.1/24\n2001:db8::1/64';
  for (const [lines, addresses, expected] of [
    ['', both, ['192.0.2.1']],
    ['unicast_peer {\nfe80::2\n}', both, ['2001:db8::1']],
    ['unicast_src_ip 2001:db8::9', both, ['2001:db8::1']],
    ['mcast_src_ip 192.0.2.9', '2001:db8::1/64\n192.0.2.1/24', ['192.0.2.1']],
    ['', '2001:db8::1/64 brd 192.0.2.255\n192.0.2.1/24', ['192.0.2.1']],
    ['', '2001:db8::1/64 dev eth0 dev eth1\n192.0.2.1/24', ['192.0.2.1']],
  ] as const)
    t.deepEqual(vips(lines, addresses), [...expected], `${lines} ${addresses}`);
  const below = run(instance('').replace(/\}\n$/, 'unicast_peer {\nfe80::2\n}\n}\n'));
  t.notRegex(file(below, 'ha.cf'), /^ucast/m);
  const two = run(instance('unicast_peer {\nlb2\n}\nunicast_peer {\n198.51.100.2\n}'));
  t.regex(file(two, 'ha.cf'), /^ucast eth0 198\.51\.100\.2$/m);
  // IPv6 uses VRRP 3, unless a line above the first address sets 2.
  t.regex(file(run(instance('unicast_src_ip fe80::1\nadvert_int 0.25')), 'ha.cf'), /^keepalive 250ms$/m);
});

test('15: dont_track_primary excludes the instance’s interface from track_interface', (t) => {
  const tracked = (lines: string): string | undefined =>
    /^hactl_track_interface (.*)$/m.exec(file(run(instance(lines)), 'ha.cf'))?.[1];
  t.is(tracked('dont_track_primary\ntrack_interface {\neth0\neth1\n}'), 'eth1');
  t.is(tracked('track_interface {\neth0\n}'), 'eth0');
  t.is(tracked('dont_track_primary\ntrack_interface {\neth0\n}'), undefined);
});

test('17: of several vrrp_scripts with the same name the first with a script is tracked', (t) => {
  const scripts = ['', 'script /bin/a', 'script /bin/b']
    .map((line) => `vrrp_script c {\n${line}\n}\n`)
    .join('');
  const result = run(scripts + instance('track_script {\nc\n}'));
  t.deepEqual(file(result, 'ha.cf').match(/^hactl_track_script .*$/gm), ['hactl_track_script 1 /bin/a']);
  t.true(codes(result).includes('warning duplicate-resource'));
});

test('15: weighted items are not tracked in a sync group or with priority 255', (t) => {
  const tracked = (group: string, lines: string, weight = ''): number =>
    file(
      run(
        `vrrp_script c {\nscript /bin/a\n${weight}\n}\n${instance(`${lines}\ntrack_script {\nc\n}`)}${group}`,
      ),
      'ha.cf',
    ).match(/^hactl_track_script/gm)?.length ?? 0;
  const group = 'vrrp_sync_group G {\ngroup {\nV\n}\n}\n';
  const weight = 'weight -20';
  t.is(tracked('', '', weight), 1);
  t.is(tracked(group, ''), 1);
  t.is(tracked(group, '', 'weight 0'), 1);
  t.is(tracked(group, '', weight), 0);
  t.is(tracked(group.replace('group {', 'sync_group_tracking_weight\ngroup {'), '', weight), 1);
  t.is(tracked('', 'priority 255', weight), 0);
  t.is(tracked('', 'priority 254', weight), 1);
});

test('15: the interface of an address on another interface is tracked, except with no_track', (t) => {
  const tracked = (address: string): string | undefined =>
    /^hactl_track_interface (.*)$/m.exec(
      file(run(instance('').replace('192.0.2.1/24', `192.0.2.1/24\n${address}`)), 'ha.cf'),
    )?.[1];
  t.is(tracked('192.0.2.2/24 dev eth1'), 'eth0 eth1');
  t.is(tracked('192.0.2.2/24 dev eth1 no_track'), 'eth0');
  t.is(tracked('192.0.2.2/24 dev eth0'), 'eth0');
});
