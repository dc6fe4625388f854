/**
 * docs/json.md against a pair in network namespaces: every documented field is printed, and every printed field is documented.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {SyncReport} from '@hactl/sync';
import test from 'ava';
import {ask as client} from '../control/client.ts';
import {makeNamespaces} from '../../test/lab/namespaces.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hactl = path.join(root, 'src/hactl.ts');
const LIMIT = 40_000;

interface Field {
  readonly type: string;
  readonly optional: boolean;
}

/** The tables of docs/json.md, by heading. */
const documented = new Map<string, Map<string, Field>>();
for (const part of readFileSync(path.join(root, 'docs/json.md'), 'utf8')
  .split(/^###? /m)
  .slice(1)) {
  const fields = [...part.matchAll(/^\| `([^`]+)` \| (\w+)(\??) \|/gm)].map(
    ([, name = '', type = '', mark]) => [name, {type, optional: mark === '?'}] as const,
  );
  documented.set(part.split('\n')[0] ?? '', new Map(fields));
}

/** Every leaf of a document with its type; `objects` are documented as such and not looked into. */
function leaves(value: unknown, at: string, fields: ReadonlyMap<string, Field>): [string, string][] {
  const field = fields.get(at);
  if (field?.type === 'object') return [[at, 'object']];
  if (Array.isArray(value)) return value.flatMap((element) => leaves(element, `${at}[]`, fields));
  if (typeof value === 'object' && value !== null) {
    const any = fields.has(`${at}.*`);
    return Object.entries(value).flatMap(([name, one]) =>
      leaves(one, any ? `${at}.*` : at === '' ? name : `${at}.${name}`, fields),
    );
  }
  return [[at, typeof value]];
}

/** Problems of a document against its table. */
function compare(heading: string, document: unknown): string[] {
  const fields = documented.get(heading);
  if (!fields) return [`docs/json.md has no ${heading}`];
  const found = leaves(document, '', fields);
  const names = new Set(found.map(([name]) => name));
  return [
    ...found.flatMap(([name, type]) => {
      const field = fields.get(name);
      if (!field) return [`${heading}: ${name} is printed, not documented`];
      return field.type === type ? [] : [`${heading}: ${name} is a ${type}, documented as ${field.type}`];
    }),
    ...[...fields].flatMap(([name, {optional}]) =>
      optional || names.has(name) ? [] : [`${heading}: ${name} is documented, not printed`],
    ),
  ];
}

const haCf = `keepalive 100ms
deadtime 2
warntime 1
initdead 3
udpport 694
bcast eth0
node director1 director2
auto_failback on
ping 10.99.0.11
`;
const ldirectordCf = `virtual=10.99.0.100:80
\treal=10.99.0.11:80 gate 10
\treal=10.99.0.12:80 gate
\tservice=http
\tchecktype=connect
`;

test('a pair: every document matches docs/json.md', async (t) => {
  const site = makeNamespaces({checkout: root, letter: 'j'});
  t.teardown(() => site.destroy());
  const files = {'ha.cf': haCf, 'ldirectord.cf': ldirectordCf, authkeys: 'auth 1\n1 sha256 a-test-key\n'};
  const haresources = 'director1 IPaddr2::10.99.0.100/24/eth0 ldirectord::ldirectord.cf\n';
  const daemons = ['director1', 'director2'].map(async (host) => {
    const hostDir = path.join(site.root, host);
    for (const [name, text] of Object.entries({...files, haresources}))
      await site.write(host, path.join(hostDir, 'ha.d', name), text, 0o600);
    const words = [
      '--config-dir',
      `${hostDir}/ha.d`,
      '--run-dir',
      `${hostDir}/run`,
      '--state-dir',
      `${hostDir}/state`,
      '--node',
      host,
    ];
    return site.start(host, [process.execPath, path.join(root, 'src/hactld.ts'), ...words], `${hostDir}.log`);
  });
  const started = await Promise.all(daemons);
  t.teardown(() => Promise.all(started.map((program) => program.kill('SIGKILL', true))));
  const ask = async (...words: string[]) =>
    site.run('director1', [
      'env',
      `HACTL_STATE_DIR=${site.root}/director1/state`,
      process.execPath,
      hactl,
      '--run-dir',
      `${site.root}/director1/run`,
      ...words,
    ]);
  const parsed = ({stdout, stderr}: {readonly stdout: string; readonly stderr: string}): unknown => {
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const json = async (...words: string[]) => parsed(await ask(...words, '--json'));
  // Over the socket itself: a hactl process for each look is most of what a small machine can do.
  const until = async (...wanted: string[]): Promise<void> => {
    const end = Date.now() + LIMIT;
    const socket = `${site.root}/director1/run/control.sock`;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
      const seen: unknown = await client(socket, {command: 'status'}, LIMIT).catch(() => undefined);
      const text = JSON.stringify(seen) ?? '';
      if (wanted.every((part) => text.includes(part))) return;
      if (Date.now() > end) throw new Error(`no ${wanted.join(' and ')}: ${text}`);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await new Promise((wake) => setTimeout(wake, 100));
    }
  };
  await until('"role":"Active"', '"state":"up"');

  const drained = await json('drain', '10.99.0.11', '--reason', 'a test');
  t.deepEqual(compare('hactl drain --json', drained), []);
  t.regex(JSON.stringify(drained), /director2 has the override too/);
  const status = await json('status');
  t.deepEqual(compare('hactl status --json', status), []);
  t.regex(JSON.stringify(status), /"orderedWeight":0/);
  t.deepEqual(compare('hactl maintenance list --json', await json('maintenance', 'list')), []);
  t.deepEqual(compare('hactl sync --json', await json('sync')), []);
  t.deepEqual(compare('hactl reload --json', await json('reload')), []);
  t.deepEqual(compare('hactl plan --json', await json('plan')), []);
  t.deepEqual(compare('hactl standby --json', await json('standby')), []);
  t.deepEqual(compare('hactl standby --json', await json('failback')), []);
  // A pair without IPVS serves nobody, so no drill starts. pair.netns.test.ts tests drills.
  const drill = (await json('drill', 'run', '--yes')) as {readonly unhealthy: string[]};
  t.deepEqual(compare('hactl drill run --json', drill), []);
  t.is(drill.unhealthy.length > 0, !existsSync('/proc/net/ip_vs'), drill.unhealthy.join());
  t.deepEqual(compare('hactl drill list --json', await json('drill', 'list')), []);
  const drills = await json('drill', 'report');
  t.deepEqual(compare('hactl drill report --json', drills), []);

  const events = (await ask('events', '--json')).stdout.trim().split('\n');
  t.deepEqual([...new Set(events.flatMap((line) => compare('hactl events --json', JSON.parse(line))))], []);
  t.true(events.some((line) => line.includes('"data":{')));
  const why = await json('why');
  t.deepEqual(compare('hactl why --json', why), []);
  t.regex(JSON.stringify(why), /"ahead":/);
  t.deepEqual(compare('hactl push --json', await json('push', '--dry-run')), []);
  t.deepEqual(compare('hactl resource list --json', await json('resource', 'list')), []);
  t.deepEqual(compare('hactl resource status --json', await json('resource', 'status', 'ldirectord')), []);

  // Change a file on disk, so that there is something to plan, compare and roll back.
  const ownFiles = path.join(site.root, 'director1', 'ha.d');
  const changed = haCf.replace('auto_failback on', 'auto_failback off');
  await site.write('director1', `${ownFiles}/ha.cf`, changed, 0o600);
  for (const [heading, words, wanted] of [
    ['hactl plan --json', ['plan'], /"what":"auto_failback/],
    ['hactl config diff --json', ['config', 'diff'], /auto_failback off/],
    ['hactl reload --json', ['reload'], /"changes":\["/],
    ['hactl status --json', ['status'], /"configDifference":{"peer":"director2","count":\d,"first"/],
    ['hactl config diff --json', ['config', 'diff', '--peer'], /"lines":\["/],
    ['hactl push --json', ['push', '--dry-run'], /"there":.*"what":"auto_failback/],
    ['hactl config rollback --json', ['config', 'rollback', '1'], /"ok":true/],
    ['hactl config history --json', ['config', 'history'], /"side":"rollback"/],
  ] as const) {
    // oxlint-disable no-await-in-loop -- one after the other: each needs what the one before did.
    if (words[0] === 'status') await until('"configDifference"', '"first":{');
    const document = await json(...words);
    // oxlint-enable no-await-in-loop
    t.deepEqual(compare(heading, document), []);
    t.regex(JSON.stringify(document), wanted);
  }

  // What needs no daemon, on a real server and against it.
  const vip = ['--vip', '10.99.0.100'];
  for (const [action, wanted] of [
    ['plan', /"done":false/],
    ['apply', /"done":\["/],
    ['undo', /"undone":[1-9]/],
  ] as const) {
    const words = [hactl, 'realserver', action, ...vip, '--state-dir', `${site.root}/web1`, '--json'];
    // oxlint-disable-next-line no-await-in-loop -- see above.
    const document = parsed(await site.run('web1', [process.execPath, ...words]));
    t.deepEqual(compare(`hactl realserver ${action} --json`, document), []);
    t.regex(JSON.stringify(document), wanted);
  }
  const verified = await json('realserver', 'verify', ...vip, '--real', '10.99.0.11', '--wait', '100');
  t.deepEqual(compare('hactl realserver verify --json', verified), []);
  t.deepEqual(compare('hactl doctor --json', await json('doctor', '--config-dir', ownFiles)), []);

  // Exit status: refused, wrong word, done.
  const unknown = await ask('drain', '10.99.0.111');
  t.is(unknown.status, 1);
  t.regex(unknown.stderr, /did you mean 10\.99\.0\.11\?/);
  t.is((await ask('weight', '10.99.0.11', 'many')).status, 2);
  t.is((await ask('weight', '10.99.0.11', '70000')).status, 1);
  t.is((await ask('no-such-command')).status, 2);
  t.is((await ask('undrain', '10.99.0.11')).status, 0);
});

test('documents that need no daemon, and its absence', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-json-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [hactl, '--run-dir', folder, ...words], {encoding: 'utf8', cwd: folder});
  writeFileSync(
    path.join(folder, 'x.cf'),
    'checktimeout=5 # five seconds\nnosuch=1\nvirtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\tchecktype=negociate\n',
  );
  const wrong = run('check-config', 'x.cf', '--json');
  t.is(wrong.status, 2);
  t.deepEqual(compare('hactl check-config --json', JSON.parse(wrong.stdout)), []);
  writeFileSync(
    path.join(folder, 'rules'),
    '-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -g -w 1\n',
  );
  const imported = run('import', 'rules', '--from', 'ipvsadm', '--json', '--force');
  t.deepEqual(compare('hactl import --json', JSON.parse(imported.stdout)), []);
  const bundle = run('support-bundle', '--json', '--config-dir', folder, '--out', 'b.tar.gz');
  t.deepEqual(compare('hactl support-bundle --json', JSON.parse(bundle.stdout)), []);
  t.true(existsSync(path.join(folder, 'b.tar.gz')));
  const nobody = run('status', '--json');
  t.is(nobody.status, 3);
  t.is(nobody.stdout, '');
  t.regex(nobody.stderr, /is hactld running\? Try: systemctl status hactld/);
});

test('every field of a sync report, by its type', (t) => {
  // A report needs the kernel's IPVS: here the compiler sees to it that no field is missing.
  const report: Required<SyncReport> = {
    mode: 'relay', encrypted: true, inSync: true, reason: '', alone: true, phase: 'in-sync', peer: true, here: 0, there: 0,
    missingHere: 0, missingThere: 0, lag: 0, relayed: 0, heard: 0, lost: 0, late: 0, replayed: 0, forged: 0,
    malformed: 0, injected: 0, waiting: 0, overflows: 0, repaired: 0, resyncs: 0, resent: 0, unheard: 0, retired: 0, pulse: 'beating', age: {p50: 1, p99: 2}, backlog: 0,
    audit: {walks: 0, added: 0, lost: 0},
    last: {took: 0, connections: 0, rounds: 0, complete: true},
  }; // prettier-ignore
  t.deepEqual(compare('report', report), []);
});

test('every command with --json is documented, and no other', (t) => {
  const text = readFileSync(path.join(root, 'docs/json.md'), 'utf8');
  const page = execFileSync(process.execPath, [hactl, 'manual', 'hactl.8'], {encoding: 'utf8'});
  const commands = page
    .split('\n.SS ')
    .slice(1)
    .filter((part) => part.includes('\\fB\\-\\-json\\fR'))
    .map((part) => (part.split('\n')[0] ?? '').replaceAll('\\', '').replace(/ [<[].*/, ''));
  t.true(commands.length > 10);
  const documentedCommands = [...documented.keys()].flatMap(
    (heading) => /^(hactl .*) --json$/.exec(heading)?.[1] ?? [],
  );
  const same = [...text.matchAll(/^The same for [^.]*/gm)].flatMap(([sentence]) =>
    [...sentence.matchAll(/`([^`]+)`/g)].map(([, command = '']) => `hactl ${command}`),
  );
  t.deepEqual([...new Set([...documentedCommands, ...same])].toSorted(), commands.toSorted());
});
