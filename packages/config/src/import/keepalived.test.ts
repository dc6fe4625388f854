/** keepalived.conf as keepalived reads it: faults found by third-party files (docs/field.md), each with a minimal input. */
import test from 'ava';
import {pairFacts} from '../facts.ts';
import {loadWritten, type ImportContext, type ImportResult} from './index.ts';
import {codes, context, fates, file, instance, real, run, service} from './keepalived.fixture.ts';

const included = {
  read: (path: string) => (path.endsWith('/d/one.conf') ? service(real('')) : undefined),
  glob: (pattern: string) => (pattern.endsWith('/d/*.conf') ? ['./d/one.conf'] : []),
};

test('1, 2: include follows parameters, conditions and both', (t) => {
  for (const line of [
    'include ${_PWD}/d/*.conf',
    '$D=d\ninclude ${D}/one.conf',
    '@lb1 include d/one.conf',
    '@^lb2 include d/*.conf',
    '$I=include d/one.conf\n$I',
  ])
    t.regex(
      file(run(`${instance('')}${line}\n`, included), 'ldirectord.cf'),
      /real=198\.51\.100\.1:80/,
      line,
    );
});

test('1: an undefined parameter in an include is an error, not a missing file', (t) => {
  const result = run(`${instance('')}include \${NOWHERE}/*.conf\n`, included);
  t.deepEqual(codes(result), ['error unresolved-name']);
  t.deepEqual(result.files, []);
});

test('3: DNS_CHECK without a name or with a type other than A never becomes a check that cannot pass', (t) => {
  for (const lines of ['', 'type MX\nname example.com', 'type FOO', 'name example.com']) {
    const result = run(service(real(`DNS_CHECK {\n${lines}\n}`)));
    t.notRegex(file(result, 'ldirectord.cf'), /service=dns/);
    t.deepEqual(fates(result, 'DNS_CHECK'), ['approximated!']);
  }
  const result = run(service(real('DNS_CHECK {\ntype A\nname example.com\n}')));
  t.regex(file(result, 'ldirectord.cf'), /service=dns\n[^]*request="example\.com"/);
});

test('4: statuses that pass in keepalived pass here, with HTTP, TLS and a regular expression', (t) => {
  for (const [written, statuses] of [
    ['status_code 401', [[401, 401]]],
    ['status_code 301-303', [[301, 303]]],
    [
      'status_code 400-401 503',
      [
        [400, 401],
        [503, 503],
      ],
    ],
    ['', [[200, 299]]],
  ] as const)
    for (const kind of ['HTTP_GET', 'SSL_GET'])
      for (const regex of ['', 'regex "o+k"']) {
        const result = run(service(real(`${kind} {\nurl {\npath /x\n${written}\n${regex}\n}\n}`)));
        const virtual = loadWritten(result.files, context).cluster?.ldirectord[0]?.virtuals[0];
        t.deepEqual(virtual?.statuses, statuses, `${kind} ${written}`);
        t.like(virtual, {service: kind === 'SSL_GET' ? 'https' : 'http', request: '/x'});
        t.is(virtual?.receive, regex === '' ? undefined : 'o+k');
        t.deepEqual(fates(result, kind), ['exact']);
      }
});

test('4: a server with different statuses keeps them', (t) => {
  const web = (codesWritten: string): string =>
    `HTTP_GET {\nurl {\npath /\nstatus_code ${codesWritten}\n}\n}`;
  const result = run(service(real(web('200'), 1) + real(web('401 404'), 2) + real(web('200'), 3)));
  const reals = loadWritten(result.files, context).cluster?.ldirectord[0]?.virtuals[0]?.reals ?? [];
  t.deepEqual(
    reals.map(({check}) => check?.statuses),
    [
      undefined,
      [
        [401, 401],
        [404, 404],
      ],
      undefined,
    ],
  );
});

test('a web check without a page and a url without a path are left out, as in keepalived', (t) => {
  for (const block of ['HTTP_GET {\n}', 'SSL_GET {\nurl {\nstatus_code 200\n}\n}']) {
    const result = run(service(real(block)));
    t.regex(file(result, 'ldirectord.cf'), /checktype=on/, block);
    t.true(codes(result).includes('warning missing-value'));
    t.deepEqual(fates(result, block.slice(0, 8)), ['not']);
  }
  const second = run(service(real('HTTP_GET {\nurl {\n}\nurl {\npath /b\n}\n}')));
  t.regex(file(second, 'ldirectord.cf'), /request="\/b"/);
});

test('advert_int: decimals without a leading 0, whole seconds in VRRP 2, steps of 10 ms in VRRP 3, bounds', (t) => {
  for (const [lines, keepalive] of [
    ['version 3\nadvert_int .5', '500ms'],
    ['version 3\nadvert_int 0.014', '10ms'],
    ['version 3\nadvert_int 100', '40950ms'],
    ['version 3\nadvert_int 0.001', '1'],
    ['advert_int .5', '1'],
    ['advert_int 1.4', '1'],
    ['advert_int 1.5', '2'],
    ['advert_int 300', '1'],
  ] as const)
    t.regex(file(run(instance(lines)), 'ha.cf'), new RegExp(`^keepalive ${keepalive}$`, 'm'), lines);
});

test('a reversed script is inverted, and a reversed interface is not tracked', (t) => {
  const tracks = 'track_script {\na\nb weight -2 reverse\nc weight 5 noreverse\n}';
  const text = `vrrp_script a {\nscript /bin/a\nweight 5 reverse\n}\nvrrp_script b {\nscript /bin/b\n}\nvrrp_script c {\nscript /bin/c\nweight 5 reverse\n}\n`;
  const result = run(text + instance(`${tracks}\ntrack_interface {\neth7 weight 5 reverse\n}`));
  t.regex(file(result, 'track-a'), /^! \/bin\/a$/m);
  t.regex(file(result, 'track-b'), /^! \/bin\/b$/m);
  t.regex(file(result, 'ha.cf'), /^hactl_track_script 1 \/bin\/c$/m);
  t.notRegex(file(result, 'ha.cf'), /eth7/);
  t.deepEqual(fates(result, 'eth7'), ['not!']);
});

test('tracked scripts must be defined above, as in keepalived', (t) => {
  const script = 'vrrp_script a {\nscript /bin/a\n}\n';
  const tracking = instance('track_script {\na\n}');
  t.regex(file(run(script + tracking), 'ha.cf'), /hactl_track_script/);
  const below = run(tracking + script);
  t.notRegex(file(below, 'ha.cf'), /hactl_track_script/);
  t.true(codes(below).includes('warning unresolved-name'));
});

test('vrrp_script: the interval is in whole seconds, as in keepalived', (t) => {
  const text = (interval: string): string =>
    `vrrp_script a {\nscript /bin/a\ninterval ${interval}\n}\n${instance('track_script {\na\n}')}`;
  for (const [interval, every] of [
    ['3', '3'],
    ['0.5', '1'],
    ['0', '1'],
  ] as const)
    t.regex(file(run(text(interval)), 'ha.cf'), new RegExp(`^hactl_track_script ${every} `, 'm'), interval);
});

test('a granularity of the other family drops the service, as the kernel refuses it', (t) => {
  const result = run(
    `virtual_server_group G {\n192.0.2.1 80\n2001:db8::1 80\n}\nvirtual_server group G {\nprotocol TCP\npersistence_granularity 255.255.255.0\n${real('')}}\n`,
  );
  t.regex(file(result, 'ldirectord.cf'), /virtual=192\.0\.2\.1:80/);
  t.notRegex(file(result, 'ldirectord.cf'), /2001:db8/);
  t.deepEqual(fates(result, 'virtual_server 2001:db8::1'), ['not!']);
});

test('20: a comment that ends a definition in keepalived gives a warning, a continued one does not', (t) => {
  const text = (comment: string): string =>
    `$R= \\\n weight 3 \\\n${comment}\n TCP_CHECK { \\\n }\n${service(real('$R'))}`;
  t.true(codes(run(text('# c'))).includes('warning bad-value'));
  t.deepEqual(
    codes(run(text('# c \\'))).filter((code) => code.endsWith('bad-value')),
    [],
  );
  t.regex(file(run(text('# c')), 'ldirectord.cf'), /masq 3\n[^]*checktype=connect/);
});

test('5: the script of misc_dynamic prints the weight, and ha.cf enables it', (t) => {
  const text =
    instance('') + service(real('MISC_CHECK {\nmisc_path "/usr/local/bin/load x"\nmisc_dynamic\n}'));
  const result = run(text);
  t.regex(file(result, 'ha.cf'), /^hactl_dynamic_weight on$/m);
  t.regex(file(result, 'check-192.0.2.1-80-tcp'), /\) dynamic \/usr\/local\/bin\/load x ;;/);
});

test('6: connect_port equal to the server’s port needs no checkport; others are set per server', (t) => {
  const check = (port: number): string => `TCP_CHECK {\nconnect_port ${port}\n}`;
  const own = file(run(service(real(check(8001), 1, 8001) + real(check(8002), 2, 8002))), 'ldirectord.cf');
  t.notRegex(own, /checkport|hactl_check/);
  const same = file(run(service(real(check(9), 1) + real(check(9), 2))), 'ldirectord.cf');
  t.regex(same, /^\tcheckport=9$/m);
  const differing = file(run(service(real(check(9), 1) + real(check(10), 2))), 'ldirectord.cf');
  t.regex(differing, /^\tcheckport=9$/m);
  t.regex(differing, /hactl_check=198\.51\.100\.2:80 .*checkport=10/);
});

test('7: each server keeps its own kind of check', (t) => {
  const misc = 'MISC_CHECK {\nmisc_path /bin/chk\n}';
  const result = run(service(real(misc, 1) + real('TCP_CHECK {\n}', 2) + real('', 3)));
  const virtual = loadWritten(result.files, context).cluster?.ldirectord[0]?.virtuals[0];
  t.deepEqual(
    [virtual?.checkType.kind, ...(virtual?.reals ?? []).map(({check}) => check?.checkType?.kind)],
    ['external', undefined, 'connect', 'on'],
  );
  const web = run(
    service(real('HTTP_GET {\nurl {\npath /\n}\n}', 1) + real('SSL_GET {\nurl {\npath /s\n}\n}', 2, 443)),
  );
  t.regex(
    file(web, 'ldirectord.cf'),
    /hactl_check=198\.51\.100\.2:443 checktype=negotiate service=https checkport=443 .*request="\/s"/,
  );
});

test('8: the exit status of a notify script is ignored', (t) => {
  const text = file(
    run(instance('notify_master "/gone.sh x"\nnotify_backup /also/gone')),
    'resource.d/notify-V',
  );
  t.regex(text, /\/gone\.sh x \|\| :/);
  t.regex(text, /\/also\/gone \|\| :/);
  t.notRegex(text, /exit \$status/);
});

/** The imports of both directors, each with its own file and name, and with the peer's file if `hasPeerFile`. */
function pair(local: string, remote: string, hasPeerFile: boolean): [ImportResult, ImportResult] {
  const peerFile = (text: string): Partial<ImportContext> =>
    hasPeerFile ? {peerSource: {path: 'p.conf', text}} : {};
  return [
    run(local, peerFile(remote)),
    run(remote, {node: 'lb2', peer: 'lb1', configId: 'lb2', ...peerFile(local)}),
  ];
}
const differences = ([local, remote]: [ImportResult, ImportResult]): string[] => {
  const facts = (result: ImportResult, node: string): Map<string, string> => {
    const {cluster} = loadWritten(result.files, {...context, node});
    return new Map(cluster ? pairFacts(cluster).map(({directive, value}) => [directive, value]) : []);
  };
  const [lb1, lb2] = [facts(local, 'lb1'), facts(remote, 'lb2')];
  return [...new Set([...lb1.keys(), ...lb2.keys()])].filter((key) => lb1.get(key) !== lb2.get(key));
};
const auth = ' authentication {\n auth_type PASS\n auth_pass abc\n }';
const member = (state: string, priority: number, more = ''): string =>
  instance(` state ${state}\n priority ${priority}\n${auth}\n${more}`);

for (const [name, local, remote] of [
  ['MASTER 150 and BACKUP 100', member('MASTER', 150), member('BACKUP', 100)],
  ['MASTER 100 and BACKUP 50', member('MASTER', 100), member('BACKUP', 50)],
  ['BACKUP 150 and BACKUP 100', member('BACKUP', 150), member('BACKUP', 100)],
  [
    'version 3',
    member('MASTER', 200, 'version 3\nadvert_int 0.2'),
    member('BACKUP', 90, 'version 3\nadvert_int 0.2'),
  ],
] as const)
  test(`9, 10: both directors’ imports agree and prefer lb1: ${name}`, (t) => {
    const results = pair(local, remote, false);
    t.deepEqual(differences(results), []);
    for (const result of results) t.regex(file(result, 'haresources'), /^lb1 /m);
  });

for (const [name, local, remote, preferred] of [
  ['MASTER 200, BACKUP 150', member('MASTER', 200), member('BACKUP', 150), 'lb1'],
  ['state and priority contradict each other', member('MASTER', 90), member('BACKUP', 150), 'lb2'],
  ['nopreempt on one side', member('BACKUP', 150, 'nopreempt'), member('BACKUP', 140), 'lb1'],
  ['MASTER 50, BACKUP 40', member('MASTER', 50), member('BACKUP', 40), 'lb1'],
  ['preempt_delay on one side', member('BACKUP', 101, 'preempt_delay 30'), member('BACKUP', 100), 'lb1'],
] as const)
  test(`9, 10: with the peer’s file the two imports are equal: ${name}`, (t) => {
    const results = pair(local, remote, true);
    t.deepEqual(differences(results), []);
    for (const result of results) t.regex(file(result, 'haresources'), new RegExp(`^${preferred} `, 'm'));
  });

test('10: priorities within one file set the preferred nodes', (t) => {
  const two = (first: number, second: number): string =>
    instance(` priority ${first}`, 'A') +
    instance(` priority ${second}`, 'B').replace('192.0.2.1', '192.0.2.2');
  t.regex(file(run(two(101, 100)), 'haresources'), /^lb1 .*192\.0\.2\.1\/[^]*^lb2 .*192\.0\.2\.2\//m);
  t.regex(file(run(two(140, 150)), 'haresources'), /^lb2 .*192\.0\.2\.1\/[^]*^lb1 .*192\.0\.2\.2\//m);
});

test('11: nopreempt and preempt_delay have no effect with state MASTER', (t) => {
  const result = run(member('MASTER', 100, 'nopreempt\npreempt_delay 60'));
  t.regex(file(result, 'ha.cf'), /^auto_failback on$/m);
  t.notRegex(file(result, 'ha.cf'), /preempt_delay/);
  t.deepEqual(fates(result, 'nopreempt'), ['not']);
});

for (const [lines, check, refuses, silent] of [
  ['delay_loop 60', 'retry 3\ndelay_before_retry 1\nconnect_timeout 3', 63, 75],
  ['delay_loop 30', 'retry 3', 33, 53],
  ['delay_loop 6', '', 7, 17],
  ['delay_loop 10', 'nb_get_retry 3', 11, 21],
] as const)
  test(`12: a failed server is removed as soon as in keepalived: ${lines}, ${check.replaceAll('\n', ', ')}`, (t) => {
    const result = run(service(real(`TCP_CHECK {\n${check}\n}`), lines));
    const virtual = loadWritten(result.files, context).cluster?.ldirectord[0]?.virtuals[0];
    const local = ((virtual?.checkInterval ?? 0) * (virtual?.failureCount ?? 0)) / 1_000;
    t.true(Math.abs(local - refuses) <= refuses / 10, `${local} s instead of ${refuses}`);
    const note = result.report.find((line) => line.what.startsWith('time to take'))?.message ?? '';
    t.true(note.includes(`at most ${refuses} s`) && note.includes(`${silent} s if`), note);
  });

test('13: deadtime depends on version 3, wherever it is set', (t) => {
  for (const text of [
    `global_defs {\n vrrp_version 3\n}\n${member('MASTER', 100, 'advert_int 0.1')}`,
    member('MASTER', 100, 'version 3\nadvert_int 0.1'),
    member('MASTER', 100, 'advert_int 0.1').replace('192.0.2.1/24', '2001:db8::1/64'),
  ])
    t.regex(file(run(text), 'ha.cf'), /^deadtime 36[12]ms$/m);
});

test('14: weight of a virtual_server is the default of its servers', (t) => {
  const text = file(run(service(real('', 1) + real('weight 3', 2), 'weight 7')), 'ldirectord.cf');
  t.regex(text, /real=198\.51\.100\.1:80 masq 7\n\treal=198\.51\.100\.2:80 masq 3\n/);
});

test('15: tracking is carried over', (t) => {
  const result = run(
    'vrrp_script chk {\n script "/usr/bin/killall -0 haproxy"\n interval 2\n}\n' +
      'vrrp_script slow {\n script "pidof x"\n fall 3\n rise 2\n}\n' +
      'vrrp_track_process proxy {\n process haproxy\n}\n' +
      instance(
        ' track_script {\n chk\n slow weight 5\n gone\n }\n track_process {\n proxy\n }\n track_interface {\n eth1 weight -2\n }',
      ),
  );
  const ha = file(result, 'ha.cf');
  t.regex(ha, /^hactl_track_interface eth0 eth1$/m);
  t.regex(ha, /^hactl_track_script 2 \/usr\/bin\/killall -0 haproxy$/m);
  t.regex(ha, /^hactl_track_script 1 \/etc\/ha\.d\/track-slow$/m);
  t.regex(ha, /^hactl_track_script 1 \/etc\/ha\.d\/track-proxy$/m);
  t.regex(file(result, 'track-slow'), /needed=2; else now=0; needed=3/);
  t.deepEqual(fates(result, 'vrrp_script chk'), ['exact']);
  t.true(codes(result).includes('warning unresolved-name'));
  t.notRegex(file(run(instance(' dont_track_primary')), 'ha.cf'), /track_interface/);
});

test('16: lvs_sync_daemon_interface of an instance sets the sync daemon', (t) => {
  t.regex(
    file(run(instance(' lvs_sync_daemon_interface eth1')), 'haresources'),
    /LVSSyncDaemonSwap::master::eth1::5/,
  );
});

test('17: nothing that is left out is reported as exact', (t) => {
  const twice = run(
    service(real('')) + service(real('weight 9\nTCP_CHECK {\nconnect_port 22\n}', 2), 'lb_algo rr'),
  );
  for (const what of ['weight 9', 'connect_port 22', 'TCP_CHECK', 'lb_algo rr', 'real_server 198.51.100.2'])
    t.deepEqual(fates(twice, what), ['not'], what);
  const both = run(service(real('HTTP_GET {\nurl {\npath /\n}\n}\nTCP_CHECK {\nconnect_port 22\n}')));
  t.deepEqual(fates(both, 'connect_port 22'), ['not']);
  t.deepEqual(fates(both, 'TCP_CHECK'), ['not!']);
  const again = run(instance('') + instance('').replace('192.0.2.1', '192.0.2.9'));
  t.deepEqual(fates(again, '192.0.2.9/24'), ['not']);
  t.notRegex(file(again, 'haresources'), /192\.0\.2\.9/);
});

test('18: mail addresses with names, and mail servers with IPv6 and ports', (t) => {
  const mail = (lines: string): string =>
    file(run(`global_defs {\n${lines}\n}\n${service(real(''))}`), 'ldirectord.cf');
  t.regex(
    mail('notification_email {\n "Ops Team <ops@example.com>"\n b@example.com\n}'),
    /^emailalert="ops@example\.com, b@example\.com"$/m,
  );
  t.regex(
    mail('notification_email {\n a@b.example\n}\nsmtp_server 2001:db8::25'),
    /^smtp=\[2001:db8::25\]$/m,
  );
  t.regex(
    mail('notification_email {\n a@b.example\n}\nsmtp_server 192.0.2.25 587'),
    /^smtp=192\.0\.2\.25:587$/m,
  );
});

test('19: keepalived ignores a method in lower case, with a warning', (t) => {
  const result = run(service(real('lvs_method tun')).replace('lb_kind NAT', 'lb_kind dr'));
  t.regex(file(result, 'ldirectord.cf'), /real=198\.51\.100\.1:80 masq/);
  t.deepEqual(codes(result), ['warning bad-method', 'warning bad-method']);
});

test('20, 21: comment lines in definitions, parameters of ~SEQ, ~SEQ after a brace, \\#', (t) => {
  const text = `$VI= \\\n${instance('').trimEnd().replaceAll('\n', ' \\\n# a comment { \\\n')}\n$VI\n`;
  t.regex(file(run(text), 'haresources'), /192\.0\.2\.1/);
  for (const line of ['~SEQ(H, $FROM, $TO) $RS', '~SEQ(H, ${FROM}, 1, ${TO}) $RS']) {
    const many = `$RS=real_server 198.51.100.$H 80 { }\n$FROM=1\n$TO=3\n${service(line)}`;
    t.is(file(run(many), 'ldirectord.cf').match(/real=/g)?.length, 3, line);
  }
  const inline = 'virtual_server 192.0.2.1 80 { ~SEQ(H, 2) real_server 198.51.100.$H 80 { }\n}\n';
  t.is(file(run(inline), 'ldirectord.cf').match(/real=/g)?.length, 2);
});

test('22: mistakes that keepalived tolerates are imported without errors', (t) => {
  const sound = [
    instance(' state SLAVE'),
    instance(' nopreempt 1'),
    instance(' priority 999\n advert_int x'),
    `${instance('')}vrrp_sync_group G {\n group {\n V\n W\n }\n}\n`,
    instance('').replace(/\}\n$/, ''),
    `${instance('')}}\n`,
    service(real(''), 'quorum 0\npersistence_granularity 1.2.3\nlb_algo xx\ndelay_loop abc'),
    service(real('weight x') + real('', 300) + real('', 2, 99_999), 'sorry_server 10.1 80'),
    service(real('')) + 'virtual_server 300.1.1.1 80 {\n}\n',
  ];
  for (const text of sound) {
    const result = run(text);
    t.true(result.files.length > 0, text);
    t.deepEqual(
      codes(result).filter((code) => code.startsWith('error')),
      [],
      text,
    );
  }
  t.regex(file(run(instance(' state SLAVE')), 'haresources'), /^lb2 /m);
});

test('23: a plain file may have any number of lines', (t) => {
  const reals = Array.from({length: 200}, (_, index) =>
    real(`#${'\n#'.repeat(300)}`, 1 + (index % 250), 1_000 + index),
  );
  const result = run(service(reals.join('')));
  t.is(file(result, 'ldirectord.cf').match(/real=/g)?.length, 200);
});

test('25: a diagnostic about a written line points to its line of the source', (t) => {
  const {diagnostics} = run(`${instance('')}${service(real('')).replace('192.0.2.1', '192.0.2.7')}`);
  t.deepEqual(
    diagnostics.map(({code, span}) => `${span.file} ${code} ${span.start > 0}`),
    ['k.conf virtual-without-address true'],
  );
});

test('29: SMTP_CHECK’s host, groups without members, addresses of the other family, long labels, _RANDOM', (t) => {
  t.regex(
    file(run(service(real('SMTP_CHECK {\nhost {\nconnect_port 2526\n}\n}'))), 'ldirectord.cf'),
    /checkport=2526/,
  );
  const lone = run(`${instance('')}vrrp_sync_group G {\n V\n}\n`);
  t.deepEqual(fates(lone, 'vrrp_sync_group'), ['not!']);
  const odd = run(
    instance('').replace(
      '192.0.2.1/24',
      '192.0.2.1/24\n  2001:db8::1/64\n  192.0.2.2/24 dev eth0 label eth0:averylonglabel',
    ),
  );
  t.regex(file(odd, 'haresources'), /^lb2 IPaddr2::192\.0\.2\.1\/24\/eth0$/m);
  t.is(codes(odd).filter((code) => code.startsWith('warning')).length, 2);
  const random = run(instance(' priority ${_RANDOM 1 10}'));
  t.regex(random.diagnostics[0]?.message ?? '', /random number/);
  const nbsp = run(service(real('')).replace('real_server 198', 'real_server\u00A0198'));
  t.true(codes(nbsp).includes('warning invisible-character'));
  t.deepEqual(nbsp.files, []);
  const mailed = run(`global_defs {\n notification_email {\n a@b.example\n }\n}\n${instance(' smtp_alert')}`);
  t.regex(file(mailed, 'haresources'), /MailTo::a@b\.example::keepalived/);
  const local = run(`global_defs {\n notification_email {\n root\n }\n smtp_alert\n}\n${instance('')}`);
  t.regex(file(local, 'haresources'), /MailTo::root@localhost::keepalived/);
});

test('names of Object.prototype are not keywords', (t) => {
  for (const word of ['toString', 'constructor', '__proto__', 'hasOwnProperty'])
    t.notThrows(() =>
      run(`${word} 1\nglobal_defs {\n ${word}\n}\n${service(`lb_algo ${word}\n${real(word)}`)}`),
    );
});
