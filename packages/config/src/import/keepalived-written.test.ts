/**
 * How keepalived 2.2.7 reads unusual lines: quotes, numbers, repeated lines, ranges, upper and lower case. Verified with
 * `keepalived -t` or in its source.
 */
import test from 'ava';
import {loadWritten} from './index.ts';
import {codes, context, fates, file, instance, real, run, service} from './keepalived.fixture.ts';

const cluster = (text: string): string => file(run(text), 'ldirectord.cf');
const web = (lines: string): string => `HTTP_GET {\nurl {\npath /\n${lines}\n}\n}`;
const virtualOf = (text: string) => loadWritten(run(text).files, context).cluster?.ldirectord[0]?.virtuals[0];

test('1: quotes are part of an include’s file name, and nothing is included', (t) => {
  const result = run(`${instance('')}include "d/one.conf"\n`, {read: () => service(real(''))});
  t.true(codes(result).includes('warning missing-file'));
  t.is(file(result, 'ldirectord.cf'), '');
});

test('3: a DNS_CHECK name that keepalived ignores is not queried; of two names the first counts', (t) => {
  for (const name of ['a..b', '.x', 'a.example.com']) {
    const text = service(real(`DNS_CHECK {\ntype A\nname ${name}\n}`));
    t.notRegex(cluster(text), /service=dns/, name);
    t.true(codes(run(text)).includes('warning bad-value'), name);
  }
  t.regex(
    cluster(service(real('DNS_CHECK {\ntype A\nname www.example.com\nname b.example\n}'))),
    /request="www\.example\.com"/,
  );
});

test('4: statuses of several lines are combined; only values outside 100 to 599 are dropped', (t) => {
  for (const [lines, statuses] of [
    [
      'status_code 200\nstatus_code 401',
      [
        [200, 200],
        [401, 401],
      ],
    ],
    ['status_code 404\nstatus_code 2xx', [[404, 404]]],
    ['status_code 600 401', [[401, 401]]],
    ['status_code 100-600', [[200, 299]]],
    ['status_code 99 1000', [[200, 299]]],
    ['status_code 0401', [[401, 401]]],
  ] as const)
    // prettier-ignore
    t.deepEqual(virtualOf(service(real(web(lines))))?.statuses, statuses, lines);
});

test('4: options become inline flags of the expression; an expression of several words is ignored', (t) => {
  t.is(virtualOf(service(real(web('regex "^o k"\nregex_options caseless multiline'))))?.receive, '(?im)^o k');
  t.is(virtualOf(service(real(web('regex o k'))))?.receive, undefined);
  t.is(virtualOf(service(real(web('regex "a\\\\.b"'))))?.receive, 'a\\.b');
  const inverse = run(service(real(web('regex bad\nregex_no_match no'))));
  t.deepEqual(fates(inverse, 'regex bad'), ['not!']);
});

for (const [path, command] of [
  ['"/bin/c \'a b\' c"', "/bin/c 'a b' c"],
  ['\'/bin/c "a b"\'', "/bin/c 'a b'"],
  ['"/bin/c \\"a b\\" \\\\$x"', "/bin/c 'a b' '$x'"],
  ['/bin/c a b', '/bin/c'],
  ['/bin/"c d"', '/bin/c d'],
] as const)
  test(`5: MISC_CHECK runs the same program as keepalived: ${path}`, (t) => {
    const result = run(service(real(`MISC_CHECK {\nmisc_path ${path}\n}`)));
    t.true(
      file(result, 'check-192.0.2.1-80-tcp').includes(`) ${command} ;;`),
      file(result, 'check-192.0.2.1-80-tcp'),
    );
  });

test('5: an unquoted script runs without its arguments, with a warning', (t) => {
  const text = `vrrp_script c {\nscript /usr/bin/killall -0 haproxy\n}\n${instance('track_script {\nc\n}')}`;
  t.regex(file(run(text), 'ha.cf'), /^hactl_track_script 1 \/usr\/bin\/killall$/m);
  t.true(codes(run(text)).includes('warning bad-value'));
});

test('8: the first of two notify scripts counts', (t) => {
  const text = file(run(instance('notify_master "/one"\nnotify_master "/two"')), 'resource.d/notify-V');
  t.regex(text, /\/one \|\| :/);
  t.notRegex(text, /\/two/);
});

test('10, 19: state is case-sensitive, and BACKUP below MASTER has no effect', (t) => {
  for (const [lines, node] of [
    ['state master', 'lb2'],
    ['state Master', 'lb2'],
    ['state MASTER\nstate BACKUP', 'lb1'],
    ['state BACKUP\nstate MASTER', 'lb1'],
  ] as const)
    t.regex(file(run(instance(lines)), 'haresources'), new RegExp(`^${node} `, 'm'), lines);
});

test('11: preempt below nopreempt cancels it', (t) => {
  t.regex(file(run(instance('nopreempt\npreempt')), 'ha.cf'), /^auto_failback on$/m);
  t.regex(file(run(instance('preempt\nnopreempt')), 'ha.cf'), /^auto_failback off$/m);
});

test('12: retry 0 applies in a checker only; an invalid time is reported as not carried over', (t) => {
  const failures = (virtual: string, checker: string): number | undefined =>
    virtualOf(service(real(`TCP_CHECK {\n${checker}\n}`), virtual))?.failureCount;
  t.is(failures('retry 0', ''), 2);
  t.is(failures('', 'retry 0'), 1);
  const odd = run(service(real('TCP_CHECK {\nconnect_timeout -3\n}'), 'delay_loop soon'));
  t.deepEqual(fates(odd, 'delay_loop'), ['not']);
  t.deepEqual(fates(odd, 'connect_timeout'), ['not']);
});

test('14: weight 0 of a virtual_server is ignored; text after the digits is dropped', (t) => {
  t.regex(cluster(service(real(''), 'weight 0')), /masq 1$/m);
  t.regex(cluster(service(real('weight 3;'))), /masq 3$/m);
  t.regex(cluster(service(real('weight +4'))), /masq 4$/m);
  t.regex(cluster(service(real('TCP_CHECK {\nconnect_port 81,\n}'))), /checkport=81$/m);
});

test('17: of several addresses on a line the first is used, and skipped words are not reported as exact', (t) => {
  const result = run(instance('').replace('192.0.2.1/24', '192.0.2.1/24 192.0.2.2/24'));
  t.regex(file(result, 'haresources'), /^lb2 IPaddr2::192\.0\.2\.1\/24\/eth0$/m);
  t.deepEqual(fates(result, '192.0.2.1/24'), ['not!']);
  const odder = instance('').replace(
    '192.0.2.1/24',
    '192.0.2.1/24\n192.0.2.3/255.255.255.0\n[2001:db8::2]/64\nfe80::1%eth0',
  );
  t.regex(
    file(run(odder), 'haresources'),
    /^lb2 IPaddr2::192\.0\.2\.1\/24\/eth0 IPaddr2::192\.0\.2\.3\/32\/eth0$/m,
  );
  for (const odd of ['192.0.2.2/24 brd x', '192.0.2.2/24 label', '192.0.2.2/24 dev'])
    t.notRegex(
      file(run(instance('').replace('192.0.2.1/24', `192.0.2.1/24\n${odd}`)), 'haresources'),
      /\.2\//,
      odd,
    );
  const host = run(service(real(web('virtualhost "a b"'))));
  t.deepEqual(fates(host, 'virtualhost'), ['not!']);
});

test('19: yes and no are case-sensitive; inhibit_on_failure of a virtual_server ignores its value', (t) => {
  t.regex(cluster(service(real('inhibit_on_failure Yes'))), /quiescent=no/);
  t.regex(cluster(service(real('inhibit_on_failure on'))), /quiescent=yes/);
  t.regex(cluster(service(real(''), 'inhibit_on_failure no')), /quiescent=yes/);
});

test('20, 21: a blank before = is not a definition; an invalid ~SEQ is ignored, 010 is octal', (t) => {
  const odd = run(instance('interface $IF').replace(/^/, '$IF = eth7\n'));
  t.true(codes(odd).includes('warning bad-value'));
  t.notRegex(file(odd, 'haresources'), /eth7/);
  const many = (line: string): number | undefined =>
    cluster(service(`${line} real_server 198.51.100.$H 80 { }\n${real('', 200)}`)).match(/real=/g)?.length;
  t.is(many('~SEQ(H, 3, 1, 1)'), 1);
  t.is(many('~SEQ(H)'), 1);
  t.is(many('~SEQ(H, 010)'), 9);
});

test('22: an unclosed quote drops the rest of its line; a single quote is an ordinary character', (t) => {
  const secret = (line: string): string =>
    file(run(instance(`authentication {\nauth_type PASS\n${line}\n}`)), 'authkeys');
  t.regex(secret("auth_pass it's"), /^1 sha256 it's$/m);
  t.regex(secret('auth_pass it"s'), /^1 sha256 it$/m);
  t.regex(secret('auth_pass a\\b'), /^1 sha256 a\\b$/m);
});

test('22: ranges, lengths and brackets where keepalived does not support them', (t) => {
  const single = service(real(''));
  t.is(cluster(single.replace('192.0.2.1 80', '192.0.2.1-5 80')).match(/virtual=/g)?.length, 1);
  t.is(cluster(single.replace('192.0.2.1 80', '192.0.2.1/24 80')).match(/virtual=/g)?.length, 1);
  t.regex(cluster(single.replace('198.51.100.1 80', '198.51.100.1/32 80')), /real=198\.51\.100\.1:80/);
  const bracket = run(`${instance('')}${single.replace('192.0.2.1 80', '[2001:db8::1] 80')}`);
  t.notRegex(file(bracket, 'ldirectord.cf'), /virtual/);
  const group = (entry: string): number =>
    cluster(
      `virtual_server_group G {\n192.0.2.200 80\n${entry}\n}\nvirtual_server group G {\nprotocol TCP\n${real('')}}\n`,
    ).match(/virtual=/g)?.length ?? 0;
  t.is(group('192.0.2.9/30 80'), 1);
  t.is(group('192.0.2.8/30 80'), 5);
  t.is(group('192.0.2.5-5 80'), 1);
  t.is(group('192.0.2.5-192.0.2.5 80'), 2);
  t.is(group('192.0.2.5-7 0'), 4);
});

test('22: one entry of a group without a port makes all of them persistent', (t) => {
  const text = cluster(
    `virtual_server_group G {\n192.0.2.1 80\n192.0.2.2 0\n}\nvirtual_server group G {\nprotocol TCP\n${real('')}}\n`,
  );
  t.is(text.match(/persistent=360/g)?.length, 2);
});

test('22: without NAT the sorry server’s port is the service’s', (t) => {
  const sorry = 'sorry_server 198.51.100.9 81';
  t.regex(
    cluster(service(real(''), `lb_kind DR\n${sorry}`).replace('lb_kind NAT', '')),
    /fallback=198\.51\.100\.9:80 gate/,
  );
  t.regex(cluster(service(real(''), sorry)), /fallback=198\.51\.100\.9:81 masq/);
});

test('29: each host of an SMTP_CHECK is a check; the first is used, the others are reported', (t) => {
  const host = (port: number): string => `host {\nconnect_port ${port}\nconnect_timeout 9\nretry 0\n}\n`;
  const two = run(service(real(`SMTP_CHECK {\n${host(2526)}${host(2527)}}`)));
  t.regex(file(two, 'ldirectord.cf'), /checkport=2526\n\tchecktimeout=9\n\tfailurecount=1/);
  t.deepEqual(fates(two, 'host'), ['exact', 'not!']);
  const around = run(service(real(`SMTP_CHECK {\nconnect_port 26\n${host(2526)}}`)));
  t.regex(file(around, 'ldirectord.cf'), /checkport=26\n/);
  t.deepEqual(fates(around, 'host'), ['not!']);
});

test('15: a tracking line with an option other than weight is not tracked; a group without a name is ignored', (t) => {
  const scripts = 'vrrp_script a {\nscript "/bin/a"\n}\nvrrp_script b {\nscript "/bin/b"\n}\n';
  for (const [lines, tracked] of [
    ['a b', []],
    ['a weight', []],
    ['a foo\nb', ['b']],
    ['a weight 5\nb', ['a', 'b']],
  ] as const)
    t.deepEqual(
      [...file(run(scripts + instance(`track_script {\n${lines}\n}`)), 'ha.cf').matchAll(/\/bin\/(\w)/g)].map(
        ([, name]) => name,
      ),
      tracked,
      lines,
    );
  const two = instance('') + instance('', 'W').replace('192.0.2.1', '192.0.2.2');
  const lines = (group: string): number =>
    file(run(`${two}vrrp_sync_group ${group}`), 'haresources').match(/^lb2 /gm)?.length ?? 0;
  t.is(lines('{\ngroup {\nV\nW\n}\n}\n'), 2);
  t.is(lines('G {\ngroup {\nV\nW\n}\n}\n'), 1);
});

test('14: of a port range the first port is used, with a warning, for services, groups and servers', (t) => {
  for (const text of [
    service(real('')).replace('192.0.2.1 80', '192.0.2.1 80-82'),
    `virtual_server_group G {\n 192.0.2.1 80-82\n}\n${service(real('')).replace('192.0.2.1 80', 'group G')}`,
  ]) {
    t.regex(cluster(text), /^virtual=192\.0\.2\.1:80$/m);
    t.deepEqual(codes(run(text)), ['warning bad-value'], text);
  }
  const server = service(real('').replace(' 80 {', ' 80-82 {'));
  t.regex(cluster(server), /real=198\.51\.100\.1:80 masq/);
  t.deepEqual(codes(run(server)), ['warning bad-value']);
  t.true(
    codes(run(service(real(''), 'sorry_server 198.51.100.7 80x'))).includes('warning bad-value'),
    'the sorry server',
  );
});

test('17: a server of the other address family is reported as lost if keepalived tunnels to it', (t) => {
  const mixed = (kind: string): string =>
    service(real(''), ' real_server 2001:db8::2 80 {\n }').replace('lb_kind NAT', `lb_kind ${kind}`);
  t.deepEqual(fates(run(mixed('TUN')), 'real_server 2001:db8::2'), ['not!']);
  t.deepEqual(fates(run(mixed('NAT')), 'real_server 2001:db8::2'), ['not']);
});
