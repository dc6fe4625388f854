/** The meaning of accepted lines: the values in the model, as ldirectord reads them. */
import test from 'ava';
import {parseLdirectordCf, type Mode} from './index.ts';

const resolve = {host: () => undefined, service: () => undefined};
const cf = (text: string, mode: Mode) => parseLdirectordCf({path: 'x.cf', text}, {mode, resolve});

for (const [line, expected] of [
  ['emailalert=a@b.c', ['a@b.c']],
  ['emailalert="a@b.c"', ['a@b.c']],
  ['emailalert=a@b.c, d@e.f', ['a@b.c', 'd@e.f']],
  ['emailalert="a@b.c","d@e.f"', ['a@b.c', 'd@e.f']],
] as const)
  test(`${line}: ${expected.join(' and ')}`, (t) => {
    t.deepEqual(cf(`${line}\n`, 'strict').model.email.to, [...expected]);
  });

/** Lines of a virtual service in which ldirectord reads less, or more, than expected. */
for (const [line, expected] of [
  ['service=http-proxy', {service: 'http'}],
  ['scheduler=2rr', {scheduler: 'rr'}],
  ['checkport=x81y', {checkPort: 81}],
  ['checktype=ping3', {checkType: {kind: 'combined', connects: 3}}],
  ['persistent=10 minutes', {persistent: 10}],
  ['virtualhost="www.example.org" x', {virtualHost: 'www.example.org'}],
  ['schedflags=sh-port flag-1', {schedFlags: 'sh-port'}],
  ['httpmethod=head,', {httpMethod: 'HEAD'}],
  [
    'fallback=junk 127.0.0.1:81 masq',
    {fallback: {address: '127.0.0.1', port: 81, method: 'masq', weight: 1}},
  ],
  ['fallback=127.1', {fallback: {address: '127.0.0.1', port: 0, method: 'gate', weight: 1}}],
] as const)
  test(`${line}: as ldirectord reads it`, (t) => {
    for (const mode of ['strict', 'lenient'] as const)
      t.like(
        cf(`virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\t${line}\n`, mode).model.virtuals[0],
        expected,
        mode,
      );
  });

test('a real line is searched for its parts, and text between them is reported', (t) => {
  const text = 'virtual=10.0.0.1:80\n\treal=10.0.0.2:81 masq then 5 "/a", "b, c" l:1 u:2\n';
  for (const mode of ['strict', 'lenient'] as const) {
    const {model, diagnostics} = cf(text, mode);
    t.like(model.virtuals[0]?.reals[0], {
      address: '10.0.0.2', port: 81, method: 'masq', weight: 5, request: '/a', receive: 'b, c', lowerThreshold: 1, upperThreshold: 2,
    }); // prettier-ignore
    t.true(
      diagnostics.some(
        (diagnostic) => diagnostic.code === 'trailing-text' && diagnostic.message.includes('then'),
      ),
    );
  }
});

/** hactl's extensions. */
const nanny = (...lines: string[]): string =>
  ['virtual=10.0.0.1:80', 'real=10.0.0.2:80 gate', ...lines].join('\n\t') + '\n';

for (const [lines, expected] of [
  [
    ['hactl_send="GET / HTTP/1.0\\r\\n\\r\\n"', 'hactl_expect="HTTP"'],
    {
      service: 'send-expect',
      sendExpect: {send: 'GET / HTTP/1.0\\r\\n\\r\\n', expect: 'HTTP', regex: false},
    },
  ],
  [
    ['hactl_expect="^220 #[[:alpha:]]"', 'hactl_expect_regex=yes', 'hactl_rise=3'],
    {sendExpect: {expect: '^220 #[[:alpha:]]', regex: true}, rise: 3},
  ],
  [
    ['hactl_send_program="/root/mysql_mon.sh %h"', 'hactl_expect="UP"'],
    {
      checkType: {kind: 'external'},
      checkCommand: '/root/mysql_mon.sh',
      sendProgram: {command: '/root/mysql_mon.sh %h', expect: 'UP'},
      sendExpect: undefined,
    },
  ],
  [['hactl_rise=2'], {service: 'http', sendExpect: undefined, rise: 2}],
  [
    ['service=https', 'hactl_status="200-299 401"'],
    {
      statuses: [
        [200, 299],
        [401, 401],
      ],
    },
  ],
  [['hactl_mysql_key="/etc/ha.d/mysql.pem"'], {mysqlKey: '/etc/ha.d/mysql.pem'}],
] as const)
  test(`${lines.join(' and ')}: accepted in lenient mode, refused in strict mode`, (t) => {
    const {model, diagnostics} = cf(nanny(...lines), 'lenient');
    t.deepEqual(diagnostics, []);
    t.like(model.virtuals[0], expected);
    const refused = cf(nanny(...lines), 'strict').diagnostics;
    t.deepEqual(
      refused.map(({severity, code}) => `${severity} ${code}`),
      lines.flatMap((line) => (line.startsWith('hactl_') ? ['error unknown-directive'] : [])),
    );
  });

for (const [lines, code] of [
  [['hactl_expect="("', 'hactl_expect_regex=yes'], 'error bad-regex'],
  [['hactl_expect="OK"', 'protocol=udp'], 'error protocol-mismatch'],
  [['hactl_expect="OK"', 'service=http'], 'warning ignored-directive'],
  [['hactl_rise=0'], 'error bad-value'],
  [['hactl_send_program="mon.sh %h"'], 'error bad-value'],
  [['hactl_send_program="/m.sh"', 'hactl_send="x"'], 'warning ignored-directive'],
  [['hactl_send_program="/m.sh"', 'checkcommand=/n.sh'], 'warning ignored-directive'],
  [['hactl_status="99"'], 'error bad-value'],
  [['hactl_status="299-200"'], 'error bad-value'],
  [['service=smtp', 'hactl_status="200"'], 'warning ignored-directive'],
  [['hactl_expects="OK"'], 'error unknown-directive'],
] as const)
  test(`${lines.join(' and ')}: ${code}`, (t) => {
    const {diagnostics} = cf(nanny(...lines), 'lenient');
    t.deepEqual(
      diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code}`),
      [code],
    );
  });

for (const [line, expected] of [
  ['checkcommand="/root/x.sh -a";', {checkCommand: '/root/x.sh -a'}],
  ['checkcommand="/root/x.sh" "b"', {checkCommand: '/root/x.sh" "b'}],
  ['fallbackcommand="/root/y.sh" now', {fallbackCommand: '/root/y.sh'}],
  ['monitorfile="/tmp/m" x', {monitorFile: '/tmp/m'}],
  ['fallback=10.0.0.3 :80 gate', {fallback: undefined}],
] as const)
  test(`${line}: what ldirectord takes of it, with a warning`, (t) => {
    for (const mode of ['strict', 'lenient'] as const) {
      const {model, diagnostics} = cf(`virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\t${line}\n`, mode);
      t.like(model.virtuals[0], expected, mode);
      t.deepEqual(
        diagnostics.filter(({severity}) => severity === 'error'),
        [],
        mode,
      );
      if (!line.includes('" "'))
        t.true(
          diagnostics.some(({severity}) => severity === 'warning'),
          mode,
        );
    }
  });

for (const words of [',all', 'starting,,stopping', ', '])
  test(`emailalertstatus=${words}: an empty word is refused in strict mode, as by ldirectord, and stepped over otherwise`, (t) => {
    const errors = (mode: Mode): number =>
      cf(`emailalertstatus=${words}\n`, mode).diagnostics.filter(({severity}) => severity === 'error').length;
    t.is(errors('strict'), words === ', ' ? 0 : 1);
    t.is(errors('lenient'), 0);
  });
