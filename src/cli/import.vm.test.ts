/**
 * Compares the kernel tables of the original programs with those of the imports: keepalived's checker process and `ipvsadm -R`
 * program the table of one namespace, our driver applies the plan for the imported files in another, and `ipvsadm -S -n` must
 * print the same for both.
 */
import {spawn, spawnSync} from 'node:child_process';
import {cpSync, globSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import anyTest, {type TestFn} from 'ava';
import {importConfig, type VirtualService} from '@hactl/config';
import {labProgram} from '../../test/lab/programs.ts';
import {
  context,
  ended,
  hosts,
  inside,
  ip,
  openTables,
  table,
  virtualsOf,
  withoutCheckers,
} from './import-table.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const fixtures = path.resolve(import.meta.dirname, '../../test/fixtures/import');
const tables = await openTables();
const {theirs, work, program, keepalivedOn} = tables;

test.after.always(() => tables.close());

const samples = globSync('keepalived/*.conf', {cwd: fixtures})
  .toSorted()
  .filter((name) => /virtual_server|include/.test(readFileSync(path.join(fixtures, name), 'utf8')));

/** The service of a line of `ipvsadm -S -n`: `-t 192.0.2.1:80`, `-f 7`. */
const keyOfLine = (line: string): string => line.split(' ').slice(1, 3).join(' ');

function keyOf({address}: VirtualService): string {
  if (address.kind === 'fwmark') return `-f ${address.mark}`;
  const host = address.family === 6 ? `[${address.address}]` : address.address;
  return `${address.protocol === 'udp' ? '-u' : '-t'} ${host}:${address.port}`;
}

let keepalivedTable: readonly string[] = [];
let importedTable: readonly string[] = [];

// One keepalived includes all samples: their services are distinct, and a start takes seconds in the emulated machine.
test('keepalived and hactl program all samples, and nothing else', async (t) => {
  const folder = path.join(work, 'keepalived');
  cpSync(path.join(fixtures, 'keepalived'), folder, {recursive: true});
  for (const name of globSync('**/*.{conf,inc}', {cwd: folder})) {
    const file = path.join(folder, name);
    writeFileSync(file, withoutCheckers(readFileSync(file, 'utf8')));
  }
  const all = path.join(folder, 'all.samples');
  writeFileSync(all, samples.map((name) => `include ${path.join(folder, path.basename(name))}\n`).join(''));
  importedTable = await program(samples.flatMap((name) => virtualsOf(path.join(fixtures, name))));
  t.true(importedTable.length > 80, `${importedTable.length} lines`);
  keepalivedTable = await keepalivedOn(all, importedTable);
  t.deepEqual(importedTable, keepalivedTable, tables.output());
});

test('every check fails: the tables of keepalived and hactl are equal', async (t) => {
  const file = path.join(fixtures, 'keepalived/24-all-down.conf');
  const wanted = await program(virtualsOf(file), 'down');
  t.true(wanted.length > 5);
  t.deepEqual(wanted, await keepalivedOn(file, wanted), tables.output());
});

test('there are at least 20 samples of keepalived.conf with virtual services', (t) => {
  t.true(samples.length >= 20, samples.join(' '));
});

for (const sample of samples)
  test(`keepalived's own table: ${sample}`, (t) => {
    const keys = new Set(virtualsOf(path.join(fixtures, sample)).map(keyOf));
    const ofSample = (lines: readonly string[]): string[] =>
      lines.filter((line) => keys.has(keyOfLine(line)));
    t.true(keys.size > 0);
    t.is(new Set(ofSample(importedTable).map(keyOfLine)).size, keys.size);
    t.deepEqual(ofSample(importedTable), ofSample(keepalivedTable), tables.output());
  });

// sip.txt has only what the import cannot carry over exactly: SCTP, a persistence engine, another tunnel type.
for (const name of globSync('ipvsadm/*.txt', {cwd: fixtures, exclude: ['**/sip.txt']}).toSorted())
  test(`ipvsadm -R's own table: ${name}`, async (t) => {
    const file = path.join(fixtures, name);
    inside(theirs, 'ipvsadm', '-C');
    // ipvsadm -R accepts lines of options only; the machine has no files to resolve names.
    const input = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .map((line) =>
        line
          .replace(/^\S*ipvsadm /, '')
          .replaceAll(/(?<=[:])http-alt\b/g, '8080')
          .replaceAll(/(?<=[:])http\b/g, '80')
          .replaceAll(/(www|web1)\.example\.org/g, (host) => hosts[host] ?? host),
      )
      .join('\n');
    const {status, stderr} = spawnSync('ip', ['netns', 'exec', theirs, 'ipvsadm', '-R'], {
      input,
      encoding: 'utf8',
    });
    t.is(status, 0, stderr);
    const saved = table(theirs);
    t.deepEqual(await program(virtualsOf(file)), saved);
    t.true(saved.length > 2);

    // The output of ipvsadm -S is imported to the same table.
    const again = path.join(work, 'saved.txt');
    writeFileSync(
      again,
      saved
        .toSorted((left, right) => Number(right.startsWith('-A')) - Number(left.startsWith('-A')))
        .join('\n') + '\n',
    );
    t.deepEqual(await program(virtualsOf(again)), saved);
  });

test('the lvs.cf of the tutorial with three nginx servers: the table that the tutorial prints', async (t) => {
  // As `ipvsadm` prints it there: TCP 192.168.122.10:http wlc, three servers with Route and weight 1.
  t.deepEqual(await program(virtualsOf(path.join(fixtures, 'lvs.cf/seed-002.cf'))), [
    '-A -t 192.168.122.10:80 -s wlc',
    ...[1, 2, 3].map((host) => `-a -t 192.168.122.10:80 -r 192.168.122.${host}:80 -g -w 1`),
  ]);
});

test('the lvs.cf of a seed, imported and running: the address, and the server whose program prints UP', async (t) => {
  const dir = path.join(work, 'seed');
  mkdirSync(dir);
  const source = path.join(dir, 'lvs.cf');
  const monitor = path.join(dir, 'mysql_mon.sh');
  const text = readFileSync(path.join(fixtures, 'lvs.cf/seed-003.cf'), 'utf8');
  writeFileSync(source, text.replace('/root/mysql_mon.sh', monitor));
  // The seed's script, with a mysqladmin that reports one of the two servers as alive.
  const mysqladmin = path.join(dir, 'mysqladmin');
  writeFileSync(
    mysqladmin,
    '#!/bin/sh\n[ "$*" = "-h 192.168.2.242 -u monitor -pMiPass123 ping" ] && echo mysqld is alive\n',
    {mode: 0o755},
  );
  const printed = readFileSync(path.resolve(fixtures, '../seeds/s003_mysql_mon.sh'), 'utf8');
  writeFileSync(monitor, printed.replace('/usr/bin/mysqladmin', mysqladmin), {mode: 0o755});
  const out = path.join(dir, 'ha.d');
  const result = importConfig(
    {path: source, text: readFileSync(source, 'utf8')},
    {context: {...context, installDir: out}, secret: 'x'.repeat(64)},
  );
  for (const file of result.files) {
    mkdirSync(path.dirname(path.join(out, file.name)), {recursive: true});
    writeFileSync(path.join(out, file.name), file.text, {mode: file.mode});
  }
  inside(theirs, 'ipvsadm', '-C');
  ip('-n', theirs, 'link', 'add', 'eth0', 'type', 'dummy');
  ip('-n', theirs, 'link', 'set', 'eth0', 'up');
  ip('-n', theirs, 'address', 'add', '192.168.2.228/22', 'dev', 'eth0');
  const places = [
    '--config-dir',
    out,
    '--run-dir',
    path.join(dir, 'run'),
    '--state-dir',
    path.join(dir, 'state'),
  ];
  const director = [process.execPath, labProgram('hactld'), ...places, '--node', 'lvs1'];
  const child = spawn('ip', ['netns', 'exec', theirs, ...director], {stdio: ['ignore', 'pipe', 'pipe']});
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const wanted = ['-A -t 192.168.2.240:3306 -s lc', '-a -t 192.168.2.240:3306 -r 192.168.2.242:3306 -g -w 1'];
  const address = (): string => ip('-n', theirs, '-4', '-o', 'address', 'show', 'dev', 'eth0');
  try {
    const deadline = performance.now() + 120_000;
    const done = (): boolean =>
      table(theirs).join('\n') === wanted.join('\n') && address().includes('192.168.2.240/22');
    while (!done() && child.exitCode === null && performance.now() < deadline) await pause(500); // oxlint-disable-line no-await-in-loop -- a condition with a deadline
    t.deepEqual(table(theirs), wanted, output);
    t.regex(address(), /192\.168\.2\.240\/22 .*eth0:1/, output);
  } finally {
    child.kill('SIGTERM');
    await ended(child);
  }
  t.false(address().includes('192.168.2.240'), 'the address is removed with the director');
});
