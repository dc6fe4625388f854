/**
 * Real servers and a director in namespaces on one segment: `hactl realserver` configures a bare machine,
 * the director verifies it before and after, and undo restores it. Mostly in this process, which
 * enters the namespaces; the command itself is tested separately.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {closeSync, existsSync, mkdtempSync, openSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {withNamespace} from '@hactl/net';
import anyTest, {type TestFn} from 'ava';
import {applySteps, undoSteps, type Applied} from './realserver-apply.ts';
import {readFacts} from './realserver-driver.ts';
import {planReal, type RealPlan, type Goal} from './realserver-plan.ts';
import {stateFile} from './realserver-undo.ts';
import {probe} from './verify-driver.ts';
import {judge, type Finding, type Target} from './verify-judge.ts';

const test = anyTest.serial as unknown as TestFn;
const id = `hd${process.pid.toString(36)}`;
const hosts = ['director', 'real1', 'real2', 'other'] as const;
type Host = (typeof hosts)[number];
const addressOf = (host: Host): string => `10.77.0.${10 + hosts.indexOf(host)}`;
const [REAL1, REAL2] = [addressOf('real1'), addressOf('real2')];
const VIP = '10.77.0.100';
const GATE: Goal = {vips: [VIP], method: 'gate', form: 'arp_ignore'};
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-real-'));
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
const inside = (host: Host, ...argv: string[]) =>
  spawnSync('ip', ['netns', 'exec', `${id}${host}`, ...argv], {encoding: 'utf8', timeout: 60_000});
const spaces = new Map<Host | 'own', number>();

function within<T>(host: Host, work: () => T): T {
  const [target, own] = [spaces.get(host), spaces.get('own')];
  if (target === undefined || own === undefined) throw new Error('no namespace');
  return withNamespace(target, own, work);
}

const stateOf = (host: Host): string => stateFile(path.join(folder, host));
const plan = (host: Host, goal: Goal): RealPlan => within(host, () => planReal(goal, readFacts(goal)));
const missing = (host: Host, goal: Goal): number => plan(host, goal).steps.filter(({done}) => !done).length;
const apply = (host: Host, goal: Goal): Applied =>
  within(host, () => applySteps(stateOf(host), planReal(goal, readFacts(goal)).steps));
const undo = (host: Host) => within(host, () => undoSteps(stateOf(host), []));

async function seen(reals: readonly string[], part: Partial<Target> = {}): Promise<string[]> {
  const targets = reals.map((real): Target => ({vip: VIP, port: 0, method: 'gate', real, ...part}));
  const observed = await within('director', () => probe(targets, 240, process.pid & 0xffff));
  return judge(targets, observed).map(({code, real}) => `${code}${real === undefined ? '' : ` ${real}`}`);
}

/** Everything that apply may change. */
const picture = (host: Host): string =>
  ['addr', 'route', '-6 route']
    .map((words) => inside(host, 'ip', ...words.split(' ')).stdout.replaceAll(/ tentative|\d+sec/g, ''))
    .join('') +
  inside(host, 'sh', '-c', 'grep . /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv4/conf/*/rp_filter')
    .stdout;

test.before(() => {
  ip('link', 'add', `${id}b`, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0');
  ip('link', 'set', `${id}b`, 'up');
  spaces.set('own', openSync('/proc/thread-self/ns/net', 'r'));
  for (const [at, host] of hosts.entries()) {
    const space = `${id}${host}`;
    ip('netns', 'add', space);
    ip('link', 'add', `${id}${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('link', 'set', `${id}${at}`, 'master', `${id}b`, 'up');
    // No link-local addresses: they would appear after the first picture.
    inside(host, 'sysctl', '-qw', 'net.ipv6.conf.eth0.addr_gen_mode=1');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    ip('-n', space, 'address', 'add', `${addressOf(host)}/24`, 'dev', 'eth0');
    spaces.set(host, openSync(`/run/netns/${space}`, 'r'));
  }
});

test.after.always(() => {
  for (const fd of spaces.values()) closeSync(fd);
  for (const host of hosts) spawnSync('ip', ['netns', 'delete', `${id}${host}`]);
  spawnSync('ip', ['link', 'delete', `${id}b`]);
  rmSync(folder, {recursive: true, force: true});
});

test('a bare machine, and one that answers ARP for the VIP, are reported', async (t) => {
  ip('-n', `${id}real1`, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
  t.deepEqual(await seen([REAL1, REAL2]), [`answers-arp ${REAL1}`, `no-vip ${REAL2}`]);
  ip('-n', `${id}real1`, 'address', 'delete', `${VIP}/32`, 'dev', 'lo');
});

test('apply makes a good real server, whoever holds the VIP, and undo restores the machine', async (t) => {
  const before = picture('real1');
  const goal = {...GATE, vips: [VIP, '2001:db8::100']};
  t.is(missing('real1', goal), 6);
  t.is(picture('real1'), before, 'planning changes nothing');
  for (const host of ['real1', 'real2'] as const) t.like(apply(host, goal), {wanted: 6, problem: undefined});
  t.regex(
    ip('-n', `${id}real1`, 'address', 'show', 'dev', 'lo'),
    /inet 10\.77\.0\.100\/32 [^]*2001:db8::100\/128/,
  );
  t.is(missing('real1', goal), 0);
  t.is(apply('real1', goal).wanted, 0, 'a second apply has nothing to do');

  t.deepEqual(await seen([REAL1, REAL2]), ['nobody-answers', `good ${REAL1}`, `good ${REAL2}`]);
  ip('-n', `${id}director`, 'address', 'add', `${VIP}/32`, 'dev', 'eth0');
  t.deepEqual(await seen([REAL1, REAL2]), [`good ${REAL1}`, `good ${REAL2}`]);
  ip('-n', `${id}other`, 'address', 'add', `${VIP}/24`, 'dev', 'eth0');
  t.deepEqual(await seen([REAL1]), ['two-holders', `good ${REAL1}`]);
  ip('-n', `${id}director`, 'address', 'flush', 'to', `${VIP}/32`);
  t.deepEqual(await seen([REAL1]), [`good ${REAL1}`], 'the peer holds it');
  ip('-n', `${id}other`, 'address', 'flush', 'to', `${VIP}/32`);

  t.deepEqual(undo('real1'), {undone: 6, stay: 0, notes: []});
  t.is(picture('real1'), before);
  t.false(existsSync(stateOf('real1')));
  t.is(undo('real1').undone, 0);
  t.deepEqual(await seen([REAL1, REAL2]), ['nobody-answers', `no-vip ${REAL1}`, `good ${REAL2}`]);

  // A setting changed since then is not restored.
  inside('real2', 'sysctl', '-qw', 'net.ipv4.conf.eth0.arp_announce=1');
  t.deepEqual(undo('real2').notes, ['net.ipv4.conf.eth0.arp_announce is 1 by now: left alone']);
});

test('masq: a default route that bypasses the director is reported and corrected', async (t) => {
  const look = async (): Promise<string[]> =>
    (await seen([REAL1], {method: 'masq'})).filter((code) => code !== 'nobody-answers');
  const goal: Goal = {...GATE, method: 'masq', gateway: addressOf('director')};
  ip('-n', `${id}real1`, 'route', 'add', 'default', 'via', addressOf('other'));
  const before = picture('real1');
  t.deepEqual(await look(), [`wrong-route ${REAL1}`]);
  t.is(apply('real1', goal).problem, undefined);
  t.is(missing('real1', goal), 0);
  t.deepEqual(await look(), [`good ${REAL1}`]);
  ip('-n', `${id}real1`, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
  t.true((await look()).includes(`vip-on-masq ${REAL1}`));
  ip('-n', `${id}real1`, 'address', 'delete', `${VIP}/32`, 'dev', 'lo');
  t.deepEqual(undo('real1').notes, []);
  t.is(picture('real1'), before);
  ip('-n', `${id}real1`, 'route', 'delete', 'default');
});

test('a real server that answers no echo requests is verified over TCP', async (t) => {
  apply('real1', GATE);
  inside('real1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1');
  t.true((await seen([REAL1])).includes(`no-vip ${REAL1}`), 'without a port');
  t.true((await seen([REAL1], {port: 80})).includes(`good ${REAL1}`), 'a reset is an answer');
  inside('real1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=0');
  undo('real1');
});

test('arptables: both rules work, verified from the director, and are undone', async (t) => {
  if (!existsSync('/usr/sbin/arptables')) {
    t.log('not tried: arptables is not installed here (apt install arptables)');
    t.pass();
    return;
  }
  const rules = (): string[] =>
    inside('real1', 'arptables-save').stdout.split('\n').filter((line) => line.startsWith('-A'));
  const goal: Goal = {...GATE, form: 'arptables'};
  t.like(apply('real1', goal), {wanted: 3, problem: undefined});
  t.is(missing('real1', goal), 0);
  t.true((await seen([REAL1])).includes(`good ${REAL1}`));
  inside('real1', 'arptables', '-A', 'INPUT', '-s', VIP, '-j', 'mangle', '--mangle-ip-s', REAL1);
  t.regex(plan('real1', goal).notes.join(), /is on INPUT, .* belongs on OUTPUT/);
  inside('real1', 'arptables', '-D', 'INPUT', '-s', VIP, '-j', 'mangle', '--mangle-ip-s', REAL1);
  t.deepEqual(undo('real1').notes, []);
  t.deepEqual(rules(), []);
}); // prettier-ignore

test('IPv6: verdicts on a bare, a wrong and a correct machine, and on a second holder', async (t) => {
  const six = (host: Host): string => `2001:db8:77::${10 + hosts.indexOf(host)}`;
  const vip = '2001:db8:77::100';
  const [real1, real2] = [six('real1'), six('real2')];
  const change = (host: Host, what: 'add' | 'delete', address: string, device: string) =>
    ip('-n', `${id}${host}`, 'address', what, address, 'dev', device, ...(what === 'add' ? ['nodad'] : []));
  for (const host of hosts) change(host, 'add', `${six(host)}/64`, 'eth0');
  const look = (part: Partial<Target> = {}, reals = [real1, real2]) => seen(reals, {vip, ...part});
  t.deepEqual(await look(), ['nobody-answers', `no-vip ${real1}`, `no-vip ${real2}`]);
  change('real1', 'add', `${vip}/128`, 'lo');
  change('real2', 'add', `${vip}/64`, 'eth0');
  t.deepEqual(await look(), [`answers-arp ${real2}`, `good ${real1}`]);
  change('other', 'add', `${vip}/64`, 'eth0');
  t.deepEqual(await look(), [`answers-arp ${real2}`, `good ${real1}`], 'the holder');
  change('director', 'add', `${vip}/64`, 'eth0');
  t.true((await look()).includes('two-holders'));
  for (const host of ['real2', 'other', 'director'] as const) change(host, 'delete', `${vip}/64`, 'eth0');
  t.deepEqual(await look({}, [six('other'), '2001:db8:77::99', '2001:db8:88::1']), [
    'nobody-answers',
    `no-vip ${six('other')}`,
    'silent 2001:db8:77::99',
    'not-here 2001:db8:88::1',
  ]);
  const masq = async () =>
    (await look({method: 'masq'}, [real2])).filter((code) => code !== 'nobody-answers');
  ip('-n', `${id}real2`, '-6', 'route', 'add', 'default', 'via', six('other'));
  t.deepEqual(await masq(), [`wrong-route ${real2}`]);
  ip('-n', `${id}real2`, '-6', 'route', 'replace', 'default', 'via', six('director'));
  t.deepEqual(await masq(), [`good ${real2}`]);
  ip('-n', `${id}real2`, '-6', 'route', 'delete', 'default');
  change('real1', 'delete', `${vip}/128`, 'lo');
  for (const host of hosts) change(host, 'delete', `${six(host)}/64`, 'eth0');
});

test('a missing machine, and one on another segment, are reported', async (t) => {
  t.deepEqual(await seen(['10.77.0.99', '192.0.2.1']), [
    'nobody-answers',
    'silent 10.77.0.99',
    'not-here 192.0.2.1',
  ]);
});

test('the command plans, applies and undoes on a real server, and verifies on the director, with exit statuses', (t) => {
  const hactl = (host: Host, ...words: string[]) =>
    inside(host, process.execPath, 'src/hactl.ts', 'realserver', ...words);
  const wanted = hactl('real1', 'plan', '--vip', VIP);
  t.is(wanted.status, 1);
  for (const command of [
    'sysctl -w net.ipv4.conf.all.arp_ignore=1', 'sysctl -w net.ipv4.conf.all.arp_announce=2',
    'sysctl -w net.ipv4.conf.eth0.arp_ignore=1', 'sysctl -w net.ipv4.conf.eth0.arp_announce=2',
    `ip address add ${VIP}/32 dev lo`,
  ]) t.true(wanted.stdout.split('\n').includes(command), command); // prettier-ignore
  const state = ['--state-dir', path.join(folder, 'command')];
  const applied = hactl('real1', 'apply', '--vip', VIP, ...state);
  t.is(applied.status, 0, applied.stderr);
  const look = hactl('director', 'verify', '--json', '--vip', VIP, '--real', REAL1, '--real', REAL2);
  t.is(look.status, 1);
  const {version, bad, findings} = JSON.parse(look.stdout) as {version: number; bad: number; findings: Finding[]};
  t.deepEqual([version, bad], [1, 1]);
  t.deepEqual(findings.map(({code, real}) => `${code} ${real}`), ['nobody-answers undefined', `good ${REAL1}`, `no-vip ${REAL2}`]);
  t.regex(hactl('real1', 'undo', ...state).stdout, /^5 steps undone/);
}); // prettier-ignore
