/** docs/heartbeat.md: its table has exactly the parser's directives, and the tests that it names exist. */
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {known} from '../../packages/config/src/ha-words.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const text = read('docs/heartbeat.md');
/** Cells of the tables below a heading; the first row is the table's header. */
const rows = (heading: string): string[][] => {
  const part = (text.split(`\n## ${heading}\n`)[1] ?? '').split('\n## ')[0] ?? '';
  return part
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-|]+\|$/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))
    .slice(1); // prettier-ignore
};
const wordsIn = (cell: string): string[] =>
  [...cell.matchAll(/`([^` ]+)[^`]*`/g)].map(([, word]) => word ?? '');
test('the table has exactly the parser’s directives', (t) => {
  const documented = rows('ha.cf').flatMap(([cell = '']) => wordsIn(cell));
  const heartbeats = known.filter((word) => !word.startsWith('hactl_'));
  t.true(heartbeats.length > 50, `${heartbeats.length}`);
  t.deepEqual(documented.toSorted(), heartbeats.toSorted());
});

test('every hactl directive is documented', (t) => {
  const all = readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => read(`docs/${name}`)).join(''); // prettier-ignore
  t.deepEqual(
    known.filter((word) => word.startsWith('hactl_') && !all.includes(`\`${word}`)),
    [],
  );
});

test('the tests named in the tables exist', (t) => {
  const files = ['packages', 'src', 'test'].flatMap((top) =>
    readdirSync(path.join(root, top), {recursive: true, encoding: 'utf8'}).filter((name) => !name.includes('node_modules')),
  ); // prettier-ignore
  const tests = new Set(files.map((name) => path.basename(name)).filter((name) => name.endsWith('.test.ts')));
  for (const heading of ['ha.cf', 'haresources', 'authkeys', 'Traps']) {
    const all = rows(heading);
    t.true(all.length > 3, heading);
    for (const cells of all)
      for (const name of (cells.at(-1) ?? '').split(/, */))
        t.true(
          [...tests].some((file) => file.startsWith(`${name}.`)),
          `${heading}: ${cells[0]}: ${name}`,
        );
  }
});
