/** events, why and watch on two directors in two namespaces: one loses its LAN, the link between them works. */
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import type {JournalEvent} from '../control/events.ts';
import {makeCluster} from '../../test/drill/cluster.ts';
import type {Program} from '../../test/lab/site.ts';
import {until} from '../../test/lab/until.ts';
import {makeNamespaces} from '../../test/lab/namespaces.ts';
import type {TimelineLine} from './render/timeline.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const site = makeNamespaces({
  checkout: path.resolve(import.meta.dirname, '../..'),
  letter: 'j',
  secondLink: true,
});
const cluster = makeCluster({site, keepalive: '200ms', deadtime: '2', vipOnly: true, media: 'bcast eth1\n'});
const [one, two] = ['director1', 'director2'] as const;
let follower: Program | undefined;

interface WhyDocument {
  readonly version: number;
  readonly story: {readonly title: string; readonly lines: readonly TimelineLine[]};
  readonly peer?: {readonly node?: string; readonly problem?: string};
}

const why = async (name: string): Promise<WhyDocument> => {
  const {status, stdout, stderr} = await cluster.hactl(name, ['why', '--json']);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as WhyDocument;
};
/** A command on its own terminal, made by `script` (util-linux); its output line by line. */
const onTerminal = (name: string, words: string): Promise<Program> => {
  const hactl = `${site.node} ${site.checkout}/src/hactl.ts --run-dir ${cluster.directory(name)}/run ${words}`;
  const shell = `stty cols 80 rows 24; ${hactl}; echo "status $?"; stty -a`;
  return site.start(name, ['script', '-qfec', shell, '/dev/null'], `${site.root}/terminal.log`);
};

test.before(async () => {
  for (const name of [one, two]) {
    // oxlint-disable-next-line no-await-in-loop -- director1 is to be first.
    await cluster.writeConfig(name);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await cluster.start(name);
  }
  await cluster.active(one, LIMIT);
  await cluster.whole(two, LIMIT);
});

test.after.always(async () => {
  await follower?.kill('SIGTERM', true);
  await cluster.stop();
  await site.destroy();
});

test('hactl drill moves every group there and back on a healthy pair, and saves a report', async (t) => {
  const unasked = await cluster.hactl(one, ['drill']);
  t.is(unasked.status, 2);
  t.regex(unasked.stderr, /type hactl drill run standby --yes/);
  const {status, stdout, stderr} = await cluster.hactl(one, ['drill', 'run', '--yes', '--json']);
  t.is(status, 0, stderr);
  const {ok, steps} = JSON.parse(stdout) as {ok: boolean; steps: {move: string; ok: boolean}[]};
  t.true(ok);
  t.deepEqual(
    steps.map((step) => [step.move, step.ok]),
    [
      ['standby', true],
      ['failback', true],
    ],
  );
  await cluster.active(one, LIMIT);
  const kept = await cluster.hactl(one, ['drill', 'report', 'last']);
  t.regex(kept.stdout, /: passed\n[\s\S]*^hactl standby .* ok +took \d+ ms/m);
});

test('events --follow prints new events as they happen', async (t) => {
  follower = await site.start(
    two,
    [
      site.node,
      `${site.checkout}/src/hactl.ts`,
      '--run-dir',
      `${cluster.directory(two)}/run`,
      'events',
      '--follow',
      '--json',
      '--kind',
      'role',
    ],
    `${site.root}/follow.log`,
  );
  const {lines} = follower;
  await until('the first line', LIMIT, () => lines.length > 0);
  await site.cutLink(one);
  await cluster.active(two, LIMIT);
  const event = await until('the takeover is printed', LIMIT, () =>
    lines.map((line) => JSON.parse(line) as JournalEvent).find(({data}) => data?.to === 'Active'),
  );
  t.is(event.v, 1);
  t.is(event.node, two);
  t.regex(event.text, /^IPaddr2::10\.99\.0\.100\/24\/eth0: Backup -> Active: /);
});

test('both directors show the same timeline, including the other’s events', async (t) => {
  const [local, document] = await Promise.all([why(one), why(two)]);
  t.is(local.story.title, document.story.title);
  t.regex(local.story.title, /^director2 took over IPaddr2::10\.99\.0\.100\/24\/eth0 from director1: /);
  t.is(local.peer?.node, two);
  t.is(document.peer?.node, one);
  for (const {story} of [local, document]) {
    const core = story.lines.filter((line) => line.core).map(({node, text}) => `${node} ${text}`);
    t.true(
      core.some((line) => line.startsWith(`${one} Active -> Backup: eth0`)),
      core.join('\n'),
    );
    t.true(
      core.some((line) => line.startsWith(`${two} Backup -> Active: `)),
      core.join('\n'),
    );
  }
});

test('watch: plain frames into a pipe, the alternate screen on a terminal, which is restored', async (t) => {
  const piped = await cluster.hactl(two, ['watch', '--count', '2']);
  t.is(piped.status, 0, piped.stderr);
  t.is(piped.stdout.match(/director2 Active/g)?.length, 2);
  t.false(piped.stdout.includes('\u001B'));

  const terminal = await onTerminal(two, 'watch');
  const messagesOf = (): string => terminal.lines.join('\n');
  await until('the first frame', LIMIT, () => messagesOf().includes('Groups'));
  terminal.write('q');
  await until('it ends', LIMIT, () => !terminal.running);
  t.true(messagesOf().includes('\u001B[?1049h\u001B[?25l'), 'the alternate screen');
  t.true(messagesOf().includes('\u001B[?25h\u001B[?1049l'), 'and back');
  t.regex(messagesOf(), /status 0/);
  t.regex(messagesOf(), /[^-]icanon[\s\S]*[^-]echo /, 'the terminal reads lines and echoes again');
});

test('a dead peer: one side’s timeline with the reason; the journal outlives the daemon', async (t) => {
  await cluster.powerOff(one);
  const alone = await why(two);
  t.regex(alone.peer?.problem ?? '', /^director1 cannot be asked: /);
  const drill = await cluster.hactl(two, ['drill', 'run', 'standby', '--yes']);
  t.is(drill.status, 1);
  t.regex(drill.stderr, /^the pair is not healthy, nothing was done:\n {2}the peer director1 is dead/m);
  await cluster.daemon(two)?.kill('SIGKILL', true);
  await cluster.start(two);
  await cluster.active(two, LIMIT);
  const {stdout} = await cluster.hactl(two, ['events', '--json', '--kind', 'role,daemon']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JournalEvent);
  t.is(events.filter(({kind}) => kind === 'daemon').length, 2);
  t.true(events.filter(({kind}) => kind === 'role').length >= 3);
});
