/** The real ldirectord's verdicts on whole files: strict mode agrees, and lenient mode accepts no less. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {parseLdirectordCf, type Diagnostic, type Mode} from './index.ts';

const unseen: Readonly<Record<string, string>> = {n: '\n', t: '\t', r: '\r', uFEFF: '\uFEFF', '\\': '\\'};
const virtual = String.raw`virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n`;
const rows = readFileSync(new URL('testdata/ldirectord-verdicts.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((row) => row !== '' && !row.startsWith('#'))
  .map((row) => {
    const [verdict, text = ''] = row.split('\t');
    return {
      row,
      refused: verdict === 'refuse',
      text: text
        .replace(/^@/, virtual)
        .replace(/\\(uFEFF|.)/g, (whole, letter: string) => unseen[letter] ?? whole),
    };
  });

/** The names known to the machine that made the table: lines of Debian's /etc/services, and localhost. */
const ports: Readonly<Record<string, number>> = {
  'smtp/tcp': 25, 'domain/tcp': 53, 'domain/udp': 53, 'tftp/udp': 69, 'http/tcp': 80, 'www/tcp': 80, 'ntp/udp': 123,
  'snmp/tcp': 161, 'snmp/udp': 161, 'https/tcp': 443, 'https/udp': 443, 'radius/tcp': 1812, 'radius/udp': 1812,
  'sip/tcp': 5060, 'sip/udp': 5060, 'http-alt/tcp': 8080, 'http-alt/udp': 8080,
}; // prettier-ignore
const resolve = {
  host: (name: string, family: 4 | 6) => (family === 4 && name === 'localhost' ? '127.0.0.1' : undefined),
  service: (name: string, protocol: string) => ports[`${name}/${protocol}`],
};
const errors = (text: string, mode: Mode): Diagnostic[] =>
  parseLdirectordCf({path: 'x.cf', text}, {mode, resolve}).diagnostics.filter(
    (diagnostic) => diagnostic.severity === 'error',
  );

/** ldirectord reads the digits of an address without a port as a firewall mark: the only behaviour not copied. */
const isTrap = (text: string): boolean =>
  errors(text, 'strict').some((error) => error.code === 'fwmark-without-port');

/** Other deliberate differences: rows of the table, and the reason. */
const ours: Readonly<Record<string, string>> = {
  'accept\tvirtual=1\\n\\treal=10.0.0.2:80 gate\\n\\nvirtual=01\\n\\treal=10.0.0.2:80 gate\\n':
    'one firewall mark, written twice: the second would overwrite the first',
  'accept\tvirtual=10.0.0.1:80\\n\\treal=10.0.0.2:80->10.0.0.4:80 gate\\n':
    'ldirectord creates no real server from it',
  'accept\tvirtual=10.0.0.1:80\\n\\treal=10.0.0.2:80->10.0.0.4 gate\\n': 'the same',
};
/** Strict mode leaves a bad expression to the check, as ldirectord does; lenient mode refuses it when reading. */
const badExpressions = ['receive="("', 'receive="a|b (c) [d"'];

test(`${rows.length} files: strict mode refuses exactly the files that ldirectord refuses`, (t) => {
  const different = rows
    .filter(({row, text}) => !(row in ours) && !isTrap(text))
    .filter(({refused, text}) => errors(text, 'strict').length > 0 !== refused)
    .map(({row, text}) => `${row}   ${errors(text, 'strict')[0]?.message ?? 'accepted here'}`);
  t.deepEqual(different, []);
  t.true(rows.length >= 150);
  for (const row of Object.keys(ours)) {
    const found = rows.find((verdict) => verdict.row === row);
    t.truthy(found, `not in the table: ${row}`);
    t.true(errors(found?.text ?? '', 'strict').length > 0, `not different: ${row}`);
  }
});

test('only an address without a port is refused as a would-be firewall mark', (t) => {
  const trapped = rows.filter(({text}) => isTrap(text));
  t.true(trapped.length >= 5);
  for (const {row, text} of trapped) t.regex(text, /^virtual6?[ =]+[\d.]+[.:, ]/, row);
});

test('lenient mode accepts every file that strict mode accepts', (t) => {
  const different = rows
    .filter(({text}) => !badExpressions.some((line) => text.includes(line)))
    .filter(({text}) => errors(text, 'strict').length === 0 && errors(text, 'lenient').length > 0)
    .map(({row, text}) => `${row}   ${errors(text, 'lenient')[0]?.message}`);
  t.deepEqual(different, []);
});
