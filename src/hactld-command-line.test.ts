/** hactld's command line: a wrong one ends with status 2 and the usage, without starting a supervisor. */
import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {daemonOptions} from './system/daemon-options.ts';

const hactld = fileURLToPath(new URL('hactld.ts', import.meta.url));
const run = (...words: string[]) =>
  spawnSync(process.execPath, [hactld, '--config-dir', '/nowhere', ...words], {
    encoding: 'utf8',
    timeout: 30_000,
  });

for (const [title, words, expected] of [
  ['an unknown option', ['--bogus'], /unknown option '--bogus'/],
  ['a misspelled option', ['--confg-dir', '/etc'], /Did you mean --config-dir\?/],
  ['an extra argument', ['start'], /too many arguments/],
  ['an option without its value', ['--node'], /argument missing/],
  ['a value like an option', ['--node', '--strict'], /'--node' argument is ambiguous/],
  ['an unknown level', ['--log-level', 'loud'], /Allowed choices are error, warn, info, debug/],
  ['an unknown format', ['--log-format', 'xml'], /Allowed choices are human, json/],
  ['a switch with a value', ['--strict=yes'], /does not take an argument|unknown option/],
] as const)
  test(`${title}: status 2, the error and the usage, once`, (t) => {
    const {status, stderr, stdout} = run(...words);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, expected);
    t.is(stderr.split('Usage: hactld').length, 2, stderr);
    t.notRegex(stderr, /\n\s+at /, 'no stack');
  });

test('--help and --version end with status 0, and the help lists every option', (t) => {
  const help = run('--help');
  t.is(help.status, 0);
  for (const {name} of daemonOptions) t.true(help.stdout.includes(`--${name}`), name);
  t.is(run('--version').status, 0);
});
