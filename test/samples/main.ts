/**
 * `npm run samples -- DIRECTORY`: imports every file below the directory (such as keepalived's samples, which are not part of this
 * tree), prints a table of what is not carried over and why, and, for files with virtual servers, whether keepalived programs the
 * same IPVS table as the import. keepalived reads the files without checkers, because nothing answers here. Exit status 1 if a
 * table differs or a file is refused.
 */
import {globSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {importConfig, loadWritten, type ReportLine} from '@hactl/config';
import {context, openTables, withoutCheckers} from '../../src/cli/import-table.fixture.ts';

const [directory = ''] = process.argv.slice(2);
if (directory === 'compile') process.exit(0);
if (directory === '') {
  process.stderr.write('usage: npm run samples -- DIRECTORY\n');
  process.exit(2);
}
/** Milliseconds until keepalived's table is complete in the emulated machine, at most. */
const LIMIT = 20_000;
const tables = await openTables();
const reasons = new Map<string, {count: number; matters: boolean}>();
let failed = 0;

async function judge(name: string): Promise<string> {
  const file = path.join(directory, name);
  const text = readFileSync(file, 'utf8');
  const result = importConfig({path: file, text}, {kind: 'keepalived', context, secret: 'x'.repeat(64)});
  const errors = result.diagnostics.filter(({severity}) => severity === 'error');
  const bare = path.join(tables.work, 'sample.conf');
  writeFileSync(bare, withoutCheckers(text));
  if (errors.length > 0) {
    const served = await tables.keepalivedOn(bare, [], LIMIT);
    if (served.length > 0) failed += 1;
    const refusal = errors.map(({message}) => message).join('; ');
    return `- | - | - | refused (${refusal}); keepalived's table has ${served.length} lines`;
  }
  const count = (fate: ReportLine['fate']): number =>
    result.report.filter((line) => line.fate === fate).length;
  for (const {fate, what, message, matters} of result.report) {
    if (fate !== 'not') continue;
    const key = `${what.split(' ')[0] ?? what} | ${message}`;
    reasons.set(key, {count: (reasons.get(key)?.count ?? 0) + 1, matters: matters === true});
  }
  const counts = `${count('exact')} | ${count('approximated')} | ${count('not')}`;
  const virtuals =
    loadWritten(result.files, context).cluster?.ldirectord.flatMap((config) => config.virtuals) ?? [];
  const programmed = await tables.program(virtuals);
  if (!/\bvirtual_server\b/.test(text)) return `${counts} | no virtual server`;
  const keepalived = await tables.keepalivedOn(bare, programmed, LIMIT);
  if (keepalived.join('\n') === programmed.join('\n')) return `${counts} | equal, ${programmed.length} lines`;
  failed += 1;
  const only = (left: readonly string[], right: readonly string[]): string =>
    left.filter((line) => !right.includes(line)).join(', ');
  return `${counts} | DIFFERENT: keepalived only: ${only(keepalived, programmed)}; import only: ${only(programmed, keepalived)}`;
}

try {
  process.stdout.write(
    '| sample | exact | approximated | not carried over | IPVS table |\n|---|---|---|---|---|\n',
  );
  for (const name of globSync('**/*', {cwd: directory}).toSorted())
    if (statSync(path.join(directory, name)).isFile())
      // oxlint-disable-next-line no-await-in-loop -- both have one table
      process.stdout.write(`| ${name} | ${await judge(name)} |\n`);
  process.stdout.write('\n| not carried over | reason | statements | service differs |\n|---|---|---|---|\n');
  for (const [key, {count, matters}] of [...reasons].toSorted(([left], [right]) => (left < right ? -1 : 1)))
    process.stdout.write(`| ${key} | ${count} | ${matters ? 'yes' : ''} |\n`);
} finally {
  tables.close();
}
process.exitCode = failed === 0 ? 0 : 1;
