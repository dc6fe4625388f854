/** The real ldirectord's verdicts on whole files: strict reading gives the same one, lenient reading takes no less. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {parseLdirectordCf, type Diagnostic, type Mode} from './index.ts';

const unseen: Readonly<Record<string, string>> = {n: '\n', t: '\t', r: '\r', uFEFF: '\uFEFF', '\\': '\\'};
const rows = readFileSync(new URL('testdata/ldirectord-verdicts.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((row) => row !== '' && !row.startsWith('#'))
  .map((row) => {
    const [verdict, text = ''] = row.split('\t');
    return {
      row,
      refused: verdict === 'refuse',
      text: text.replace(/\\(uFEFF|.)/g, (whole, letter: string) => unseen[letter] ?? whole),
    };
  });

/** The names that the machine knew where the table was made: Debian's /etc/services and /etc/hosts. */
const ports: Readonly<Record<string, number>> = {
  'smtp/tcp': 25, 'domain/tcp': 53, 'domain/udp': 53, 'tftp/udp': 69, 'http/tcp': 80, 'www/tcp': 80, 'ntp/udp': 123,
  'snmp/tcp': 161, 'snmp/udp': 161, 'https/tcp': 443, 'https/udp': 443, 'radius/tcp': 1812, 'radius/udp': 1812,
  'sip/tcp': 5060, 'sip/udp': 5060, 'http-alt/tcp': 8080, 'http-alt/udp': 8080,
}; // prettier-ignore
const hosts: Readonly<Record<string, string>> = {
  '4 localhost': '127.0.0.1',
  '6 localhost': '::1',
  '6 ip6-localhost': '::1',
};
const resolve = {
  host: (name: string, family: 4 | 6) => hosts[`${family} ${name}`],
  service: (name: string, protocol: string) => ports[`${name}/${protocol}`],
};
const errors = (text: string, mode: Mode): Diagnostic[] =>
  parseLdirectordCf({path: 'x.cf', text}, {mode, resolve}).diagnostics.filter(
    (one) => one.severity === 'error',
  );

test(`${rows.length} files: strict reading refuses what ldirectord refuses, and nothing else`, (t) => {
  const different = rows
    .filter(({refused, text}) => errors(text, 'strict').length > 0 !== refused)
    .map(({row, text}) => `${row}   ${errors(text, 'strict')[0]?.message ?? 'accepted here'}`);
  t.deepEqual(different, []);
  t.true(rows.length >= 150);
});

test('lenient reading takes whatever strict reading takes', (t) => {
  const different = rows
    .filter(({text}) => errors(text, 'strict').length === 0 && errors(text, 'lenient').length > 0)
    .map(({row, text}) => `${row}   ${errors(text, 'lenient')[0]?.message}`);
  t.deepEqual(different, []);
});
