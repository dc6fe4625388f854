/**
 * One loader: whatever hactld refuses is a diagnostic with its place, check-config reports it too, and reading changes nothing.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {position, type MachineCode} from '@hactl/config';
import {parseSandbox} from '../system/unit-sandbox.ts';
import {loadDirectory, type LoadOptions} from './load.ts';
import {exposure, machineFacts, unreachable} from './machine-facts.ts';
import {judgeMachine, needsRoot} from './machine-judge.ts';
import {filesOfCommand} from './named-programs.ts';
import {checksOf} from './slice.ts';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

const good = {
  authkeys: 'auth 1\n1 sha256 key-of-this-test\n',
  'ha.cf': 'node alpha beta\nbcast lo\nauto_failback on\n',
  haresources: 'alpha 192.0.2.1/24/lo ldirectord::ldirectord.cf\n',
  'ldirectord.cf': 'virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n\tscheduler=rr\n',
};

function directory(t: ExecutionContext, files: Partial<typeof good> = {}): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-door-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const dir = path.join(root, 'ha.d');
  mkdirSync(dir, {mode: 0o755});
  for (const [name, text] of Object.entries({...good, ...files}))
    writeFileSync(path.join(dir, name), text.replaceAll('ROOT', root), {mode: 0o600});
  return dir;
}

async function judge(configDir: string, more: Partial<LoadOptions> = {}) {
  const outcome = await loadDirectory({
    configDir,
    stateDir: path.join(configDir, '../state'),
    node: 'alpha',
    mode: 'lenient',
    findInterface: () => Promise.resolve(() => undefined),
    lookUp: () => Promise.resolve([]),
    wall: 0,
    ...more,
  });
  const found = outcome.diagnostics.map(({code, severity, span}) => {
    const {line, column} = position(outcome.sources.get(span.file)?.text ?? '', span.start);
    return `${path.basename(span.file)}:${line}:${column} ${severity} ${code}`;
  });
  return {...outcome, found};
}

const tree = (dir: string): string =>
  execFileSync('/usr/bin/find', [path.dirname(dir), '-printf', '%p %s %m %T@ %i\\n'], {encoding: 'utf8'});

test('good files are usable without any diagnostic', async (t) => {
  const {loaded, found} = await judge(directory(t));
  t.truthy(loaded);
  t.deepEqual(found, []);
});

/** Every machine diagnostic, with files that cause it. */
const cases: Readonly<Partial<Record<MachineCode, readonly [Partial<typeof good>, place: string]>>> = {
  'no-route': [{haresources: 'alpha 192.0.2.1/24/lo \\\n 198.51.100.7\n'}, 'haresources:2:2 error'],
  'unwritable-file': [
    {'ldirectord.cf': `${good['ldirectord.cf']}\tmonitorfile=/nowhere/at/all/monitor\n`},
    'ldirectord.cf:4:14 error',
  ],
  'missing-program': [{haresources: 'alpha 192.0.2.1/24/lo nosuch::argument\n'}, 'haresources:1:23 warning'],
  'unknown-user': [{'ha.cf': `${good['ha.cf']}respawn nobody-of-that-name /bin/sh\n`}, 'ha.cf:4:9 warning'],
};

for (const [code, [files, location]] of Object.entries(cases))
  test(`${code}: a diagnostic with its place, from hactld's loader and from check-config`, async (t) => {
    const dir = directory(t, files);
    const before = tree(dir);
    const {found, loaded} = await judge(dir);
    t.true(found.includes(`${location} ${code}`), found.join('; '));
    t.is(loaded === undefined, location.endsWith('error'));
    const check = spawnSync(process.execPath, [hactl, 'check-config', dir, '--node', 'alpha'], {
      encoding: 'utf8',
    });
    t.regex(check.stdout, new RegExp(`\\[${code}\\]`));
    t.is(check.status, location.endsWith('error') ? 2 : 0);
    t.is(tree(dir), before, 'reading changed something');
  });

const external = `${good['ldirectord.cf']}\tchecktype=external\n`;
const absent: readonly (readonly [Partial<typeof good>, place: string])[] = [
  [{'ha.cf': `${good['ha.cf']}hactl_track_script 5s /nosuch/track x\n`}, 'ha.cf:4:23'],
  [{'ha.cf': `${good['ha.cf']}hactl_alert_command /nosuch/alert\n`}, 'ha.cf:4:21'],
  [{'ha.cf': `${good['ha.cf']}hactl_fence /nosuch/fence -p x\n`}, 'ha.cf:4:13'],
  [{'ldirectord.cf': `${external}\tcheckcommand=/nosuch/check\n`}, 'ldirectord.cf:5:15'],
  [
    {'ldirectord.cf': `${good['ldirectord.cf']}\tfallbackcommand="/nosuch/fallback x"\n`},
    'ldirectord.cf:4:18',
  ],
  [
    {
      'ldirectord.cf': `${good['ldirectord.cf']}\thactl_check=192.0.2.2 checktype=external checkcommand=/nosuch/own\n`,
    },
    'ldirectord.cf:4:14',
  ],
];
for (const [files, location] of absent)
  test(`a missing program is reported before it is needed: ${Object.values(files).join('').trim().split('\n').at(-1)?.trim()}`, async (t) => {
    const {found} = await judge(directory(t, files));
    t.deepEqual(found, [`${location} warning missing-program`]);
  });

test('a respawn line that cannot run is refused in strict mode, as in heartbeat', async (t) => {
  const dir = directory(t, {'ha.cf': `${good['ha.cf']}respawn root ROOT/ha.d/ha.cf\n`});
  const {found} = await judge(dir, {mode: 'strict'});
  t.true(found.includes('ha.cf:4:14 error missing-program'), found.join('; '));
});

test('a missing monitorfile is not an error, and reading does not create it', async (t) => {
  const dir = directory(t, {'ldirectord.cf': `${good['ldirectord.cf']}\tmonitorfile="ROOT/monitor"\n`});
  const {loaded, found} = await judge(dir);
  t.truthy(loaded, found.join('; '));
  t.false(existsSync(path.join(dir, '../monitor')));
  writeFileSync(path.join(dir, 'ldirectord.cf'), `${good['ldirectord.cf']}\tmonitorfile=${dir}\n`);
  t.deepEqual((await judge(dir)).found, ['ldirectord.cf:4:14 error unwritable-file'], 'a directory');
});

test('on a machine that is not a director one notice says what was not checked', async (t) => {
  const dir = directory(t, {haresources: 'alpha 198.51.100.7 nosuch ldirectord\n'});
  const {found} = await judge(dir, {elsewhere: 'checked for another machine'});
  t.deepEqual(
    found.filter((text) => !text.includes('virtual-without-address')),
    ['ha.d:1:1 notice not-judged'],
  );
  const other = await judge(dir, {node: 'gamma'});
  t.true(other.found.some((text) => text.endsWith('not-judged')));
});

for (const [what, spoil, expected] of [
  ['the directory is world-writable', (dir: string) => chmodSync(dir, 0o777), 'ha.d:1:1'],
  ['ha.cf is world-writable', (dir: string) => chmodSync(path.join(dir, 'ha.cf'), 0o666), 'ha.cf:1:1'],
  [
    'ldirectord.cf belongs to another user',
    (dir: string) => chownSync(path.join(dir, 'ldirectord.cf'), 65_534, 0),
    'ldirectord.cf:1:1',
  ],
  [
    'authkeys belongs to another user',
    (dir: string) => chownSync(path.join(dir, 'authkeys'), 65_534, 0),
    'authkeys:1:1',
  ],
  [
    'haresources is group-writable',
    (dir: string) => {
      chownSync(path.join(dir, 'haresources'), 0, 65_534);
      chmodSync(path.join(dir, 'haresources'), 0o660);
    },
    'haresources:1:1',
  ],
] as const)
  test(`${what}: refused`, async (t) => {
    if (!isRoot) {
      t.log('not root: cannot give a file to another user');
      t.pass();
      return;
    }
    const dir = directory(t);
    spoil(dir);
    const {found, loaded} = await judge(dir);
    t.true(found.includes(`${expected} error unsafe-permissions`), found.join('; '));
    t.is(loaded, undefined);
  });

/** Every way to name a program that root runs. */
const lines: readonly (readonly [file: keyof typeof good, line: string, place: string])[] = [
  ['ha.cf', 'hactl_fence ROOT/bin/script -p x', 'ha.cf:4:13'],
  ['ha.cf', 'hactl_track_script 1s ROOT/bin/script x', 'ha.cf:4:23'],
  ['ha.cf', 'hactl_track_script 1s /bin/sh ROOT/bin/script', 'ha.cf:4:23'],
  ['ha.cf', 'hactl_alert_command ROOT/bin/script', 'ha.cf:4:21'],
  ['ha.cf', 'respawn root ROOT/bin/script', 'ha.cf:4:14'],
  ['ha.cf', "hactl_fence cd / && 'ROOT/bin/script' reset", 'ha.cf:4:13'],
  ['ha.cf', 'hactl_fence logger off; $(ROOT/bin/script)', 'ha.cf:4:13'],
  ['ha.cf', 'hactl_track_script 1s /bin/sh -c "ROOT/bin/script', 'ha.cf:4:23'],
  ['ha.cf', 'hactl_track_script 1s /usr/bin/flock /run/lock/x ROOT/bin/script', 'ha.cf:4:23'],
  ['ha.cf', 'hactl_alert_command /usr/bin/env -i A=1 --wrapper=ROOT/bin/script', 'ha.cf:4:21'],
  ['ha.cf', 'hactl_alert_command ROOT/fixed', 'ha.cf:4:21'],
  ['ldirectord.cf', '\thactl_send_program="/usr/bin/env -i ROOT/bin/script"', 'ldirectord.cf:4:21'],
  ['ldirectord.cf', '\tservice=mysql\n\thactl_mysql_key=ROOT/bin/script', 'ldirectord.cf:5:18'],
  ['ldirectord.cf', 'callback=ROOT/bin/script', 'ldirectord.cf:1:10'],
  ['ldirectord.cf', '\tfallbackcommand=ROOT/bin/script x', 'ldirectord.cf:4:18'],
  ['ldirectord.cf', '\tchecktype=external\n\tcheckcommand=ROOT/bin/script', 'ldirectord.cf:5:15'],
  ['ldirectord.cf', '\tchecktype=external-perl\n\tcheckcommand=ROOT/bin/script', 'ldirectord.cf:5:15'],
];
for (const [file, line, location] of lines)
  test(`a world-writable program is refused: ${line.trim()}`, async (t) => {
    const text =
      line.startsWith('\t') || file === 'ha.cf' ? `${good[file]}${line}\n` : `${line}\n${good[file]}`;
    const dir = directory(t, {[file]: text});
    const bin = path.join(dir, '../bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'script'), '#!/bin/sh\n');
    chmodSync(path.join(bin, 'script'), 0o755);
    const fixed = path.join(dir, '../fixed');
    writeFileSync(fixed, `#! ${path.join(dir, '../bin/script')} -x\n`);
    chmodSync(fixed, 0o755);
    const fine = await judge(dir);
    t.truthy(fine.loaded, fine.texts.join('\n'));
    chmodSync(bin, 0o777);
    const {found, loaded} = await judge(dir);
    t.true(found.includes(`${location} error unsafe-permissions`), found.join('; '));
    t.is(loaded, undefined);
  });

test('a world-writable resource script is refused', async (t) => {
  const dir = directory(t, {haresources: 'alpha 192.0.2.1/24/lo Foo\n'});
  mkdirSync(path.join(dir, 'resource.d'));
  writeFileSync(path.join(dir, 'resource.d/Foo'), '#!/bin/sh\n');
  chmodSync(path.join(dir, 'resource.d/Foo'), 0o755);
  t.true((await judge(dir)).found.every((text) => !text.includes('unsafe')));
  chmodSync(path.join(dir, 'resource.d/Foo'), 0o757);
  t.true((await judge(dir)).found.includes('haresources:1:23 error unsafe-permissions'));
});

test('every part of a path is checked, through links, and a sticky directory protects its files', (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-exposed-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  mkdirSync(path.join(root, 'a/b'), {recursive: true});
  mkdirSync(path.join(root, 'c'));
  writeFileSync(path.join(root, 'a/b/file'), '');
  symlinkSync('../a/b/file', path.join(root, 'c/link'));
  t.is(exposure(path.join(root, 'a/b/file')), undefined);
  t.is(exposure(path.join(root, 'c/link')), undefined);
  t.is(exposure(path.join(root, 'a/missing')), undefined);
  chmodSync(path.join(root, 'a'), 0o777);
  t.regex(exposure(path.join(root, 'a/b/file')) ?? '', /everybody may write to .*\/a$/);
  t.regex(exposure(path.join(root, 'c/link')) ?? '', /everybody may write to .*\/a$/, 'behind the link');
  chmodSync(path.join(root, 'a'), 0o1777);
  t.is(exposure(path.join(root, 'a/b/file')), undefined);
  symlinkSync('round', path.join(root, 'round'));
  t.regex(exposure(path.join(root, 'round')) ?? '', /too many links/);
  t.true(readdirSync(root).length > 0);
});

test('what is only an argument may belong to anybody', async (t) => {
  const dir = directory(t, {
    'ha.cf': `${good['ha.cf']}hactl_fence /bin/sh ROOT/fence ROOT/data >>ROOT/log\n`,
  });
  for (const name of ['fence', 'data', 'log']) {
    writeFileSync(path.join(dir, '..', name), 'data');
    chmodSync(path.join(dir, '..', name), name === 'fence' ? 0o600 : 0o666);
  }
  const {found} = await judge(dir);
  t.true(
    found.every((text) => !text.includes('unsafe')),
    found.join('; '),
  );
});

test('of a command the program is checked, and the script given to an interpreter', (t) => {
  for (const [line, files] of [
    ['/usr/bin/x -p /etc/y', ['/usr/bin/x']],
    ['x /etc/y', []],
    ['sh /opt/s.sh', ['/opt/s.sh']],
    ['/bin/bash -x /opt/s.sh /opt/data', ['/bin/bash', '/opt/s.sh']],
    ['/usr/bin/env A=1 python3 /opt/s.py', ['/usr/bin/env', '/opt/s.py']],
    ['timeout 5s /opt/s', ['/opt/s']],
  ] as const)
    t.deepEqual(filesOfCommand(line.split(' ')), files, line);
});

/** Each way to name a program for external checks; the tutorials keep theirs in /root, which only root may enter. */
const checkLines: readonly (readonly [line: string, place: string, mode: number])[] = [
  ['\tchecktype=external\n\tcheckcommand=ROOT/bin/check', 'ldirectord.cf:5:15', 0o755],
  ['\tchecktype=external-perl\n\tcheckcommand=ROOT/bin/check', 'ldirectord.cf:5:15', 0o644],
  ['\thactl_send_program="ROOT/bin/check %h"\n\thactl_expect="UP"', 'ldirectord.cf:4:21', 0o755],
  ['\thactl_check=192.0.2.2 checktype=external checkcommand=ROOT/bin/check', 'ldirectord.cf:4:14', 0o755],
];
for (const [line, location, mode] of checkLines)
  test(`a check that its user cannot run is reported where it is named: ${line.trim()}`, async (t) => {
    if (!isRoot) {
      t.log('not root: other users cannot be asked for');
      t.pass();
      return;
    }
    const dir = directory(t, {'ldirectord.cf': `${good['ldirectord.cf']}${line}\n`});
    const bin = path.join(dir, '../bin');
    mkdirSync(bin, {mode: 0o700});
    writeFileSync(path.join(bin, 'check'), '#!/bin/sh\n');
    chmodSync(path.join(bin, 'check'), mode);
    chmodSync(path.join(dir, '..'), 0o755);
    t.deepEqual((await judge(dir)).found, [], 'root may');

    writeFileSync(path.join(dir, 'ha.cf'), `${good['ha.cf']}hactl_script_user nobody\n`);
    const named = await judge(dir);
    t.deepEqual(named.found, [`${location} warning unreachable-program`]);
    t.regex(named.texts.join(), /nobody cannot run .*\/bin\/check \(.*\/bin has mode 700\): the check fails/);
    t.is(named.loaded?.scriptsAsRoot, undefined, 'whom ha.cf names is not replaced by root');

    chmodSync(bin, 0o755);
    t.deepEqual((await judge(dir)).found, [], 'nobody may now');
    chmodSync(path.join(bin, 'check'), mode & 0o700);
    t.deepEqual((await judge(dir)).found, [`${location} warning unreachable-program`], 'the file itself');
  });

test('external checks run as root if the package’s user cannot run one of them', async (t) => {
  if (!isRoot) {
    t.log('not root: other users cannot be asked for');
    t.pass();
    return;
  }
  const dir = directory(t, {'ldirectord.cf': `${external}\tcheckcommand=ROOT/check\n`});
  writeFileSync(path.join(dir, '../check'), '#!/bin/sh\n', {mode: 0o755});
  const {loaded, sources} = await judge(dir);
  t.truthy(loaded);
  if (!loaded) return;
  // The package's user, played by nobody.
  const facts = {
    ...machineFacts({configDir: dir}, () => undefined),
    hasUser: () => true,
    unreachable: (file: string, user: string, need: 'run' | 'read') => {
      t.is(user, 'hactl-check');
      return unreachable(file, 'nobody', need);
    },
  };
  const closed = judgeMachine(loaded.cluster, facts, {configDir: dir, sources, mode: 'lenient'});
  t.deepEqual(
    closed.map(({code}) => code),
    ['unreachable-program'],
  );
  t.true(needsRoot(loaded.cluster, closed));
  t.like(
    checksOf({...loaded, scriptsAsRoot: true}, () => undefined),
    {identity: {scriptUser: 'root'}},
  );
  chmodSync(path.join(dir, '..'), 0o755);
  t.deepEqual(judgeMachine(loaded.cluster, facts, {configDir: dir, sources, mode: 'lenient'}), []);
  t.false('identity' in checksOf(loaded, () => undefined));
});

test('a monitorfile that root may write and the unit of the package may not is refused', async (t) => {
  const dir = directory(t, {'ldirectord.cf': `${good['ldirectord.cf']}\tmonitorfile=ROOT/monitor.log\n`});
  t.deepEqual((await judge(dir)).found, []);
  const strict = 'LoadState=loaded\nProtectSystem=strict\n';
  t.deepEqual((await judge(dir, {sandbox: parseSandbox(strict)})).found, [
    'ldirectord.cf:4:14 error unwritable-file',
  ]);
  t.deepEqual(
    (await judge(dir, {sandbox: parseSandbox(`${strict}ReadWritePaths=${os.tmpdir()}`)})).found,
    [],
  );
});
