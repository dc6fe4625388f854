/** How each kind of program's answer is interpreted. systemctl is a stand-in that keeps a unit's state in a file. */
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseHaresources} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {findAgent, missingAgent, saysRunning, type Agent} from './resource-agents.ts';

const LIMIT = 10_000;
const span = {file: 'haresources', start: 0, end: 0};

for (const [text, runs] of [
  ['web is running (pid 7)', true],
  ['INFO:  Running OK', true],
  ['Ok', true],
  ['web is not running', false],
  ['Not Running, it is OK', false],
  ['stopped', false],
  ['token', false],
  ['', false],
] as const)
  test(`status "${text}" is ${runs ? 'yes' : 'no'}`, (t) => {
    t.is(saysRunning(text), runs);
  });

/** An agent whose program is this shell script. */
function agent(
  t: ExecutionContext,
  type: string,
  file: string,
  script: string,
): {program: Agent; root: string} {
  const root = mkdtempSync(`${os.tmpdir()}/hactl-agents-`);
  t.teardown(() => rmSync(root, {recursive: true}));
  for (const folder of ['ha.d/resource.d', 'init.d', 'ocf/resource.d/acme', 'bin'])
    mkdirSync(`${root}/${folder}`, {recursive: true});
  writeFileSync(`${root}/${file}`, `#!/bin/sh\ncd ${root}\n${script}\n`, {mode: 0o755});
  const [name = '', ...args] = type.split('::');
  const program = findAgent(
    {span, type: name, args},
    {
      configDir: `${root}/ha.d`,
      initDir: `${root}/init.d`,
      ocfRoot: `${root}/ocf`,
      systemctl: `${root}/bin/systemctl`,
      runDir: root,
      node: 'a',
      log: () => undefined,
      sendMail: () => Promise.resolve(),
    },
  );
  if (typeof program === 'string') throw new Error(program);
  return {program, root};
}

for (const [script, expected] of [
  ['exit 0', true],
  ['echo web is running; exit 0', true],
  ['echo web is stopped; exit 0', false],
  ['exit 3', false],
  ['echo web is running; exit 1', false],
  ['echo web is running; exit 150', true],
] as const)
  test(`an init script's status "${script}" is ${expected ? 'yes' : 'no'}`, async (t) => {
    const {program} = agent(t, 'web', 'init.d/web', script);
    t.is((await program('status', LIMIT)).ok, expected);
  });

for (const [status, ok, running, reason] of [
  [0, true, false, ''],
  [8, true, false, ''],
  [7, false, false, 'exit status 7: not running'],
  [1, false, true, 'exit status 1: generic error'],
  [6, false, true, 'exit status 6: wrong configuration'],
  [9, false, true, 'exit status 9: failed as promoted'],
] as const)
  test(`an OCF agent's monitor that exits with ${status}`, async (t) => {
    const {program} = agent(
      t,
      'ocf:acme:lamp',
      'ocf/resource.d/acme/lamp',
      `[ "$1" = monitor ] && exit ${status}`,
    );
    t.deepEqual(await program('status', LIMIT), ok ? {ok} : {ok, running, reason});
  });

test('a systemd unit: the commands, and the states that count as running', async (t) => {
  const script = `echo "$*" >> calls
case $1 in
  start) [ ! -e broken ] || { echo "Job for $2 failed."; exit 1; }; echo active > state;;
  stop) echo inactive > state;;
  is-active) cat state 2> /dev/null || echo inactive; grep -q '^active' state 2> /dev/null || exit 3;;
esac`;
  const {program, root} = agent(t, 'systemd::apache2', 'bin/systemctl', script);
  t.deepEqual(await program('status', LIMIT), {ok: false, running: false, reason: 'exit status 3: inactive'});
  t.true((await program('start', LIMIT)).ok);
  t.true((await program('status', LIMIT)).ok);
  writeFileSync(`${root}/state`, 'activating\n');
  t.true((await program('status', LIMIT)).ok);
  writeFileSync(`${root}/state`, 'failed\n');
  t.false((await program('status', LIMIT)).ok);
  t.true((await program('stop', LIMIT)).ok);
  writeFileSync(`${root}/broken`, '');
  t.like(await program('start', LIMIT), {reason: 'exit status 1: Job for apache2.service failed.'});
  t.deepEqual(readFileSync(`${root}/calls`, 'utf8').trim().split('\n').slice(0, 3), [
    'is-active apache2.service',
    'start apache2.service',
    'is-active apache2.service',
  ]);
});

test('a unit that systemd does not have, and one that is meant, are reported when the files are read', (t) => {
  const unitDirs = [mkdtempSync(path.join(os.tmpdir(), 'hactl-units-'))];
  t.teardown(() => rmSync(unitDirs[0] ?? '', {recursive: true}));
  for (const name of ['web.service', 'db@.service', 'app.socket'])
    writeFileSync(path.join(unitDirs[0] ?? '', name), '');
  const missing = (word: string): string | undefined => {
    const {model} = parseHaresources({path: 'h', text: `a ${word}\n`}, {mode: 'strict'});
    const [resource] = model.groups[0]?.resources ?? [];
    return resource && missingAgent(resource, {configDir: '/nowhere', initDir: '/nowhere', unitDirs});
  };
  for (const word of ['systemd::web', 'systemd::web.service', 'systemd::db@one', 'systemd::app.socket'])
    t.is(missing(word), undefined, word);
  for (const word of ['systemd::app', 'systemd::nosuch', 'systemd::web@one'])
    t.regex(missing(word) ?? '', /^there is no unit /, word);
  for (const [word, unit] of [
    ['web.service', 'web.service'],
    ['systemd:web', 'web.service'],
    ['service:db@one', 'db@one.service'],
    ['app.socket', 'app.socket'],
  ] as const)
    t.true(missing(word)?.endsWith(`: write systemd::${unit} for the unit`), `${word}: ${missing(word)}`);
  t.false(missing('web.sh')?.includes('systemd'));
});
