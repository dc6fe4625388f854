/**
 * keepalived 2.2.7 reads line by line: an invalid line leaves the previous one in force, some lines apply only below others,
 * and some are reset at the end. Verified in its source or with `keepalived -t`.
 */
import {execFileSync, spawn} from 'node:child_process';
import test from 'ava';
import {loadWritten} from './index.ts';
import {codes, context, fates, file, instance, real, run, service} from './keepalived.fixture.ts';

const cluster = (text: string): string => file(run(text), 'ldirectord.cf');
const virtualOf = (text: string) => loadWritten(run(text).files, context).cluster?.ldirectord[0]?.virtuals[0];
const plain = (lines: string): string => `virtual_server 192.0.2.1 80 {\n${lines}\n}\n`;

test('19, 22: an invalid line leaves the previous one in force', (t) => {
  for (const [lines, expected] of [
    ['protocol TCP\nprotocol TCPIP', /^\tprotocol=tcp$/m],
    ['protocol TCP\nlb_algo rr\nlb_algo roundrobin', /^\tscheduler=rr$/m],
    ['protocol TCP\nlb_kind DR\nlb_kind dr', /:80 gate 1$/m],
    ['protocol TCP\nweight 7\nweight none', /:80 masq 7$/m],
    ['protocol TCP\nsorry_server 198.51.100.9 80\nsorry_server nobody 80', /fallback=198\.51\.100\.9:80/],
    ['protocol TCP\npersistence_timeout 50\npersistence_timeout 0', /^\tpersistent=50$/m],
    ['protocol TCP\npersistence_timeout 0', /^\tquiescent=no$/m],
  ] as const) {
    const text = plain(`${lines}\n${real('TCP_CHECK {\n}')}`);
    t.regex(cluster(text), expected, lines);
    t.deepEqual(
      run(text).diagnostics.filter(({severity}) => severity === 'error'),
      [],
      lines,
    );
  }
  const times = (lines: string) => virtualOf(plain(`protocol TCP\n${lines}\n${real('TCP_CHECK {\n}')}`));
  t.is(times('delay_loop 20\ndelay_loop x\nconnect_timeout 4\nconnect_timeout 0')?.checkTimeout, 4_000);
  t.is(times('delay_loop 20\ndelay_loop 0')?.checkInterval, times('delay_loop 20')?.checkInterval);
  t.is(virtualOf(plain(`protocol TCP\n${real('weight 9\nweight -1\nTCP_CHECK {\n}')}`))?.reals[0]?.weight, 9);
});

test('14, 19: a server uses the method above it, and a sorry server the one below it', (t) => {
  const text = plain(
    `protocol TCP\nlb_kind DR\n${real('')}lb_kind TUN\n${real('', 2)}sorry_server_lvs_method TUN\nsorry_server 198.51.100.9 80\nsorry_server_lvs_method NAT`,
  );
  t.deepEqual(
    [...cluster(text).matchAll(/(?:real|fallback)=\S+ (\w+)/g)].map(([, method]) => method),
    ['gate', 'ipip', 'masq'],
  );
  t.deepEqual(fates(run(text), 'sorry_server_lvs_method TUN'), ['not']);
  // Without a method above: the one in force at the end of the block.
  t.regex(cluster(plain(`protocol TCP\n${real('')}lb_kind DR`)), /:80 gate 1$/m);
});

test('19: an invalid option invalidates the options of a method, not the method', (t) => {
  for (const [line, method, isOdd] of [
    ['lb_kind TUN type gue', 'ipip', true],
    ['lb_kind TUN type ipip port 6080', 'ipip', true],
    ['lb_kind TUN csum', 'ipip', true],
    ['lb_kind TUN type vxlan', 'ipip', true],
    ['lb_kind DR fast', 'gate', true],
    ['lb_kind fast DR', 'masq', true],
    ['lb_kind TUN type gue port 6080 csum', 'ipip', false],
    ['lb_kind TUN type gre', 'ipip', false],
    ['lb_kind TUN type ipip nocsum', 'ipip', false],
  ] as const) {
    const text = plain(`protocol TCP\n${line}\n${real('')}`);
    t.is(virtualOf(text)?.reals[0]?.method, method, line);
    t.is(codes(run(text)).includes('warning bad-method'), isOdd, line);
  }
});

test('17: flags of sh and mh apply only below their scheduler', (t) => {
  const flags = (lines: string): string | undefined =>
    /schedflags=(\S+)/.exec(cluster(plain(`protocol TCP\n${lines}\n${real('')}`)))?.[1];
  t.is(flags('lb_algo sh\nsh-port\nsh-fallback'), 'sh-port,sh-fallback');
  t.is(flags('sh-port\nlb_algo sh'), undefined);
  t.is(flags('lb_algo mh\nsh-port\nmh-port'), 'mh-port');
  t.is(flags('lb_algo wlc\nsh-fallback'), undefined);
  t.is(flags('flag-1\nlb_algo sh'), 'flag-1');
  t.deepEqual(fates(run(plain(`protocol TCP\nsh-port\nlb_algo sh\n${real('')}`)), 'sh-port'), ['not']);
});

test('12: a script’s time limit is misc_timeout in whole seconds, or the service’s delay_loop, never connect_timeout', (t) => {
  const limit = (virtual: string, checker: string, server = ''): number | undefined =>
    virtualOf(service(real(`${server}\nMISC_CHECK {\nmisc_path /bin/c\n${checker}\n}`), virtual))
      ?.checkTimeout;
  t.is(limit('delay_loop 10\nconnect_timeout 3', ''), 10_000);
  t.is(limit('connect_timeout 3', ''), 60_000);
  t.is(limit('delay_loop 10', 'connect_timeout 3'), 10_000);
  t.is(limit('delay_loop 10', 'delay_loop 4', 'delay_loop 5'), 10_000);
  // The daemon reads the digits; `keepalived -t` rejects the line.
  t.is(limit('delay_loop 10', 'misc_timeout 7\nmisc_timeout 2.5'), 2_000);
  t.is(limit('delay_loop 10', 'misc_timeout 0'), 10_000);
  const result = run(service(real('MISC_CHECK {\nmisc_path /bin/c\nconnect_timeout 3\n}')));
  t.deepEqual(fates(result, 'connect_timeout'), ['not']);
});

test('3: an invalid type of DNS_CHECK leaves the previous one in force', (t) => {
  t.regex(
    cluster(service(real('DNS_CHECK {\ntype a\ntype WHAT\nname www.example.com\n}'))),
    /service=dns\n[^]*request="www\.example\.com"/,
  );
});

test('22: a granularity or the first server sets the family of a mark, a tunnel does not', (t) => {
  const mark = (lines: string): string =>
    /^virtual\w*=.*$/m.exec(cluster(`virtual_server fwmark 7 {\n${lines}\n}\n`))?.[0] ?? '';
  const six = ' real_server 2001:db8::2 80 {\n }\n';
  t.is(mark(`ip_family inet6\nip_family inet\n${six}`), 'virtual6=7');
  t.is(mark(`lb_kind TUN\n${six}`), 'virtual6=7');
  t.is(mark(`lb_kind TUN\n${six}${real('')}`), 'virtual=7');
  t.is(mark(`persistence_granularity 64\n${six}`), 'virtual6=7');
  // inet and inet6 apply to marks in groups only.
  t.regex(cluster(`virtual_server fwmark 7 inet6 {\nlb_kind NAT\n${real('')}}\n`), /^virtual=7$/m);
});

test('22: a group with both families and a mark without a family is ignored; of two groups with the same name the first counts', (t) => {
  const groups = (entries: string): string =>
    `virtual_server_group G {\n${entries}\n}\nvirtual_server group G {\nprotocol TCP\n${real('')}}\n`;
  const mixed = run(instance('') + groups('192.0.2.1 80\n2001:db8::1 80\nfwmark 5'));
  t.is(file(mixed, 'ldirectord.cf'), '');
  t.true(codes(mixed).includes('warning bad-address'));
  t.regex(cluster(groups('192.0.2.1 80\nfwmark 5 inet')), /virtual=5/);
  t.notRegex(cluster(groups('192.0.2.1 80\nfwmark 5 ipv4')), /virtual=5/);
  const two = `virtual_server_group G {\n192.0.2.9 80\n}\n${groups('192.0.2.1 80')}`;
  t.regex(cluster(two), /virtual=192\.0\.2\.9:80/);
  t.notRegex(cluster(two), /virtual=192\.0\.2\.1:80/);
});

test('10: the default priority is 255 for MASTER and 100 for BACKUP; an invalid one is 100', (t) => {
  const two = (lines: string): string =>
    file(
      run(
        instance(lines, 'A') + instance('state BACKUP\npriority 150', 'B').replace('192.0.2.1', '192.0.2.2'),
      ),
      'haresources',
    );
  t.regex(two('state MASTER'), /^lb1 IPaddr2::192\.0\.2\.1/m);
  t.regex(two('state MASTER\npriority 256'), /^lb2 IPaddr2::192\.0\.2\.1/m);
  t.regex(two('state MASTER\npriority 200\npriority high'), /^lb2 IPaddr2::192\.0\.2\.1/m);
});

test('11: nopreempt and preempt_delay, and the cases in which keepalived clears them', (t) => {
  const strict = 'global_defs {\nvrrp_strict\n}\n';
  for (const [text, expected] of [
    [instance('state BACKUP\nnopreempt\npriority 255'), 'auto_failback on'],
    [instance('nopreempt'), 'auto_failback off'],
    [strict + instance('state MASTER\npriority 150\nnopreempt'), 'auto_failback off'],
    [instance('strict_mode on\nstate MASTER\npriority 150\nnopreempt'), 'auto_failback off'],
    [strict + instance('strict_mode off\nstate MASTER\npriority 150\nnopreempt'), 'auto_failback on'],
    [
      instance('state MASTER\npriority 150\nnopreempt\nauthentication {\nauth_type AH\nauth_pass x\n}'),
      'auto_failback off',
    ],
    [instance('preempt_delay 9'), 'hactl_preempt_delay 9'],
  ] as const)
    t.regex(file(run(text), 'ha.cf'), new RegExp(`^${expected}$`, 'm'), text);
  for (const text of [instance('nopreempt\npreempt_delay 9'), strict + instance('preempt_delay 9')])
    t.notRegex(file(run(text), 'ha.cf'), /hactl_preempt_delay/, text);
});

test('13: the first valid version counts; an invalid advert_int leaves the previous one in force', (t) => {
  const keepalive = (lines: string): string | undefined =>
    /^keepalive (.*)$/m.exec(file(run(instance(lines)), 'ha.cf'))?.[1];
  t.is(keepalive('version 3\nversion 2\nadvert_int 0.25'), '250ms');
  t.is(keepalive('version 4\nversion 3\nadvert_int 0.25'), '250ms');
  t.is(keepalive('advert_int 3\nadvert_int 0'), '3');
  t.is(keepalive('advert_int 3\nadvert_int 999'), '3');
});

test('17: a block without exactly one name is ignored; of two sync groups with the same name the first counts', (t) => {
  const two = instance('') + instance('', 'W').replace('192.0.2.1', '192.0.2.2');
  const lines = (text: string): number => file(run(two + text), 'haresources').match(/^lb2 /gm)?.length ?? 0;
  t.is(lines('vrrp_sync_group G H {\ngroup {\nV\nW\n}\n}\n'), 2);
  t.is(lines('vrrp_sync_group G {\ngroup {\nV\n}\n}\nvrrp_sync_group G {\ngroup {\nV\nW\n}\n}\n'), 2);
  const unnamed = run(
    instance('') + instance('', 'W X').replace('192.0.2.1', '192.0.2.2') + instance('', ''),
  );
  t.regex(file(unnamed, 'haresources'), /192\.0\.2\.1\/24/);
  t.notRegex(file(unnamed, 'haresources'), /192\.0\.2\.2/);
});

test('16: every spelling of lvs_sync_daemon', (t) => {
  const daemon = (line: string, text = ''): string | undefined =>
    /LVSSyncDaemonSwap::(\S+)/.exec(
      file(run(`global_defs {\n${line}\n}\n${instance('')}${text}`), 'haresources'),
    )?.[1];
  for (const [line, expected] of [
    ['lvs_sync_daemon eth1', 'master::eth1::0'],
    ['lvs_sync_daemon eth1 V', 'master::eth1::5'],
    ['lvs_sync_daemon eth1 V 9', 'master::eth1::9'],
    ['lvs_sync_daemon eth1 V 300', 'master::eth1::5'],
    ['lvs_sync_daemon eth1 inst V id 0', 'master::eth1::0'],
    ['lvs_sync_daemon eth1 id 7 inst V', 'master::eth1::7'],
    ['lvs_sync_daemon eth1 id x V', 'master::eth1::0'],
    ['lvs_sync_daemon eth1 inst V maxlen 1400 port 8848 ttl 2 group 224.0.0.81', 'master::eth1::5'],
    ['lvs_sync_daemon eth1 V\nlvs_sync_daemon eth2 V id 3', 'master::eth1::5'],
    ['lvs_sync_daemon eth1 inst NOBODY', undefined],
  ] as const)
    t.is(daemon(line), expected, line);
});

test('15: the script for a tracked process counts the same processes as keepalived', async (t) => {
  const script = (lines: string): string =>
    file(run(`vrrp_track_process p {\n${lines}\n}\n${instance('track_process {\np\n}')}`), 'track-p');
  const isGood = (lines: string): boolean => {
    try {
      execFileSync('/bin/sh', ['-c', script(lines)], {stdio: 'ignore'});
      return true;
    } catch {
      return false;
    }
  };
  const name = `hactl-t${process.pid % 100_000}`;
  const sleepers = ['11', '12'].map((last) =>
    spawn('/bin/sh', ['-c', 'read _; :', name, 'serve', last], {
      argv0: name,
      stdio: ['pipe', 'ignore', 'ignore'],
    }),
  );
  t.teardown(() => sleepers.forEach((child) => void child.kill()));
  await Promise.all(sleepers.map((child) => new Promise((resolve) => child.once('spawn', resolve))));
  const words = `${name} -c "read _; :" ${name} serve`;
  for (const [lines, expected] of [
    [`process ${words} 11`, true],
    [`process ${words}`, false],
    [`process ${words}\nparam_match partial`, true],
    [`process ${words} 1\nparam_match initial\nquorum 2`, true],
    [`process ${words} 1\nparam_match initial\nquorum 3`, false],
    [`process ${name}\nfull_command\nquorum_max 2`, true],
    [`process ${name}\nfull_command\nquorum_max 1`, false],
    [`process ${name}-gone\nfull_command\nquorum_max 0`, true],
    [`process ${name}\nfull_command\nquorum_max 0`, false],
    [`process ${name}-gone\nfull_command`, false],
  ] as const)
    t.is(isGood(lines), expected, lines);
});

test('15: delays of a tracked process become consecutive checks; a name that keepalived never matches is reported', (t) => {
  const text = (lines: string): string =>
    `vrrp_track_process p {\nprocess nginx\n${lines}\n}\n${instance('track_process {\np\n}')}`;
  t.regex(file(run(text('terminate_delay 2.5')), 'track-p'), /now=1; needed=1; else now=0; needed=3/);
  t.regex(file(run(text('delay 2\nterminate_delay 1')), 'track-p'), /now=1; needed=2; else now=0; needed=1/);
  const path = run(text('').replace('process nginx', 'process /usr/sbin/nginx'));
  t.deepEqual(fates(path, 'process'), ['approximated!']);
});
