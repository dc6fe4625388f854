/** Architecture rules, checked on every file: permitted imports, and which files may do I/O. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {circles, drawing, importedFiles, imports, isProduct, roomEdges, sources} from './import-graph.ts';
import {ladder} from './ladder.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Packages that each package may import: only rows below it, never a neighbour (docs/architecture.md). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  channel: ['base'],
  regex: ['base'],
  config: ['base', 'regex'],
  net: ['base'],
  ipvs: ['base', 'net'],
  failover: ['base', 'net'],
  checks: ['base', 'net', 'regex'],
  sync: ['base', 'channel', 'net', 'ipvs'],
};

/** Exports besides a package's index: net's pure part and its privilege drop, ipvs' test doubles. */
const doors: readonly string[] = [
  // Otherwise hactld would load all checks.
  '@hactl/checks/node-options',
  '@hactl/net/privileges',
  '@hactl/base/files',
  '@hactl/base/heap',
  '@hactl/base/printable',
  '@hactl/base/run',
  '@hactl/net/schedule',
  '@hactl/ipvs/testing',
];

/** Files with I/O: entries and drivers. All others are pure. */
const drivers: readonly RegExp[] = [
  /^src\//,
  /^test\//,
  /^packages\/net\//,
  /^packages\/base\/src\/(time|process-group|reaper|files|run)\.ts$/,
  /\.(test|fixture)\.ts$/,
  /^packages\/[a-z]+\/src\/main\.ts$/,
  /^packages\/ipvs\/src\/(kernel|proc|testing\/contract)[a-z.-]*\.ts$/,
  /^packages\/failover\/src\/driver\//,
  /^packages\/checks\/src\/(driver|router|shard|accounts|starts|confined|report-round|shard-process)\.ts$/,
  /^packages\/checks\/src\/probes\//,
  /^packages\/sync\/src\/(driver|sysctl|kernel)[a-z.-]*\.ts$/,
];

const banned: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(/, 'the wall clock'],
  [/\bperformance\.now\(/, 'the monotonic clock'],
  [/\bMath\.random\(/, 'randomness'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'a timer'],
  [/from 'node:(dgram|net|tls|http|https|dns|child_process|fs|os)(\/promises)?'/, 'I/O'],
  [/\bprocess\.(env|exit|on|send|hrtime|kill)\b/, 'the process'],
];

const packageOf = (name: string): string | undefined => /^packages\/([a-z]+)\//.exec(name)?.[1];

test('the tree contains files to check', (t) => {
  t.true(sources.length > 40, `${sources.length} files`);
});

test('packages import only packages below them, through the index', (t) => {
  const wrong: string[] = [];
  for (const {name, text} of sources) {
    const ownPackage = packageOf(name);
    for (const target of imports(text)) {
      const scoped = /^@hactl\/([a-z]+)(\/.*)?$/.exec(target);
      if (scoped?.[2] && !doors.includes(target)) wrong.push(`${name}: ${target} reaches behind an index`);
      if (ownPackage && scoped && !allowed[ownPackage]?.includes(scoped[1] ?? ''))
        wrong.push(`${name}: ${ownPackage} may not import ${target}`);
      if (ownPackage && target.startsWith('../')) {
        const resolved = path.posix.normalize(path.posix.join(path.posix.dirname(name), target));
        if (packageOf(resolved) !== ownPackage) wrong.push(`${name}: ${target} leaves its package`);
      }
    }
  }
  t.deepEqual(wrong, []);
});

test('npm netlink and koffi stay behind packages/net', (t) => {
  const wrong = sources.filter(
    ({name, text}) =>
      packageOf(name) !== 'net' && imports(text).some((target) => target === 'netlink' || target === 'koffi'),
  );
  t.deepEqual(
    wrong.map(({name}) => name),
    [],
  );
  const users = sources.filter(({text}) => imports(text).includes('netlink')).map(({name}) => name);
  t.deepEqual(users, ['packages/net/src/netlink.ts']);
});

test('pure files use no clock, randomness, timer, socket or process', (t) => {
  const wrong: string[] = [];
  for (const {name, text} of sources) {
    if (drivers.some((pattern) => pattern.test(name))) continue;
    for (const [pattern, what] of banned)
      if (pattern.test(text)) wrong.push(`${name}: ${what} (${String(pattern)})`);
  }
  t.deepEqual(wrong, []);
});

test('no console or any in packages; no test.only, and no skip without a reason', (t) => {
  const wrong: string[] = [];
  for (const {name, text} of sources) {
    const isTest = name.endsWith('.test.ts');
    if (packageOf(name) && !isTest && /\bconsole\.(log|error|warn|info)\(/.test(text))
      wrong.push(`${name}: console`);
    if (/:\s*any\b|\bas any\b|<any>/.test(text) && !name.endsWith('tidy.test.ts')) wrong.push(`${name}: any`);
    if (isTest && /\btest(\.serial)?\.only\(/.test(text) && !name.endsWith('tidy.test.ts'))
      wrong.push(`${name}: only`);
    if (
      isTest &&
      /\.(skip|todo|failing)\b/.test(text) &&
      !/skipped: /.test(text) &&
      !name.endsWith('tidy.test.ts')
    )
      wrong.push(`${name}: a test is skipped without a reason in its title`);
  }
  t.deepEqual(wrong, []);
});

test('a room of src imports only rooms below it on the ladder', (t) => {
  const wrong: string[] = [];
  for (const [room, targets] of roomEdges()) {
    if (!ladder.includes(room)) wrong.push(`src/${room} is not on the ladder`);
    for (const target of targets)
      if (ladder.indexOf(target) <= ladder.indexOf(room)) wrong.push(`src/${room} imports src/${target}`);
  }
  t.deepEqual(wrong, []);
});

test('no import cycles of files, type-only imports included, nor of folders', (t) => {
  const product = sources.filter(({name}) => isProduct(name));
  const files = new Map(product.map((source) => [source.name, new Set(importedFiles(source))]));
  t.deepEqual(circles(files), []);
  t.deepEqual(circles(roomEdges()), []);
});

test('docs/architecture.md has the current drawing of the imports', (t) => {
  t.true(
    readFileSync(path.join(root, 'docs/architecture.md'), 'utf8').includes(drawing(ladder)),
    'run `npm run graph` and put its output into docs/architecture.md',
  );
});

/** Pure files of src besides the slices: everything called by a slice. */
const deciders =
  /^src\/([a-z]+\/slice|daemon\/(core|core-state|facts)|resources\/resource-machine|roles\/.*|control\/orders|journal\/(drafts|journal)|alerts\/(alerts|notices|monitor-line)|operators\/(order-.*|operators-state|orders|maintenance)|configuration\/(changes|config-settle|engine-config)|table\/.*)\.ts$/;
const actors = /^src\/table\/(table-driver|ipvs-connection|packet-hold-driver)\.ts$/;

/** Pure files that may use `let`: cursors over text or octets. */
const cursors: readonly (readonly [RegExp, string])[] = [
  [
    /^packages\/regex\/src\/(perl-class|translate|match-cost|compile-cost)\.ts$/,
    'reads an expression, character by character',
  ],
  [
    /^packages\/config\/src\/(reader|line-index|show-line|redact|diagnostic|edit-distance|authkeys|haresources|ldirectord-(line|lines|servers)|edit\/(ldirectord|haresources)-edit)\.ts$/,
    'reads lines and words',
  ],
  [
    /^packages\/config\/src\/import\/(keepalived-(words|lines|joined)|lvs-cf-lines)\.ts$/,
    'reads lines and words',
  ],
  [
    /^packages\/(base\/src\/(lateness|random)|checks\/src\/recent-lateness)\.ts$/,
    'a ring of samples; a random generator, whose numbers update its state',
  ],
  [/^packages\/failover\/src\/advert\.ts$/, 'an offset in octets'],
  [/^packages\/channel\/src\/channel\.ts$/, 'bits of the replay window'],
  [/^packages\/sync\/src\/(entry|message|table)\.ts$/, 'an offset in octets, for each of a million entries'],
  [/^packages\/sync\/src\/mirror\.ts$/, 'a slot of the hash table, for each of a million entries'],
];

test('pure files use no `let`, except for the listed cursors', (t) => {
  const assigns = sources
    .filter(({name}) => isProduct(name) && !/\/testing(\/|\.ts)/.test(name))
    .filter(({name}) =>
      name.startsWith('src/')
        ? deciders.test(name) && !actors.test(name)
        : !drivers.some((pattern) => pattern.test(name)),
    )
    .filter(({text}) => /^\s*(export )?let /m.test(text))
    .map(({name}) => name);
  t.deepEqual(
    assigns.filter((name) => !cursors.some(([pattern]) => pattern.test(name))),
    [],
  );
  t.deepEqual(
    cursors.filter(([pattern]) => !assigns.some((name) => pattern.test(name))).map(([, reason]) => reason),
    [],
    'unused exception',
  );
});

/** Types of the messages that a process's parent may send. */
function wordsTo(process: string): string[] {
  const text = sources.find(({name}) => name === `packages/${process}/src/messages.ts`)?.text ?? '';
  const union = /^export type To(?:Engine|Checks|Sync) =$([^]*?);\n(?:\n|$)/m.exec(text)?.[1] ?? '';
  return [...union.matchAll(/readonly type: '([a-z-]+)'/g)].map((match) => match[1] ?? '');
}

test('every message type to a child process is sent by the supervisor', (t) => {
  const supervisor = sources
    .filter(({name}) => name.startsWith('src/') && isProduct(name))
    .map(({text}) => text)
    .join('\n');
  for (const process of ['failover', 'checks', 'sync']) {
    const words = wordsTo(process);
    t.true(words.length >= 3, process);
    t.deepEqual(
      words.filter((word) => !supervisor.includes(`type: '${word}'`)),
      [],
      process,
    );
  }
});

/** Files that may write directly; all others use `replaceFile` (packages/base/src/files.ts). */
const writers: Readonly<Record<string, string>> = {
  'packages/net/src/source-address.ts': 'a setting in /proc',
  'packages/sync/src/driver-recent-sync.ts':
    'a note every 3 s that is not essential: no waiting for the disk',
  'packages/sync/src/sysctls.ts': 'settings in /proc',
  'packages/checks/src/probes/real-server.ts': 'test rig',
  'src/host/realserver/realserver-driver.ts': 'settings in /proc',
  'src/cli/commands/support-bundle.ts': 'a new file for a user, refused if it exists',
  'src/compat/ldirectord/instance.ts': 'the pid file is created exclusively: the first process wins',
  'src/daemon/own-directory.ts': 'renames files of other users',
  'src/operators/order-store.ts': 'renames a damaged file',
  'src/journal/journal-pair.ts': 'rotates',
  'src/system/log-file.ts': 'rotates',
  'src/system/oom-score.ts': 'a setting in /proc',
  'src/console/audit.ts': 'rotates',
};

test('files are written with replaceFile, which survives a power loss', (t) => {
  const found = sources
    .filter(
      ({name, text}) =>
        isProduct(name) &&
        name !== 'packages/base/src/files.ts' &&
        !name.startsWith('src/packaging/') &&
        name !== 'src/console/build.ts' &&
        /\b(writeFile|renameSync|rename)(Sync)?\(/.test(text),
    )
    .map(({name}) => name);
  t.deepEqual(found.toSorted(), Object.keys(writers).toSorted());
});

/** Files that start processes without `runLimited` and `startProgram` (packages/base/src/run.ts), and why. */
const spawners: Readonly<Record<string, string>> = {
  'packages/base/src/reaper.ts': 'outlives this process to kill its leftovers',
  'packages/checks/src/probes/real-server.ts': 'test rig',
  'packages/checks/src/probes/testing.ts': 'test rig',
  'src/cli/commands/console.ts': 'hactl console in the foreground',
  'src/cli/commands/support-bundle.ts': 'keeps megabytes of output',
  'src/compat/heartbeat/actions.ts': 'starts the daemon, which keeps running',
  'src/compat/ipvsadm/run.ts': 'modprobe, as ipvsadm does: the command waits for it',
  'src/compat/ldirectord/actions.ts': 'starts the daemon, which keeps running',
  'src/configuration/machine-facts.ts': 'a shell of another user, which only queries the kernel',
  'src/control/access.ts': 'getent, whose whole output is read; no process group needed',
  'src/daemon/capabilities.ts': 'a trial run of setpriv, which starts nothing',
  'src/daemon/scheduled-drill.ts': 'hactl drill, which has its own limits',
  'src/host/realserver/realserver-driver.ts': 'steps in the foreground: Ctrl-C ends them with the command',
  'src/setup/start.ts': 'systemctl in the foreground: Ctrl-C ends it with the command',
  'src/system/syslog.ts': 'logger(1), which keeps running',
  'src/system/unit-sandbox.ts': 'systemctl show, which the command waits for',
};

test('programs are started with runLimited, which kills their process group at the limit', (t) => {
  const found = sources
    .filter(
      ({name, text}) =>
        isProduct(name) &&
        name !== 'packages/base/src/run.ts' &&
        !name.startsWith('src/packaging/') &&
        /import \{[^}]*\b(spawn|spawnSync|exec|execFile|execFileSync)\b[^}]*\} from 'node:child_process'/.test(
          text,
        ),
    )
    .map(({name}) => name);
  t.deepEqual(found.toSorted(), Object.keys(spawners).toSorted());
});

/** Time limits that are not waits: deadlines of the machine, lifetimes. */
const otherLimits: Readonly<Record<string, string>> = {
  'src/roles/readiness.ts FIRST_ROUND_LIMIT': 'a deadline of the machine',
  'src/roles/slice.ts UNFIT_LIMIT': 'a deadline of the machine',
  'src/console/sessions.ts IDLE_LIMIT_MS': 'lifetime of a session',
  'src/console/sessions.ts SESSION_LIMIT_MS': 'lifetime of a session',
  'src/console/users.ts LINK_LIMIT_MS': 'lifetime of an invitation',
  'src/journal/journal-file.ts FILE_LIMIT': 'bytes',
  'src/journal/journal.ts TEXT_LIMIT': 'characters',
};

test('time limits of src are in src/system/limits.ts', (t) => {
  const found = sources
    .filter(({name}) => name.startsWith('src/') && isProduct(name) && name !== 'src/system/limits.ts')
    .flatMap(({name, text}) => [
      ...[...text.matchAll(/const (\w*LIMIT\w*)(?:: Millis)? = [\d_]/g)].map(
        (match) => `${name} ${match[1]}`,
      ),
      ...(/\bask\([^;]*?, [\d_]+\)/s.test(text) ? [`${name}: a literal number as limit of ask()`] : []),
    ]);
  t.deepEqual(found.toSorted(), Object.keys(otherLimits).toSorted());
});

/** Slow commands, and the limit that callers must use. */
const slowCommands: Readonly<Record<string, string>> = {push: 'PUSH_LIMIT_MS', move: 'MOVE_LIMIT_MS'};

test('callers of push and move use their limits: hactl, heartbeat, the console', (t) => {
  const asked = sources
    .filter(({name}) => name.startsWith('src/') && isProduct(name))
    .flatMap(({name, text}) =>
      [...text.matchAll(/command: '(push|move)'[^;]*?,\s*(\w*LIMIT\w*)/g)].map(
        ([, command = '', limit]) => `${name} ${command} ${limit === slowCommands[command]}`,
      ),
    );
  t.true(asked.length >= 5, asked.join('\n'));
  t.deepEqual(
    asked.filter((line) => line.endsWith('false')),
    [],
  );
});

/** Maximum lines of a function in these folders. */
const FUNCTION_MOST = 120;

/** Functions and their lengths in lines; their end is found by prettier's indentation. */
function* functionsOf({
  name,
  text,
}: {
  readonly name: string;
  readonly text: string;
}): Generator<[string, number]> {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const [, indent, word] =
      /^(\s*)(?:export )?(?:async )?function\*? (\w+)/.exec(line) ??
      /^(\s*)(?:export )?const (\w+) = (?:async )?\(.*(?:=>.*\{|\()$/.exec(line) ??
      [];
    if (indent === undefined) continue;
    const end = lines.findIndex((line, number) => number > index && line.startsWith(`${indent}}`));
    if (end !== -1) yield [`${name} ${word ?? ''}`, end - index + 1];
  }
}

test('no function of the product exceeds the maximum length', (t) => {
  const long = sources
    .filter(({name}) => isProduct(name))
    .flatMap((source) => [...functionsOf(source)])
    .filter(([, length]) => length > FUNCTION_MOST)
    .map(([name]) => name);
  t.deepEqual(long, []);
});

/** Maximum lines of a file, and the permitted exceptions. */
const FILE_MOST = 300;
const longFiles: Readonly<Record<string, string>> = {
  'packages/config/src/model.ts': 'types only: the results of all parsers',
  'packages/sync/src/mirror.ts': 'one hash table, whose layout every function depends on',
  'src/daemon/core.ts': 'the only caller of the slices: their interaction is readable in one file',
};

test('no file of the product exceeds the maximum length, except for those listed', (t) => {
  const long = sources
    .filter(({name, text}) => isProduct(name) && text.split('\n').length - 1 > FILE_MOST)
    .map(({name}) => name);
  t.deepEqual(long.toSorted(), Object.keys(longFiles).toSorted());
});

/** Literally translated phrases, and their idiomatic replacements. */
const dialect: Readonly<Record<string, string>> = {
  '(taken|takes?|take it|take them) into use': 'applied, activated',
  'in good order': 'gracefully',
  'start(s|ed)? anew': 'restart',
  'beg(in|ins|an) anew': 'start over',
  'in vain': 'timed out, without effect',
  'belongs into': 'belongs in',
  'slips? of the pen': 'typo',
  'hand-over': 'handover',
  'fail-over': 'failover',
  'no riddle': 'expected',
  'good name': 'state',
  'told nobody': 'sent nothing',
  'stopped to (answer|run|send)': 'stopped answering',
  'it is said': 'it is reported',
  'that is none(?! of)': 'invalid, missing',
  '(made|makes?|opens?|opened|assigned) anew': 'again, recreated',
};

test('no literally translated phrases in the sources', (t) => {
  const found = sources
    .filter(({name}) => !name.endsWith('tidy.test.ts'))
    .flatMap(({name, text}) =>
      Object.entries(dialect)
        .filter(([phrase]) => new RegExp(`\\b(${phrase})\\b`).test(text))
        .map(([phrase, better]) => `${name}: ${phrase}: ${better}`),
    );
  t.deepEqual(found, []);
});
