/** Import: golden files and reports for every fixture, properties of any input, and errors. */
import {globSync, readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {renderDiagnostic} from '../index.ts';
import {
  detectKind,
  importConfig,
  loadWritten,
  renderReport,
  type ImportContext,
  type ImportKind,
} from './index.ts';

const folder = path.resolve(import.meta.dirname, '../../../../test/fixtures/import');
const hosts: Readonly<Record<string, string>> = {
  'www.example.org': '192.0.2.80',
  'web1.example.org': '192.0.2.81',
};
const services: Readonly<Record<string, number>> = {http: 80, 'http-alt': 8080};

const context: ImportContext = {
  node: 'lvs1',
  peer: 'lvs2',
  peerKnown: true,
  configId: 'left',
  addresses: [{device: 'eth7', address: '10.0.0.2'}],
  installDir: '/etc/ha.d',
  resolve: {
    host: (name, family) => (family === 4 ? hosts[name] : undefined),
    service: (name) => services[name],
  },
  // Fixtures are read by relative names, so that golden texts are equal on every machine.
  read: (name) => {
    try {
      return readFileSync(path.join(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  },
  glob: (pattern) => globSync(pattern, {cwd: folder}).toSorted(),
};
const SECRET = '5'.repeat(64);
/** Imports a text, without connect-only warnings: the choice of checks is not tested here. */
const run = (name: string, text: string, kind?: ImportKind, more: Partial<ImportContext> = {}) => {
  const result = importConfig(
    {path: name, text},
    {context: {...context, ...more}, secret: SECRET, ...(kind ? {kind} : {})},
  );
  return {
    ...result,
    diagnostics: result.diagnostics.filter((diagnostic) => diagnostic.code !== 'connect-only'),
  };
};
const fixture = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

const kinds: readonly ImportKind[] = ['keepalived', 'lvs.cf', 'ipvsadm'];
const names = kinds.flatMap((kind) =>
  readdirSync(path.join(folder, kind), {withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => ({kind, name: `${kind}/${entry.name}`}))
    .toSorted((left, right) => left.name.localeCompare(right.name)),
);

test('there are fixtures of every kind', (t) => {
  t.true(names.filter(({kind}) => kind === 'keepalived').length >= 20);
  t.true(names.length > 28, `${names.length} files`);
});

for (const {kind, name} of names)
  test(`${name}: files and report`, (t) => {
    const result = run(name, fixture(name));
    t.is(result.kind, kind, 'detected from its content');
    t.snapshot(
      [
        ...result.files.map((file) => `=== ${file.name} (${file.mode.toString(8)})\n${file.text}`),
        `=== report\n${renderReport(result.report)}`,
        `=== diagnostics\n${result.diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, result.sources)).join('\n')}`,
      ].join('\n'),
    );
    if (name.endsWith('broken.cf')) {
      t.deepEqual(result.files, []);
      return;
    }
    t.deepEqual(
      result.diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
      [],
    );
    t.true(result.files.length > 0);
    const loaded = loadWritten(result.files, context);
    t.deepEqual(
      loaded.diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
      [],
    );
    t.is(
      loaded.cluster?.ldirectord.flatMap((file) => file.virtuals).length ?? 0,
      result.imported?.virtuals.length ?? -1,
    );
  });

for (const {kind, name} of names.filter((name) => !name.name.endsWith('broken.cf')))
  test(`${name}: every statement is in the report`, (t) => {
    const result = run(name, fixture(name));
    t.true(result.report.length > 0);
    for (const [file, {text}] of result.sources) {
      if (file.startsWith('/etc/ha.d')) continue;
      const reported = new Set(result.report.filter((line) => line.file === file).map((line) => line.line));
      for (const [index, line] of text.split('\n').entries()) {
        const content = line.replace(/[#!].*$/, '').trim();
        // Braces, definitions and statements in a block that is left out as a whole have no line in the report.
        if (content === '' || /^[{}\s\\]*$/.test(content)) continue;
        if (kind === 'keepalived' && (/[$\\~]|^@/.test(content) || content.startsWith('include'))) continue;
        if (/\\\s*$/.test(text.split('\n')[index - 1] ?? '')) continue;
        if (kind === 'keepalived' && inLeftOut(text, index, reported)) continue;
        if (kind === 'lvs.cf' && inInactive(text, index)) continue;
        t.true(reported.has(index + 1), `${file}:${index + 1}: ${content}`);
      }
    }
  });

/** Is a line inside a block that is reported by its first line only? */
function inLeftOut(text: string, index: number, reported: ReadonlySet<number>): boolean {
  const lines = text.split('\n');
  let depth = 0;
  for (let above = index - 1; above >= 0; above -= 1) {
    const line = lines[above] ?? '';
    depth += (line.match(/\}/g)?.length ?? 0) - (line.match(/\{/g)?.length ?? 0);
    if (depth < 0) return reported.has(above + 1) || reported.has(above);
  }
  return false;
}

/** Is a line of lvs.cf inside a block with active = 0? */
function inInactive(text: string, index: number): boolean {
  const lines = text.split('\n');
  let first = index;
  while (first >= 0 && !/\{\s*$/.test(lines[first] ?? '')) first -= 1;
  let last = index;
  while (last < lines.length && !/^\s*\}/.test(lines[last] ?? '')) last += 1;
  return lines.slice(first, last).some((line) => /active = 0/.test(line));
}

test('a broken lvs.cf: all errors at once, each with position and help', (t) => {
  const {diagnostics, sources} = run('lvs.cf/broken.cf', fixture('lvs.cf/broken.cf'));
  const texts = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources));
  t.true(texts.length >= 8, texts.join('\n'));
  for (const position of ['1:11', '2:1', '3:11', '6:16', '7:18', '8:13', '11:19', '13:6'])
    t.true(
      texts.some((text) => text.startsWith(`lvs.cf/broken.cf:${position}:`)),
      `${position}\n${texts.join('\n')}`,
    );
  for (const diagnostic of diagnostics) t.truthy(diagnostic.help);
  t.true(texts.some((text) => text.includes('did you mean service?')));
});

test('keepalived.conf: each mistake is in the diagnostics', (t) => {
  const {diagnostics, files} = run(
    'k.conf',
    [
      'vrrp_instance A {',
      '  state LEADER',
      '  interface eth0/1',
      '  advert_int often',
      '  unicast_peer { 10.0.0.256 }',
      '  virtual_ipaddress { 10.0.0.1/33 }',
      '}',
      'vrrp_sync_group G { group { A B } }',
      'virtual_server 10.0.0.1 http {',
      '}',
      'virtual_server group NONE {',
      '}',
      'virtual_server 10.0.0.2 80 {',
      '  protocol ICMP',
      '  lb_kind FAST',
      '  quorum_up "open',
      '  real_server ten 80 { weight many }',
      '}',
      'include /nowhere/at/all',
      '}',
      'virtual_server 10.0.0.3 80 {',
    ].join('\n'),
  );
  t.deepEqual(files, []);
  const text = diagnostics.map((diagnostic) => diagnostic.message).join('\n');
  for (const word of [
    'LEADER',
    'eth0/1',
    'often',
    '10.0.0.256',
    '33',
    'B',
    '"http"',
    'NONE',
    'ICMP',
    'quote',
    '/nowhere/at/all',
    'no open block',
    'not closed',
  ])
    t.true(text.includes(word), `${word}\n${text}`);
});

test('recursive definitions end with a diagnostic', (t) => {
  for (const text of [
    '$A=$B\n$B=$A\nvirtual_server $A 80 {\n}\n',
    '$A=\\\n$A\\\n$A\nvirtual_server 10.0.0.1 80 {\n$A\n}\n',
    'virtual_server 10.0.0.1 80 {\n~SEQ(X, 1, 49000) ~SEQ(Y, 1, 49000) real_server 10.0.0.2 80 { }\n}\n',
  ]) {
    const {diagnostics} = run('k.conf', text, 'keepalived');
    t.true(
      diagnostics.some((diagnostic) => diagnostic.message.includes('expand')),
      text,
    );
  }
});

test('the import on the other director: conditions, peers, preferred node', (t) => {
  const name = 'keepalived/10-conditions.conf';
  const left = run(name, fixture(name));
  const right = run(name, fixture(name), undefined, {configId: 'right', node: 'lvs2', peer: 'lvs1'});
  const text = (result: typeof left, file: string): string =>
    result.files.find((writtenFile) => writtenFile.name === file)?.text ?? '';
  t.true(text(left, 'ha.cf').includes('ucast eth0 192.0.2.3'));
  t.true(text(right, 'ha.cf').includes('ucast eth0 192.0.2.2'));
  const body = (result: typeof left): string => text(result, 'haresources');
  t.is(body(left), body(right), 'both prefer the same node');
  t.regex(body(left), /^lvs1 /m);
});

test('lvs.cf: both directors write the same nodes, and each the other’s address', (t) => {
  const name = 'lvs.cf/pair-nat.cf';
  const primary = run(name, fixture(name), undefined, {as: 'primary'});
  const backup = run(name, fixture(name), undefined, {as: 'backup', node: 'lvs2', peer: 'lvs1'});
  const text = (result: typeof primary, file: string): string =>
    result.files.find((writtenFile) => writtenFile.name === file)?.text ?? '';
  t.is(text(primary, 'haresources'), text(backup, 'haresources'));
  t.is(text(primary, 'ldirectord.cf'), text(backup, 'ldirectord.cf'));
  t.regex(text(primary, 'ha.cf'), /^node lvs1 lvs2$/m);
  t.regex(text(backup, 'ha.cf'), /^node lvs1 lvs2$/m);
  t.regex(text(primary, 'ha.cf'), /^ucast eth7 10\.0\.0\.3$/m);
  t.regex(text(backup, 'ha.cf'), /^ucast eth\d 10\.0\.0\.2$/m);
});

test('lvs.cf: two ports under one firewall mark become one service with the servers of both', (t) => {
  const virtual = (name: string, port: number, server: string): string =>
    `virtual ${name} {\n active = 1\n address = 192.0.2.9 eth0:1\n port = ${port}\n fwmark = 5\n` +
    ` server a {\n address = 10.0.0.1\n active = 1\n }\n server b {\n address = ${server}\n active = 1\n }\n}\n`;
  const text = `primary = 192.0.2.1\nservice = lvs\nnetwork = direct\n${virtual('web', 80, '10.0.0.2')}${virtual('tls', 443, '10.0.0.3')}`;
  const {imported, files, report, diagnostics} = run('lvs.cf', text);
  t.deepEqual(diagnostics, []);
  t.deepEqual(
    imported?.virtuals.map((virtual) => [virtual.address, virtual.reals.map((real) => real.address)]),
    [[{kind: 'fwmark', family: 4, mark: 5}, ['10.0.0.1', '10.0.0.2', '10.0.0.3']]],
  );
  t.regex(files.find((file) => file.name === 'haresources')?.text ?? '', /192\.0\.2\.9\/32\/eth0:1\n/);
  t.true(report.some((line) => line.line === 18 && line.fate === 'approximated'));
});

test('lvs.cf: an invalid expression is left out, and the check only connects', (t) => {
  for (const [expect, wanted] of [
    ['(', undefined],
    ['220.*ESMTP', '220.*ESMTP'],
  ] as const) {
    const text = fixture('lvs.cf/tunnel.cf').replace(
      'expect = "220"',
      `expect = "${expect}"\n use_regex = 1`,
    );
    const {imported, diagnostics} = run('lvs.cf', text);
    t.deepEqual(
      diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
      [],
    );
    t.is(imported?.virtuals[0]?.check.sendExpect?.expect, wanted);
    t.is(imported?.virtuals[0]?.check.type, wanted === undefined ? 'connect' : 'negotiate');
  }
});

test('lvs.cf: texts that need escapes in ldirectord.cf, and texts for udp', (t) => {
  const virtual = (more: string): string =>
    `primary = 192.0.2.1\nservice = lvs\nvirtual one {\n active = 1\n address = 192.0.2.9 eth0:1\n port = 7\n ${more}\n server a {\n active = 1\n address = 10.0.0.2\n }\n}\n`;
  const written = (more: string): string => {
    const {files, diagnostics} = run('lvs.cf', virtual(more));
    t.deepEqual(
      diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
      [],
    );
    return files.find((file) => file.name === 'ldirectord.cf')?.text ?? '';
  };
  t.regex(written(String.raw`send = "say \"hello\""`), /^\thactl_send="say \\x22hello\\x22"$/m);
  t.regex(written('send = "x"\n expect = "*"\n reentry = 5'), /^\thactl_expect="\*"$/m);
  t.notRegex(written('send = "x"\n reentry = 5'), /hactl_rise/);
  const udp = written('protocol = udp\n send = "x"\n expect = "a.b"');
  t.regex(udp, /^\tservice=simpletcp$/m);
  t.regex(udp, /^\treceive="\^a\\\.b"$/m);
  t.notRegex(udp, /hactl_(send|expect)/);
});

test('an unknown format is an error, and an explicit kind is used', (t) => {
  for (const text of ['', 'hello\n', '[section]\nname=value\n', '\0\0\0']) {
    t.is(detectKind(text), undefined, JSON.stringify(text));
    t.is(run('x', text).diagnostics[0]?.code, 'unknown-format');
  }
  for (const kind of ['ipvsadm', 'keepalived'] as const)
    t.regex(
      run('x', '# nothing\n', kind).diagnostics[0]?.message ?? '',
      /neither directors nor virtual services/,
    );
});

test('ipvsadm without -n: names that do not resolve are errors', (t) => {
  const {diagnostics} = run(
    't',
    '-A -t nowhere.example:http -s rr\n-A -t 10.0.0.1:nonsense -s rr\n',
    'ipvsadm',
  );
  t.deepEqual(
    diagnostics.map((diagnostic) => diagnostic.code),
    ['unresolved-name', 'bad-port'],
  );
});

const texts = names.map(({name}) => fixture(name));
const survives = (text: string, kind?: ImportKind): void => {
  const result = run('fuzz', text, kind, {read: () => undefined, glob: () => []});
  for (const diagnostic of result.diagnostics) renderDiagnostic(diagnostic, result.sources);
  renderReport(result.report);
  if (result.diagnostics.every((diagnostic) => diagnostic.severity !== 'error') && result.files.length === 0)
    throw new Error('no files and no error');
  const fromWritten = result.diagnostics.filter(
    (diagnostic) => diagnostic.severity === 'error' && diagnostic.span.file.startsWith('/etc/ha.d'),
  );
  if (fromWritten.length > 0)
    throw new Error(
      `a written file is invalid: ${fromWritten.map((diagnostic) => renderDiagnostic(diagnostic, result.sources)).join('\n')}`,
    );
};

test('random bytes: only diagnostics, never a crash, never a file that our own parsers reject', (t) => {
  fc.assert(
    fc.property(
      fc.string({unit: 'binary', maxLength: 300}),
      fc.constantFrom(undefined, ...kinds),
      (text, kind) => survives(text, kind),
    ),
    {numRuns: 500},
  );
  t.pass();
});

test('mutated fixtures: the same', (t) => {
  const edit = fc.record({
    position: fc.double({min: 0, max: 1, noNaN: true}),
    length: fc.nat(40),
    text: fc.oneof(
      fc.constantFrom(
        '',
        '{',
        '}',
        '"',
        "'",
        '\\\n',
        '#',
        '\n',
        ' = ',
        '::',
        '$A',
        '~SEQ(A,1,3) ',
        '@left ',
        '-1',
        '0',
        '99999999999',
        '"a\\x22b"',
        ';',
        '\t',
      ),
      fc.string({unit: 'grapheme', maxLength: 8}),
    ),
  });
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(edit, {minLength: 1, maxLength: 4}), (text, edits) => {
      let mutated = text;
      for (const {position, length, text: inserted} of edits) {
        const from = Math.floor(position * mutated.length);
        mutated = mutated.slice(0, from) + inserted + mutated.slice(from + length);
      }
      survives(mutated);
    }),
    {numRuns: 1_500},
  );
  t.pass();
});
