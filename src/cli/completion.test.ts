/** Completion scripts in the shells themselves. bash is everywhere; a missing zsh or fish is reported. */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {shells, type Shell} from './completion.ts';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));
const scripts = new Map<Shell, string>();
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-completion-'));
test.before(() => {
  for (const shell of shells) {
    const file = path.join(folder, shell);
    writeFileSync(file, execFileSync(process.execPath, [hactl, 'completion', shell]));
    scripts.set(shell, file);
  }
});
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

/** Stands in for the daemon's answer: the scripts call `hactl complete-reals`. */
const REALS = '10.0.0.1\n10.0.0.1:80\n10.0.0.2\n10.0.0.2:80\n';
const stub = `hactl() { printf '${REALS.replaceAll('\n', '\\n')}'; }`;

const run = (shell: Shell, program: string): string[] =>
  execFileSync(shell, [...(shell === 'bash' ? ['--norc'] : []), '-c', program], {encoding: 'utf8'})
    .split('\n')
    .filter((line) => line !== '');

/** The completions of each shell at the end of a line. */
const offers: Readonly<Record<Shell, (line: string) => string[]>> = {
  bash: (line) =>
    run(
      'bash',
      `source ${scripts.get('bash')}; ${stub}; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _hactl; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ),
  zsh: (line) => {
    const words = line.split(' ');
    const typed = words.at(-1) ?? '';
    const array = words.map((word) => `'${word}'`).join(' ');
    // Stubs of the zsh completion functions that the script uses; they print their arguments.
    const fakes = `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l FILES; }
      _describe() { [[ $1 == -o ]] && shift; print -l -- \${(@P)2} | sed 's/:.*//'; }`;
    return run(
      'zsh',
      `${fakes}; ${stub}; source ${scripts.get('zsh')}; words=(${array}); CURRENT=${words.length}; _hactl`,
    ).filter((word) => word.startsWith(typed));
  },
  fish: (line) =>
    run(
      'fish',
      `function hactl; printf '${REALS.replaceAll('\n', '\\n')}'; end; source ${scripts.get('fish')}; complete -C '${line}'`,
    ).map((text) => text.split('\t')[0] ?? ''),
};

const found = (shell: Shell): boolean =>
  (process.env.PATH ?? '').split(':').some((directory) => existsSync(path.join(directory, shell)));

const expected: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['hactl sta', ['standby', 'status']],
  ['hactl --run-dir /x maintenance o', ['off', 'on']],
  ['hactl import --from k', ['keepalived']],
  ['hactl import --node status --js', ['--json']],
  ['hactl standby l', ['local']],
  ['hactl drain 10.0.0.2', ['10.0.0.2', '10.0.0.2:80']],
  ['hactl completion z', ['zsh']],
  ['hactl sync resync --h', ['--help']],
];

for (const shell of shells) {
  const [run, title] = found(shell)
    ? [test, `${shell} completes`]
    : [test.skip, `${shell} completes (skipped: there is no ${shell} on this machine)`];
  run(title, (t: ExecutionContext) => {
    for (const [line, words] of expected)
      t.deepEqual(offers[shell](line).toSorted(), words, `${shell}: ${line}`);
  });
}

test('bash: after a colon only the rest is offered, because bash splits words at colons', (t) => {
  t.deepEqual(offers.bash('hactl drain 10.0.0.2:'), ['80']);
});

test('bash: every command is offered, and no hidden one', (t) => {
  const help = execFileSync(process.execPath, [hactl, '--help'], {encoding: 'utf8'});
  const commands = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(
    (match) => match[1],
  );
  t.true(commands.length > 10);
  t.deepEqual(new Set(offers.bash('hactl ')), new Set(commands.filter((name) => name !== 'help')));
});
