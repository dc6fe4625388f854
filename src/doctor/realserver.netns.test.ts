/**
 * Real servers and a director in namespaces of their own on one segment: what `hactl realserver` makes of a bare machine,
 * what the director sees of it before and after, and that undo leaves it as it was.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import type {Finding} from './verify-judge.ts';

const test = anyTest.serial as unknown as TestFn;
const id = `hd${process.pid.toString(36)}`;
const hosts = ['director', 'real1', 'real2', 'other'] as const;
type Host = (typeof hosts)[number];
const addressOf = (host: Host): string => `10.77.0.${10 + hosts.indexOf(host)}`;
const VIP = '10.77.0.100';
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-real-'));
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
const inside = (host: Host, ...argv: string[]) =>
  spawnSync('ip', ['netns', 'exec', `${id}${host}`, ...argv], {encoding: 'utf8', timeout: 60_000});
const hactl = (host: Host, ...words: string[]) =>
  inside(host, process.execPath, 'src/hactl.ts', 'realserver', ...words);
const state = (host: Host): string[] => ['--state-dir', path.join(folder, host)];
const verify = (...words: string[]) => {
  const answer = hactl('director', 'verify', '--json', '--wait', '150', ...words);
  const {findings} = JSON.parse(answer.stdout || '{}') as {findings?: Finding[]};
  return {status: answer.status, findings: findings ?? [], stderr: answer.stderr};
};
const both = ['--vip', VIP, '--real', addressOf('real1'), '--real', addressOf('real2')];
const codes = (findings: readonly Finding[]): string[] =>
  findings.map(({code, real}) => `${code}${real === undefined ? '' : ` ${real}`}`);
/** All that apply may change. */
const picture = (host: Host): string =>
  ['addr', 'route', '-6 addr']
    .map((words) => inside(host, 'ip', ...words.split(' ')).stdout.replaceAll(/ tentative|\d+sec/g, ''))
    .join('') +
  inside(host, 'sh', '-c', 'grep . /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv4/conf/*/rp_filter')
    .stdout;

test.before(() => {
  ip('link', 'add', `${id}b`, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0');
  ip('link', 'set', `${id}b`, 'up');
  for (const [at, host] of hosts.entries()) {
    const space = `${id}${host}`;
    ip('netns', 'add', space);
    ip('link', 'add', `${id}${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('link', 'set', `${id}${at}`, 'master', `${id}b`, 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    ip('-n', space, 'address', 'add', `${addressOf(host)}/24`, 'dev', 'eth0');
  }
});

test.after.always(() => {
  for (const host of hosts) spawnSync('ip', ['netns', 'delete', `${id}${host}`]);
  spawnSync('ip', ['link', 'delete', `${id}b`]);
  rmSync(folder, {recursive: true, force: true});
});

test('a bare machine is no real server, and one with only the address answers ARP for it: both are found', (t) => {
  ip('-n', `${id}real1`, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
  const {status, findings} = verify(...both);
  t.is(status, 1);
  t.deepEqual(codes(findings), [`answers-arp ${addressOf('real1')}`, `no-vip ${addressOf('real2')}`]);
  ip('-n', `${id}real1`, 'address', 'delete', `${VIP}/32`, 'dev', 'lo');
});

test('plan says what is missing, apply does it once, the director sees it, and undo leaves all as it was', (t) => {
  const before = picture('real1');
  const plan = hactl('real1', 'plan', '--vip', VIP);
  t.is(plan.status, 1);
  for (const command of [
    'sysctl -w net.ipv4.conf.all.arp_ignore=1', 'sysctl -w net.ipv4.conf.all.arp_announce=2',
    'sysctl -w net.ipv4.conf.eth0.arp_ignore=1', 'sysctl -w net.ipv4.conf.eth0.arp_announce=2',
    `ip address add ${VIP}/32 dev lo`,
  ]) t.true(plan.stdout.split('\n').includes(command), command); // prettier-ignore
  t.is(picture('real1'), before, 'plan changes nothing');
  for (const host of ['real1', 'real2'] as const) {
    const applied = hactl(host, 'apply', '--vip', VIP, '--vip', '2001:db8::100', ...state(host));
    t.is(applied.status, 0, applied.stderr);
  }
  t.regex(
    inside('real1', 'ip', 'address', 'show', 'dev', 'lo').stdout,
    /inet 10\.77\.0\.100\/32 .*\n[^]*2001:db8::100\/128/,
  );
  t.regex(hactl('real1', 'apply', '--vip', VIP, ...state('real1')).stdout, /nothing to do/);

  const nobody = verify(...both);
  t.is(nobody.status, 0, nobody.stderr);
  t.deepEqual(codes(nobody.findings), [
    'nobody-answers',
    `good ${addressOf('real1')}`,
    `good ${addressOf('real2')}`,
  ]);

  ip('-n', `${id}director`, 'address', 'add', `${VIP}/32`, 'dev', 'eth0');
  t.deepEqual(codes(verify(...both).findings), [`good ${addressOf('real1')}`, `good ${addressOf('real2')}`]);
  ip('-n', `${id}other`, 'address', 'add', `${VIP}/24`, 'dev', 'eth0');
  const two = verify(...both);
  t.is(two.status, 1);
  t.true(codes(two.findings).includes('two-holders'));
  for (const host of ['director', 'other'] as const)
    ip('-n', `${id}${host}`, 'address', 'flush', 'to', `${VIP}/32`);

  t.is(hactl('real1', 'undo', ...state('real1')).status, 0);
  t.is(picture('real1'), before);
  t.throws(() => readFileSync(path.join(folder, 'real1/realserver.json')));
  t.deepEqual(codes(verify(...both).findings), [
    'nobody-answers',
    `no-vip ${addressOf('real1')}`,
    `good ${addressOf('real2')}`,
  ]);

  // What somebody has set otherwise since then is theirs.
  inside('real2', 'sysctl', '-qw', 'net.ipv4.conf.eth0.arp_announce=1');
  t.regex(hactl('real2', 'undo', ...state('real2')).stdout, /eth0\.arp_announce is 1 by now: left alone/);
});

test('masq: a default route past the director is found, and mended', (t) => {
  const masq = ['--method', 'masq', '--vip', VIP, '--real', addressOf('real1')];
  const seen = () => codes(verify(...masq).findings).filter((code) => code !== 'nobody-answers');
  const before = picture('real1');
  ip('-n', `${id}real1`, 'route', 'add', 'default', 'via', addressOf('other'));
  t.deepEqual(seen(), [`wrong-route ${addressOf('real1')}`]);
  t.is(
    hactl('real1', 'apply', '--method', 'masq', '--vip', VIP, ...state('real1')).status,
    1,
    'no --gateway',
  );
  const gateway = ['--method', 'masq', '--vip', VIP, '--gateway', addressOf('director')];
  t.is(hactl('real1', 'apply', ...gateway, ...state('real1')).status, 0);
  t.deepEqual(seen(), [`good ${addressOf('real1')}`]);
  ip('-n', `${id}real1`, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
  t.true(seen().includes(`vip-on-masq ${addressOf('real1')}`));
  ip('-n', `${id}real1`, 'address', 'delete', `${VIP}/32`, 'dev', 'lo');
  t.is(hactl('real1', 'undo', ...state('real1')).status, 0);
  t.regex(ip('-n', `${id}real1`, 'route', 'show', 'default'), new RegExp(`via ${addressOf('other')} `));
  ip('-n', `${id}real1`, 'route', 'delete', 'default');
  t.is(picture('real1'), before);
});

test('the real server is found through TCP where it answers no echo requests', (t) => {
  hactl('real1', 'apply', '--vip', VIP, ...state('real1'));
  inside('real1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1');
  const one = ['--vip', VIP, '--real', addressOf('real1')];
  t.true(codes(verify(...one).findings).includes(`no-vip ${addressOf('real1')}`), 'without a port');
  t.true(
    codes(verify(...one, '--port', '80').findings).includes(`good ${addressOf('real1')}`),
    'a reset is an answer',
  );
  inside('real1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=0');
  hactl('real1', 'undo', ...state('real1'));
});

test('a machine that is not there, and one that is not on the segment', (t) => {
  const {findings, status} = verify('--vip', VIP, '--real', '10.77.0.99', '--real', '192.0.2.1');
  t.is(status, 1);
  t.deepEqual(codes(findings), ['nobody-answers', 'silent 10.77.0.99', 'not-here 192.0.2.1']);
});
