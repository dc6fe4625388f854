/** Every configuration file of the seeds, whole and broken (the seeds' checklist, part A). */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  applyFixes,
  checkFiles,
  loadCluster,
  parseAuthkeys,
  parseHaCf,
  parseHaresources,
  parseLdirectordCf,
  position,
  renderDiagnostic,
  type Diagnostic,
  type DiagnosticCode,
  type Mode,
} from './index.ts';

const folder = path.resolve(import.meta.dirname, '../../../test/fixtures/seeds');
const seed = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const resolve = {host: () => undefined, service: (name: string) => ({http: 80})[name]};
const cf = (text: string, mode: Mode) => parseLdirectordCf({path: 'x.cf', text}, {mode, resolve});
const line = (text: string, diagnostic: Diagnostic): number => position(text, diagnostic.span.start).line;
const messagesOf = (text: string, diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code} ${line(text, diagnostic)}`);
const errors = (text: string, diagnostics: readonly Diagnostic[]): string[] =>
  messagesOf(
    text,
    diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
  );

for (const name of [
  's000_globals.cf',
  's000_http.cf',
  's000_solr.cf',
  's001_tab.cf',
  's004_tab_fixedquote.cf',
])
  test(`${name}: accepted in both modes without a diagnostic`, (t) => {
    for (const mode of ['strict', 'lenient'] as const)
      t.deepEqual(
        cf(seed(name), mode).diagnostics.filter((diagnostic) => diagnostic.code !== 'trailing-text'),
        [],
      );
  });

test('A2: the HTTP cluster', (t) => {
  const [virtual] = cf(seed('s000_http.cf'), 'strict').model.virtuals;
  t.like(virtual, {
    scheduler: 'wrr',
    request: '/index.html',
    receive: 'OK',
    service: 'http',
    quiescent: false,
  });
  t.deepEqual(
    virtual?.reals.map(({address, weight, method}) => [address, weight, method]),
    [
      ['192.168.1.203', 1, 'gate'],
      ['192.168.1.204', 2, 'gate'],
    ],
  );
  t.like(virtual?.fallback, {address: '192.168.1.205', port: 80, method: 'gate', weight: 1});
  t.is(virtual?.checkTimeout, 5_000);
  t.is(virtual?.checkInterval, 10_000);
});

test('A4: a weight on a fallback is refused in strict mode, as in ldirectord, and accepted in lenient mode', (t) => {
  const text = seed('s000_mysql1.cf');
  t.deepEqual(errors(text, cf(text, 'strict').diagnostics), ['error fallback-weight 10']);
  const lenient = cf(text, 'lenient');
  t.deepEqual(errors(text, lenient.diagnostics), []);
  t.like(lenient.model.virtuals[0], {
    fallback: {address: '192.168.1.101', weight: 1},
    checkType: {kind: 'external'},
  });
  t.is(lenient.model.virtuals[0]?.reals[0]?.weight, 100);
});

test('A5: negociate', (t) => {
  const text = seed('s000_mysql2.cf');
  t.deepEqual(errors(text, cf(text, 'strict').diagnostics), [
    'error fallback-weight 10',
    'error misspelled 15',
  ]);
  const {model, diagnostics} = cf(text, 'lenient');
  t.deepEqual(errors(text, diagnostics), []);
  t.like(model.virtuals[0], {
    checkType: {kind: 'negotiate'},
    login: 'monitoring',
    database: 'pavnay',
    receive: '1',
    request: 'SELECT 1;',
  });
});

test('A6: a service’s own checkinterval is honoured, and the difference from ldirectord reported', (t) => {
  const text = seed('s000_smtp.cf');
  const {model, diagnostics} = cf(text, 'lenient');
  t.is(model.virtuals[0]?.checkInterval, 30_000);
  t.true(messagesOf(text, diagnostics).includes('warning ignored-directive 11'));
});

for (const [flat, tab] of [
  ['s001_flat.cf', 's001_tab.cf'],
  ['s004_flat.cf', 's004_tab_fixedquote.cf'],
] as const)
  test(`A8, A11: ${flat} is read like ${tab}, and --fix writes it that way`, (t) => {
    const text = seed(flat);
    t.true(errors(text, cf(text, 'strict').diagnostics).length > 0);
    const lenient = cf(text, 'lenient');
    t.deepEqual(errors(text, lenient.diagnostics), []);
    const plain = (model: unknown): unknown =>
      JSON.parse(JSON.stringify(model, (key, value: unknown) => (key === 'span' ? undefined : value)));
    t.deepEqual(plain(lenient.model), plain(cf(seed(tab), 'strict').model));
    t.deepEqual(cf(applyFixes(text, lenient.diagnostics), 'strict').diagnostics, []);
  });

test('A10: a typographic quote is repaired', (t) => {
  const text = seed('s004_tab.cf');
  t.deepEqual(errors(text, cf(text, 'strict').diagnostics), ['error typographic-quote 15']);
  t.is(cf(text, 'lenient').model.virtuals[0]?.receive, 'It Works!');
});

test('A12: one node, a missing ipfail and two media are accepted', (t) => {
  const {model, diagnostics} = parseHaCf({path: 'ha.cf', text: seed('s001_ha.cf')}, {mode: 'lenient'});
  t.deepEqual(errors(seed('s001_ha.cf'), diagnostics), []);
  t.like(model, {keepalive: 2_000, deadtime: 10_000, ipfail: true, autoFailback: 'on'});
  t.deepEqual(
    model.media.map((medium) => medium.kind),
    ['bcast', 'mcast'],
  );
  t.deepEqual(
    model.nodes.map((node) => node.name),
    ['ld.example.com'],
  );
});

test('A13: authkeys of mode 644 are refused', (t) => {
  const text = seed('s001_authkeys');
  t.deepEqual(
    errors(text, parseAuthkeys({path: 'authkeys', text, mode: 0o600}, {mode: 'lenient'}).diagnostics),
    [],
  );
  t.deepEqual(
    errors(text, parseAuthkeys({path: 'authkeys', text, mode: 0o644}, {mode: 'lenient'}).diagnostics),
    ['error bad-permissions 1'],
  );
});

test('A14, A15: haresources', (t) => {
  const parsed = parseHaresources({path: 'haresources', text: seed('s001_haresources')}, {mode: 'strict'});
  t.deepEqual(parsed.diagnostics, []);
  t.deepEqual(
    parsed.model.groups[0]?.resources.map((resource) => resource.type),
    ['ldirectord', 'LVSSyncDaemonSwap', 'IPaddr2'],
  );
  t.like(parsed.model.groups[0]?.resources[2]?.vip, {
    address: '10.10.10.53',
    prefixLength: 24,
    device: 'eth0',
    broadcast: '10.10.10.255',
  });
  const text = seed('s004_haresources');
  t.deepEqual(errors(text, parseHaresources({path: 'haresources', text}, {mode: 'strict'}).diagnostics), [
    'error misspelled 1',
  ]);
  const lenient = parseHaresources({path: 'haresources', text}, {mode: 'lenient'});
  t.deepEqual(messagesOf(text, lenient.diagnostics), ['notice misspelled 1']);
  t.is(lenient.model.groups[0]?.resources[0]?.type, 'IPaddr');
});

// ------------------------------------------------------------------------------------------------ broken variants

type Broken = readonly [find: string, put: string, code: DiagnosticCode, place: string];

const variants: Readonly<Record<string, readonly Broken[]>> = {
  's000_http.cf': [
    ['checktimeout=5 ', 'checktimeout=0', 'bad-value', '1:14'],
    ['checkinterval=10', 'checkintervall=10', 'unknown-directive', '2:1'],
    ['autoreload=no', 'autoreload=perhaps', 'bad-value', '3:12'],
    ['192.168.1.225:80 ', '192.168.1.325:80 ', 'bad-address', '7:9'],
    ['192.168.1.225:80 ', '192.168.1.225 ', 'fwmark-without-port', '7:9'],
    ['gate 1', 'route 1', 'bad-method', '8:17'],
    ['192.168.1.204:80', '192.168.1.204:99999', 'bad-port', '9:17'],
    ['service=http', 'service=hyper-text', 'bad-value', '10:20'],
    ['receive="OK"', 'receive="(OK"', 'bad-regex', '12:20'],
    ['protocol=tcp', 'protocol=fwm', 'protocol-mismatch', '14:21'],
  ],
  's001_tab.cf': [
    ['checktimeout=30', 'checktimeout=soon', 'bad-value', '1:14'],
    ['quiescent=no', 'quiescent=sometimes', 'bad-value', '5:11'],
    ['logfile=', 'logflie=', 'unknown-directive', '4:1'],
    ['10.10.10.53:80', '10.10.10.53:nosuch', 'bad-port', '6:9'],
    ['127.0.0.1:80', '127.0.0:80', 'bad-address', '7:11'],
    ['102:80 gate', '102:80', 'bad-method', '8:7'],
    ['httpmethod=GET', 'httpmethod=POST', 'bad-value', '12:13'],
    ['persistent=100', 'persistent=long', 'bad-value', '14:13'],
    ['scheduler=lblc', 'scheduler=l-b', 'trailing-text', '15:12'],
    ['checktype=negotiate', 'checktype=sometimes', 'bad-value', '17:12'],
  ],
  's004_tab_fixedquote.cf': [
    ['checkinterval=1', 'checkinterval=', 'bad-value', '2:15'],
    ['fallback=127.0.0.1:80\n', 'fallback=nowhere.invalid:80\n', 'unresolved-name', '3:10'],
    ['autoreload=yes', 'autoreload', 'unknown-directive', '4:1'],
    ['quiescent=yes', 'timeout=5', 'refused-directive', '7:1'],
    ['192.168.0.100:80', '[::1]:80', 'bad-address', '8:9'],
    ['192.168.0.51:80 gate', '192.168.0.51:80 gate 1.5', 'bad-value', '10:7'],
    ['fallback=127.0.0.1:80 gate', 'fallback=127.0.0.1:80 gait', 'bad-method', '12:11'],
    ['virtualhost', 'autoreload', 'unknown-directive', '16:2'],
    ['scheduler=rr', 'scheduler=', 'bad-value', '17:12'],
    ['protocol=tcp', 'checkport=0', 'bad-value', '18:12'],
  ],
  's001_ha.cf': [
    ['keepalive 2', 'keepalive two', 'bad-value', '4:11'],
    ['keepalive 2', 'keepalive 6', 'interval-order', '5:10'],
    ['deadtime 10', 'deadtime', 'missing-value', '5:1'],
    ['bcast eth0', 'serial /dev/ttyS0', 'refused-directive', '6:1'],
    ['225.0.0.1', '10.0.0.1', 'bad-value', '7:12'],
    ['694 1 0', '694 1', 'missing-value', '7:1'],
    ['694 1 0', '69400 1 0', 'bad-value', '7:22'],
    ['auto_failback on', 'auto_failback maybe', 'bad-value', '8:15'],
    ['auto_failback on', 'auto_failbak on', 'unknown-directive', '8:1'],
    ['/usr/lib/heartbeat/ipfail', 'program', 'bad-value', '9:19'],
  ],
  s001_haresources: [
    ['10.10.10.53/', '10.10.10.530/', 'bad-address', '1:77'],
    ['/24/', '/33/', 'bad-value', '1:89'],
    ['/eth0/', '/et!h0/', 'bad-value', '1:92'],
    ['Swap::master', 'Swap::boss', 'bad-value', '1:42'],
    ['LVSSyncDaemonSwap::master', 'AudibleAlarm', 'refused-directive', '1:42'],
    ['ld.example.com ldir', 'ld.example.com\nldir', 'missing-value', '1:1'],
    ['10.10.10.255', '10.10.10.256', 'bad-value', '1:97'],
    ['IPaddr2::10.10.10.53/24', 'IPaddr2::/24', 'bad-address', '1:77'],
    ['IPaddr2::10.10.10.53', 'IPadr2::10.10.10.53', 'misspelled', '1:68'],
    ['/eth0/', '/eth0/eth1/', 'bad-value', '1:97'],
  ],
  s004_haresources: [
    ['192.168.0.100', '192.168.0', 'bad-address', '1:23'],
    ['/24/', '/255.255.0.255/', 'bad-value', '1:37'],
    ['/eth0', '/eth0/eth1/eth2', 'bad-value', '1:45'],
    ['Ipaddr::192.168.0.100', 'Ipaddr::', 'bad-address', '1:23'],
    ['ldirectord::/etc/ha.d/ldirectord.cf', 'LVSSyncDaemonSwap', 'bad-value', '1:45'],
    ['ldirectord::/etc/ha.d/ldirectord.cf', 'audiblealarm', 'misspelled', '1:45'],
    ['Ipaddr::192.168.0.100/24/eth0 ldirectord::/etc/ha.d/ldirectord.cf', '', 'missing-value', '1:1'],
    ['100/24/eth0', '100/99/eth0', 'bad-value', '1:37'],
    ['100/24/eth0', '300/24/eth0', 'bad-address', '1:23'],
    ['100/24/eth0', '100/x/eth0', 'bad-value', '1:37'],
  ],
  s001_authkeys: [
    ['auth 3', 'auth 2', 'missing-key', '1:1'],
    ['auth 3', 'auth 99', 'bad-value', '1:1'],
    ['auth 3\n', '', 'missing-key', '1:1'],
    ['3 md5 some', '3 md6 some', 'bad-value', '2:1'],
    ['md5 somerandomstring', 'md5', 'missing-value', '2:1'],
    ['md5 somerandomstring', 'crc somerandomstring', 'bad-value', '2:1'],
    ['3 md5', '16 md5', 'bad-value', '2:1'],
    ['3 md5', 'key3 md5', 'bad-value', '2:1'],
    ['3 md5 somerandomstring', '3 md5 a\n3 sha1 b', 'duplicate-resource', '3:1'],
    ['auth 3', 'auth', 'bad-value', '1:1'],
  ],
};

const judge = (
  name: string,
  text: string,
): {diagnostics: readonly Diagnostic[]; sources: ReadonlyMap<string, {text: string}>} =>
  checkFiles({
    paths: [name],
    read: () => ({text, mode: 0o600}),
    mode: 'lenient',
    resolve,
  });

for (const [name, rows] of Object.entries(variants))
  for (const [find, put, code, location] of rows)
    test(`${name} with ${JSON.stringify(put)} for ${JSON.stringify(find)}`, (t) => {
      const good = seed(name);
      t.true(good.includes(find), 'the variant changes something');
      const text = good.replace(find, put);
      const {diagnostics, sources} = judge(name, text);
      const found = diagnostics.map((diagnostic) => {
        const {line: row, column} = position(text, diagnostic.span.start);
        return `${diagnostic.code} ${row}:${column}`;
      });
      t.true(found.includes(`${code} ${location}`), found.join(', '));
      const diagnostic = diagnostics.find((each) => each.code === code);
      t.truthy(diagnostic?.help);
      t.regex(
        diagnostic ? renderDiagnostic(diagnostic, sources) : '',
        new RegExp(`^${name}:\\d+:\\d+: (error|warning|notice)\\[${code}\\]`),
      );
    });

test('a directory with only ldirectord.cf is a single director', (t) => {
  const read = (file: string) =>
    file === '/x/ldirectord.cf' ? {text: seed('s000_http.cf'), mode: 0o644} : undefined;
  const {cluster, diagnostics} = loadCluster({dir: '/x', read, mode: 'lenient', resolve});
  t.is(cluster?.ha, undefined);
  t.is(cluster?.ldirectord[0]?.virtuals.length, 1);
  t.deepEqual(
    diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    [],
  );
});

test('contradictions between files are reported', (t) => {
  const files: Record<string, string> = {
    '/x/ha.cf': seed('s001_ha.cf'),
    '/x/haresources':
      'other.example.com ldirectord::missing.cf IPaddr2::10.10.10.53/24/eth0\nld.example.com 10.10.10.53\n',
    '/x/authkeys': seed('s001_authkeys'),
  };
  const read = (file: string) => {
    const text = files[file];
    return text === undefined ? undefined : {text, mode: 0o600};
  };
  const {diagnostics} = loadCluster({dir: '/x', read, mode: 'lenient', localNode: 'elsewhere', resolve});
  const codes = diagnostics
    .filter((diagnostic) => diagnostic.severity === 'error')
    .map((diagnostic) => diagnostic.code);
  t.deepEqual(codes.toSorted(), ['duplicate-address', 'local-node-missing', 'missing-file', 'unknown-node']);
});

test('any content gives diagnostics, never an exception', (t) => {
  const all = Object.keys(variants);
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.array(fc.tuple(fc.nat(600), fc.string({maxLength: 6})), {maxLength: 8}),
      (name, edits) => {
        let text = seed(name);
        for (const [at, put] of edits)
          text = text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1);
        const {diagnostics, sources} = judge(name, text);
        for (const diagnostic of diagnostics) t.truthy(renderDiagnostic(diagnostic, sources));
        t.is(typeof applyFixes(text, diagnostics), 'string');
      },
    ),
    {numRuns: 1_500},
  );
});
