/** Groups of real scripts: heartbeat's, an init script and an OCF agent, each keeping its state in a file. */
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import {groupIds, parseHaCf, parseHaresources} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {findAgent, missingAgent} from './resource-agents.ts';
import {makeResourceRunner} from './resource-runner.ts';
import {settingsOf} from './resource-settings.ts';
import {until} from '../../test/lab/until.ts';

const LIMIT = 20_000;

/** The common part of the scripts: actions go to a log, state to a file, and other files make them fail. */
const body = (name: string): string => `
cd "$(dirname "$0")/../../state" || exit 1
[ "$action" = status ] || [ "$action" = monitor ] || echo "$action ${name} $args" >> log
case "$action" in
  status) [ ! -e up-${name} ] || touch seen-${name};;
  start) rm -f seen-${name}; if [ -e fail-start-${name} ]; then echo no licence; exit 1; fi; [ ! -e hang-${name} ] || sleep 60; touch up-${name};;
  stop) [ ! -e fail-stop-${name} ] || exit 1; rm -f up-${name};;
esac
`;
const heartbeatScript = (name: string): string => `#!/bin/sh
for action; do :; done
args="$*"; args="\${args% *}"; [ "$#" -gt 1 ] || args=
${body(name)}
if [ "$action" = status ]; then [ -e up-${name} ] && echo "${name} is running" || echo "${name} is not running"; exit 0; fi
exit 0
`;
const initScript = (name: string): string => `#!/bin/sh
action=$1 args=
${body(name)}
[ "$action" != status ] || [ -e up-${name} ] || exit 3
exit 0
`;
const ocfAgent = (name: string): string => `#!/bin/sh
action=$1 args="$OCF_RESKEY_colour $OCF_RESOURCE_INSTANCE $OCF_RESOURCE_PROVIDER $OCF_ROOT"
[ -n "$OCF_RESKEY_colour" ] || exit 6
cd "$OCF_ROOT" && cd ../ha.d/resource.d || exit 5
set -- ; action=$action
${body(name).replace('"$(dirname "$0")/../../state"', '../../state')}
if [ "$action" = monitor ]; then [ -e up-${name} ] || exit 7; fi
exit 0
`;

/** A machine's folders, with a runner on them. */
function machine(t: ExecutionContext, haresources: string, rules = 'hactl_resource * monitor=100ms') {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-resources-'));
  const folder = (name: string): string => path.join(root, name);
  for (const name of [
    'ha.d/resource.d',
    'ha.d/conf/OCF/Lamp',
    'init.d',
    'ocf/resource.d/heartbeat',
    'ocf/resource.d/acme',
    'state',
    'run',
  ])
    mkdirSync(folder(name), {recursive: true});
  const put = (file: string, text: string): void => writeFileSync(folder(file), text, {mode: 0o755});
  for (const name of ['one', 'two', 'three']) put(`ha.d/resource.d/${name}`, heartbeatScript(name));
  put('init.d/four', initScript('four').replace('/../../state', '/../state'));
  put('ocf/resource.d/heartbeat/Lamp', ocfAgent('Lamp'));
  put('ocf/resource.d/acme/Lamp', ocfAgent('Lamp'));
  put('ha.d/conf/OCF/Lamp/hall', '# the lamp in the hall\nOCF_RESKEY_colour="red"\n');

  const groups = parseHaresources({path: 'haresources', text: haresources}, {mode: 'strict'}).model.groups;
  const {model} = parseHaCf(
    {path: 'ha.cf', text: `bcast eth0\nnode a b\nauto_failback on\n${rules}\n`},
    {mode: 'strict'},
  );
  const messages: string[] = [];
  const givenUp: {vrid: number; reason: string; holdOff: number}[] = [];
  const stuck: string[] = [];
  const active = new Set<number>();
  const places = {configDir: folder('ha.d'), initDir: folder('init.d'), ocfRoot: folder('ocf')};
  const make = () =>
    makeResourceRunner({
      clock: systemClock,
      log: (level, message) => messages.push(`${level} ${message}`),
      memory: folder('run/resources.json'),
      settings: (resource, of) => ({...settingsOf(resource, of), stopPause: 10}),
      agent: (resource) =>
        findAgent(resource, {
          ...places,
          node: 'a',
          runDir: folder('run'),
          log: (level, message) => messages.push(`${level} ${message}`),
          sendMail: (mail) => {
            messages.push(`mail to ${mail.to.join(' ')}: ${mail.subject}`);
            return Promise.resolve();
          },
        }),
      active: (vrid) => active.has(vrid),
      giveUp: (vrid, reason, holdOff) => givenUp.push({vrid, reason, holdOff}),
      stuck: (reason) => stuck.push(reason),
    });
  const runner = make();
  runner.configure(groups, model.hactl.resources);
  const mark = (name: string): void => writeFileSync(folder(`state/${name}`), '');
  const marked = (name: string): boolean => existsSync(folder(`state/${name}`));
  const unmark = (name: string): void => rmSync(folder(`state/${name}`), {force: true});
  const lines = (): string[] =>
    existsSync(folder('state/log'))
      ? readFileSync(folder('state/log'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.trim())
      : [];
  t.teardown(async () => {
    for (const name of ['one', 'two', 'three', 'four', 'Lamp']) unmark(`fail-stop-${name}`);
    await runner.stop();
    rmSync(root, {recursive: true, force: true});
  });
  const state = (name: string): string | undefined =>
    runner.list().find((report) => report.name === name)?.phase;
  return {
    runner,
    make,
    groups,
    vrid: groupIds(groups)[0] ?? 0,
    rules: model.hactl.resources,
    places,
    said: messages,
    givenUp,
    stuck,
    active,
    mark,
    marked,
    unmark,
    lines,
    state,
  };
}

test('start left to right around the address, stop right to left; all four kinds of program', async (t) => {
  const host = machine(
    t,
    'a one::x::y four 10.0.0.1/24/eth0 two OCF::Lamp::hall ocf:acme:Lamp::colour=blue MailTo::root@a::LVS\n',
  );
  t.deepEqual(await host.runner.run(host.vrid, 'start'), {ok: true, reason: '2 resources run'});
  t.deepEqual(host.lines(), ['start one x y', 'start four']);
  t.true((await host.runner.run(host.vrid, 'start-late')).ok);
  const ocf = path.join(host.places.ocfRoot);
  t.deepEqual(host.lines().slice(2), [
    'start two',
    `start Lamp red hall heartbeat ${ocf}`,
    // The agent's second instance finds the first one's state: nothing to start.
  ]);
  t.true((await host.runner.run(host.vrid, 'stop')).ok);
  t.deepEqual(host.lines().slice(4), [
    `stop Lamp blue Lamp_blue acme ${ocf}`,
    `stop Lamp red hall heartbeat ${ocf}`,
    'stop two',
    'stop four',
    'stop one x y',
  ]);
  t.deepEqual(
    host.said.filter((line) => line.startsWith('mail')).map((line) => line.replace(/ at .* on/, ' at … on')),
    [
      'mail to root@a: LVS Takeover in progress at … on a',
      'mail to root@a: LVS Migrating resource away at … on a',
    ],
  );
});

test('a failed start before the address stops what was started, and the group is given up', async (t) => {
  const host = machine(t, 'a one two three 10.0.0.1/24/eth0\n');
  host.mark('fail-start-two');
  t.deepEqual(await host.runner.run(host.vrid, 'start'), {
    ok: false,
    reason: 'two: exit status 1: no licence',
  });
  t.deepEqual(host.lines(), ['start one', 'start two', 'stop two', 'stop one']);
  t.deepEqual(host.givenUp, [
    {vrid: host.vrid, reason: 'resource two: exit status 1: no licence', holdOff: 60_000},
  ]);
  t.is(host.state('two'), 'failed');
  await host.runner.run(host.vrid, 'start');
  t.is(host.givenUp[1]?.holdOff, 120_000);
});

test('after the address the rest keeps serving, and the failed resource is retried after the hold-off', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one two\n', 'hactl_resource two holdoff=0');
  host.active.add(host.vrid);
  host.mark('fail-start-two');
  t.false((await host.runner.run(host.vrid, 'start-late')).ok);
  t.is(host.state('one'), 'running');
  host.unmark('fail-start-two');
  await until('two runs', LIMIT, () => host.state('two') === 'running');
  t.deepEqual(host.lines(), ['start one', 'start two', 'stop two', 'start two']);
});

test('a resource that ends is restarted; one that ends too often is given up', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one\n', 'hactl_resource one monitor=100ms restarts=2/600');
  host.active.add(host.vrid);
  await host.runner.run(host.vrid, 'start-late');
  // The script must report "running" once before its status is trusted: query until it has.
  const seen = async (): Promise<void> => {
    for (const time of ['first', 'second']) {
      host.unmark('seen-one');
      // oxlint-disable-next-line no-await-in-loop -- one status after the other.
      await until(`the ${time} status`, LIMIT, () => host.marked('seen-one'));
    }
  };
  for (const restarts of [1, 2]) {
    await seen();
    host.unmark('up-one');
    await until(
      `restart ${restarts}`,
      LIMIT,
      () => host.runner.list()[0]?.restarts === restarts && host.state('one') === 'running',
    );
  }
  await seen();
  host.unmark('up-one');
  await until('given up', LIMIT, () => host.givenUp.length === 1);
  t.regex(
    host.givenUp[0]?.reason ?? '',
    /^resource one: .*not running; restarted 2 times, which is the limit$/,
  );
  t.is(host.state('one'), 'failed');
});

test('a hanging start is killed at its timeout', async (t) => {
  const host = machine(t, 'a one 10.0.0.1/24/eth0\n', 'hactl_resource one start-timeout=200ms');
  host.mark('hang-one');
  t.deepEqual(await host.runner.run(host.vrid, 'start'), {ok: false, reason: 'one: not done within 200 ms'});
});

test('a stop that fails ten times is an error, and the machine is fenced', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one two\n');
  await host.runner.run(host.vrid, 'start-late');
  host.mark('fail-stop-one');
  t.false((await host.runner.run(host.vrid, 'stop')).ok);
  t.is(host.lines().filter((line) => line === 'stop one').length, 10);
  t.deepEqual(host.stuck, ['resource one cannot be stopped: exit status 1']);
  t.true(host.said.some((line) => line.startsWith('error') && line.includes('stop it manually')));
});

test('a resource stopped by an operator stays stopped until a start, or until the group is acquired again', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one two\n');
  host.active.add(host.vrid);
  await host.runner.run(host.vrid, 'start-late');
  t.true((await host.runner.operate('one', 'stop')).ok);
  t.is(host.state('one'), 'held');
  host.runner.configure(host.groups, host.rules);
  t.true((await host.runner.operate('one', 'start')).ok);
  t.is(host.state('one'), 'running');
  await host.runner.operate('one', 'stop');
  await host.runner.run(host.vrid, 'stop');
  await host.runner.run(host.vrid, 'start-late');
  t.is(host.state('one'), 'running');
  t.deepEqual(await host.runner.status('one'), {ok: true});
});

test('a warm resource runs without the group, survives its moves, and stops with the daemon', async (t) => {
  const host = machine(t, 'a one 10.0.0.1/24/eth0 two\n', 'hactl_resource one warm monitor=100ms');
  await until('one runs', LIMIT, () => host.state('one') === 'running');
  await host.runner.run(host.vrid, 'start');
  await host.runner.run(host.vrid, 'start-late');
  await host.runner.run(host.vrid, 'stop');
  t.deepEqual(host.lines(), ['start one', 'start two', 'stop two']);
  await host.runner.stop();
  t.is(host.lines().at(-1), 'stop one');
});

test('after a daemon crash: its resources are stopped where the group is not held, others are left alone', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one two\n');
  await host.runner.operate('one', 'start');
  host.mark('up-two');
  const successor = host.make();
  successor.configure(host.groups, host.rules);
  await successor.run(host.vrid, 'stop');
  t.deepEqual(host.lines(), ['start one', 'stop one']);
  await until('it is reported', LIMIT, () =>
    host.said.some((line) => line.startsWith('error resource two: is running but was not started by hactl')),
  );
  await successor.stop();
  host.unmark('up-two');
});

test('a reload stops removed resources, starts new ones, and leaves the rest', async (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 one two\n');
  host.active.add(host.vrid);
  await host.runner.run(host.vrid, 'start-late');
  const next = parseHaresources({path: 'h', text: 'a 10.0.0.1/24/eth0 two three\n'}, {mode: 'strict'}).model;
  host.runner.configure(next.groups, host.rules);
  await until('three runs', LIMIT, () => host.state('three') === 'running');
  await until('one is stopped', LIMIT, () => host.lines().includes('stop one'));
  t.deepEqual(host.lines().toSorted(), ['start one', 'start three', 'start two', 'stop one']);
});

test('missing programs are reported when the files are read', (t) => {
  const host = machine(t, 'a 10.0.0.1/24/eth0 nosuch ocf:acme:nosuch OCF::Lamp::kitchen one MailTo::a@b\n');
  const missing = host.groups.flatMap(({resources}) =>
    resources.flatMap((resource) => missingAgent(resource, host.places) ?? []),
  );
  t.regex(missing[0] ?? '', /^resource script nosuch is neither in .*resource\.d nor in .*init\.d$/);
  t.regex(missing[1] ?? '', /^there is no OCF agent .*acme\/nosuch$/);
  t.regex(missing[2] ?? '', /^no parameters of OCF::Lamp::kitchen: ENOENT/);
  t.is(missing.length, 3);
});
