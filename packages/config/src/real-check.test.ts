/** hactl_check: one real server's own check. */
import test from 'ava';
import {parseLdirectordCf, type Mode} from './index.ts';

const resolve = {host: () => undefined, service: (name: string) => (name === 'http' ? 80 : undefined)};
const parse = (line: string, mode: Mode = 'lenient') =>
  parseLdirectordCf(
    {
      path: 'x.cf',
      text: `virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq\n\treal=10.0.0.2:81 masq\n\treal=10.0.0.3 masq\n\trequest="/"\n\t${line}\n`,
    },
    {mode, resolve},
  );
const checksOf = (line: string): unknown[] =>
  (parse(line).model.virtuals[0]?.reals ?? []).map(({check}) => check ?? null);

test('it applies to the servers with its address and port', (t) => {
  const connect = {checkType: {kind: 'connect'}};
  t.deepEqual(checksOf('hactl_check=10.0.0.2:81 checktype=connect'), [null, connect, null]);
  t.deepEqual(checksOf('hactl_check=10.0.0.2 checktype=connect'), [connect, connect, null]);
  t.deepEqual(checksOf('hactl_check=10.0.0.3:http checktype=connect'), [null, null, connect]);
});

test('every setting is read, in quotes where it has blanks', (t) => {
  t.deepEqual(
    checksOf(
      'hactl_check=10.0.0.3 checktype=negotiate service=https checkport=8443 request="/a b" receive="x y" virtualhost=www.example checktimeout=500ms checkcommand=/bin/true',
    )[2],
    {
      checkType: {kind: 'negotiate'},
      service: 'https',
      checkPort: 8_443,
      request: '/a b',
      receive: 'x y',
      virtualHost: 'www.example',
      checkTimeout: 500,
      checkCommand: '/bin/true',
    },
  );
  t.deepEqual(checksOf('hactl_check=10.0.0.3 status="200 301-303"')[2], {
    statuses: [
      [200, 200],
      [301, 303],
    ],
  });
  t.deepEqual(checksOf('hactl_check=10.0.0.3 send="GET / HTTP/1.0" expect="^HTTP" regex=yes')[2], {
    service: 'send-expect',
    sendExpect: {send: 'GET / HTTP/1.0', expect: '^HTTP', regex: true},
  });
});

for (const [line, message] of [
  ['hactl_check=10.0.0.9 checktype=connect', /does not have/],
  ['hactl_check=nowhere checktype=connect', /is not a real server/],
  ['hactl_check=10.0.0.3 checktype=sometimes', /one of negotiate/],
  ['hactl_check=10.0.0.3 checkprot=80', /did you mean checkport/],
  ['hactl_check=10.0.0.3 checkport=99999', /from 1 to 65535/],
  ['hactl_check=10.0.0.3 expect="(" regex=yes', /regular expression/],
  ['hactl_check=10.0.0.3 status="600"', /from 100 to 599/],
  ['hactl_check=10.0.0.3 request', /no value/],
] as const)
  test(`refused with a reason: ${line}`, (t) => {
    const [error] = parse(line).diagnostics.filter(({severity}) => severity === 'error');
    t.regex(error?.message ?? '', message);
    t.is(error?.span.start, 100 + 'hactl_check='.length);
  });

test('strict mode refuses it, as ldirectord does', (t) => {
  t.true(
    parse('hactl_check=10.0.0.3 checktype=on', 'strict').diagnostics.some(
      ({code}) => code === 'unknown-directive',
    ),
  );
});
