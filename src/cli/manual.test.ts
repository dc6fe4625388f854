/** The manual pages: up to date with their source, and rendered without warnings. */
import {execFileSync, spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {pages} from './commands/manual.ts';
import {inline, text} from './roff.ts';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));
const folder = fileURLToPath(new URL('../../docs/man/', import.meta.url));
const {HACTL_RUN_DIR: _, HACTL_CONFIG_DIR: __, HACTL_STATE_DIR: ___, ...env} = process.env;

const hasGroff = spawnSync('groff', ['--version']).error === undefined;

for (const name of pages) {
  test(`${name} is up to date with its source (npm run man)`, (t) => {
    const made = execFileSync(process.execPath, [hactl, 'manual', name], {encoding: 'utf8', env});
    t.is(made, readFileSync(`${folder}${name}`, 'utf8'));
  });

  const [render, title] = hasGroff
    ? [test, `${name} renders without a warning`]
    : [test.skip, `${name} renders without a warning (skipped: there is no groff on this machine)`];
  render(title, (t: ExecutionContext) => {
    const {stdout, stderr} = spawnSync('groff', ['-man', '-Tutf8', '-ww', `${folder}${name}`], {
      encoding: 'utf8',
    });
    t.is(stderr, '');
    t.true(stdout.length > 1_000);
  });

  test(`${name} has only intended roff requests`, (t) => {
    // A line that begins with a dot is a request: only those that we mean may be there.
    const requests = readFileSync(`${folder}${name}`, 'utf8').match(/^\.\S+/gm) ?? [];
    t.deepEqual(
      [...new Set(requests)].filter((text) => !/^\.(\\"|TH|SH|SS|TP|BR|B|nf|fi)$/.test(text)),
      [],
    );
  });
}

test("docs/hactl.md has every command of hactl's help, and no other", (t) => {
  const page = execFileSync(process.execPath, [hactl, 'manual', 'hactl.8'], {encoding: 'utf8', env});
  const commands = [...page.matchAll(/^\.SS hactl ([a-z\\ -]+)/gm)].map(([, words = '']) =>
    words.replaceAll('\\', '').trim().split(' '),
  );
  t.true(commands.length > 20);
  const rows = readFileSync(`${folder}../hactl.md`, 'utf8').match(/^\| `hactl .*? \|(?= )/gm) ?? [];
  // `hactl config history\|diff`: each of the words may follow.
  const shown = [...rows.join('\n').matchAll(/`hactl ([^`]+)`/g)].map(([, text = '']) =>
    text.split(/[\s[\]\\|]+/),
  );
  t.deepEqual(
    commands.filter((words) => !shown.some((row) => words.every((word) => row.includes(word)))),
    [],
  );
  const first = [...rows.join('\n').matchAll(/`hactl ([a-z\\|-]+)/g)].flatMap(([, words = '']) =>
    words.split('\\|'),
  );
  t.deepEqual(
    first.filter((word) => !commands.some(([name]) => name === word)),
    [],
  );
});

test('text cannot become a request or an escape', (t) => {
  t.is(text('.SH x'), '\\&.SH x');
  t.is(text('a\\b-c'), 'a\\eb\\-c');
  t.is(inline('`a|b` of [x](y.md), **not** z'), '\\fBa|b\\fR of x, \\fBnot\\fR z');
});
