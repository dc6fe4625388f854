/** Rendering of diagnostics: cut to width, no control characters, no secrets; and the cost of positions. */
import test from 'ava';
import {
  checkFiles,
  lineIndex,
  position,
  printable,
  redactDiagnostic,
  renderDiagnostic,
  type Diagnostic,
} from './index.ts';

const resolve = {host: () => undefined, service: () => undefined};

/** All diagnostics of one file, as text and as JSON. */
function shown(file: string, text: string, mode = 0o600): string {
  const {diagnostics, sources} = checkFiles({
    paths: [file],
    read: () => ({text, mode}),
    mode: 'lenient',
    resolve,
  });
  return [
    ...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources)),
    JSON.stringify(diagnostics.map((diagnostic) => redactDiagnostic(diagnostic, sources))),
  ].join('\n');
}

const at = (start: number, end: number): Diagnostic => ({
  code: 'bad-value',
  severity: 'error',
  span: {file: 'x.cf', start, end},
  message: 'wrong',
  help: 'write another',
});
const render = (text: string, start: number, end: number): string[] =>
  renderDiagnostic(at(start, end), new Map([['x.cf', {text}]])).split('\n');

test('the line index gives the same positions as counting lines', (t) => {
  const text = 'a\n\nbc\r\n\tdé\n';
  const index = lineIndex(text);
  for (let offset = 0; offset <= text.length; offset += 1) {
    const before = text.slice(0, offset);
    const expected = {line: before.split('\n').length, column: offset - before.lastIndexOf('\n')};
    t.deepEqual(index.position(offset), expected, `offset ${offset}`);
    t.deepEqual(position(text, offset), expected);
  }
  t.deepEqual(
    [1, 2, 3, 4, 5, 6].map((line) => index.line(line)),
    ['a', '', 'bc', '\tdé', '', ''],
  );
});

test('a line of 3,000 characters is cut around the caret, at its start, in its middle and at its end', (t) => {
  const text = `${'x'.repeat(1_500)}here${'y'.repeat(1_500)}`;
  for (const start of [0, 1_500, 3_000]) {
    const [, , quoted = '', carets = ''] = render(text, start, start + 4);
    t.true(quoted.length <= 84, quoted);
    const column = carets.indexOf('^');
    t.is(quoted.slice(column, carets.length), text.slice(start, start + 4));
  }
  const [, , whole = ''] = render(text, 0, 3_000);
  t.true(whole.endsWith('…'));
});

test('a caret in the indentation shows the line above', (t) => {
  t.deepEqual(render('virtual=1\n\n   real=2\n', 11, 14).slice(1), [
    '  |',
    '2 |',
    '3 |    real=2',
    '  | ^^^',
    '  = help: write another',
  ]);
  t.false(render('virtual=1\n   real=2\n', 13, 17).join('\n').includes('virtual'));
});

test('no control character reaches the terminal', (t) => {
  const text = 'a\u001B[31m\u0085\u009B2J\u007F\u202E\u00A0\0b=1\n';
  const lines = renderDiagnostic(
    {...at(0, 1), message: `unknown ${text.trim()}`},
    new Map([['x.cf', {text}]]),
  );
  // oxlint-disable-next-line no-control-regex -- control characters are what must be absent
  t.notRegex(lines, /[\0-\x09\x0B-\x1F\x7F-\xA0\u202A-\u202E]/);
  t.regex(lines, /a␛\[31m<U\+0085><U\+009B>2J␡<RLO><NBSP>␀b=1/);
  t.is(printable('plain – ok'), 'plain – ok');
});

const key = 'Z9verySecretKey7';

for (const line of [
  `1 md5 ${key}`,
  `1 sha-1 ${key}`,
  `1 ${key}`,
  `${key}`,
  `auth ${key}`,
  `key1 sha1 ${key}`,
  `1 crc ${key}`,
  `1: sha256 ${key}`,
  `1 sha256\u00A0${key}`,
  `1 sha256 ${key}\n1 sha256 ${key}2`,
])
  test(`authkeys is never quoted: ${JSON.stringify(line.replaceAll(key, 'KEY'))}`, (t) => {
    const text = shown('/etc/ha.d/authkeys', `auth 1\n${line}\n`, 0o644);
    t.regex(text, /authkeys:\d+:\d+: (error|warning)/);
    t.false(text.includes(key), text);
  });

const block = (line: string): string =>
  `virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\tchecktype=sometimes\n\t${line}\n`;

for (const line of [
  `passwd=${key}`,
  `secret=${key}`,
  `secret=“${key}”`,
  `secret ${key}`,
  `Passwd=${key}`,
  `pasword="${key}"`,
  `passwrd=${key}`,
  `secert=${key}`,
  `passwd="${key}`,
  `request=/health?token=${key}`,
  `request="http://user:${key}@10.0.0.1/`,
  `real=10.0.0.2:80 gait "GET /?${key}", "OK"`,
  `fallbackcomand=/bin/page ${key}`,
  `hactl_sned="AUTH ${key}"`,
  `nonsense --password ${key}`,
  `send="AUTH ${key}"`,
  `nonsense passwd=${key}`,
])
  test(`no diagnostic of ldirectord.cf shows a secret: ${line.replaceAll(key, 'KEY')}`, (t) => {
    t.false(shown('x.cf', block(line)).includes(key), shown('x.cf', block(line)));
  });

for (const line of [
  `hactl_webhook ftp://hooks.example/${key}`,
  `hactl_webhok https://hooks.example/${key}`,
  `hactl_webhook https://user:${key}@hooks.example`,
  `hactl_otlp ftp://otel.example/${key}`,
  `hactl_otlp http://otel.example:4318 token=x ${key}`,
  `hactl_otpl http://user:${key}@otel.example`,
  `otlp http://otel.example/${key}`,
  `hactl_fence stonith -t ipmi -p ${key}`,
  `hactl_fense /sbin/fence -p ${key}`,
  `hactl_alert_command page --key ${key}`,
  `hactl_alert page ${key}`,
  `hactl_track_script 5s check --api-key ${key}`,
  `hactl_track_scrpt 5s /bin/check ${key}`,
  `stonith_host * ipmi 10.0.0.1 root ${key}`,
  `stonith_hst * ipmi 10.0.0.1 root ${key}`,
  `respawn root bin/x ${key}`,
  `respwan root /bin/x ${key}`,
  `my_own_fence /bin/x passwd=${key}`,
  `fence /bin/x ${key}`,
  `webhook https://hooks.example/${key}`,
  `hactl_webhook ftp://hooks.example?t=${key}`,
  `respawn hacluster PASS=${key} /bin/x`,
  `tsig ${key}`,
  `snmp_community ${key}`,
  `hactl_key ${key}`,
])
  test(`no diagnostic of ha.cf shows a secret: ${line.replaceAll(key, 'KEY')}`, (t) => {
    const text = shown('ha.cf', `node a b\nbcast eth1\nauto_failback on\n${line}\n`);
    t.false(text.includes(key), text);
  });

test('carets stand under their text, even after a hidden secret', (t) => {
  const text = 'nonsense passwd=verylongpassword, other=1\n';
  const start = text.indexOf('other');
  const [, , quoted = '', carets = ''] = render(text, start, start + 5);
  t.is(quoted, '1 | nonsense passwd=(secret), other=1');
  t.is(carets.indexOf('^'), quoted.indexOf('other'));
});

test('the cost of a diagnostic does not grow with the file: 2,000 in 50,000 lines take less than 10 s of CPU', (t) => {
  const text = 'real=10.0.0.2:80 gate\n'.repeat(50_000);
  const sources = new Map([['x.cf', {text}]]);
  const before = process.cpuUsage();
  for (let line = 0; line < 50_000; line += 25) renderDiagnostic(at(line * 22, line * 22 + 4), sources);
  const {user, system} = process.cpuUsage(before);
  // Counting lines from the top for each would read 2,000 times a megabyte: more than a minute.
  t.true(user + system < 10_000_000, `${(user + system) / 1_000} ms`);
});
