/** Every directive of heartbeat 3.0.6's ha.cf: units, defaults, bounds, order and refusals. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {parseHaCf, stonithCommand, type HaConfig, type Mode} from './index.ts';

const head = 'node a b\nauto_failback on\n';
const parse = (text: string, mode: Mode = 'lenient') => parseHaCf({path: 'ha.cf', text}, {mode});
const pair = (lines: string, mode: Mode = 'lenient') => parse(`${head}bcast eth1\n${lines}\n`, mode);
/** `severity code` and the message. */
const messagesOf = (lines: string, mode: Mode = 'lenient'): string[] =>
  pair(lines, mode).diagnostics.map(({severity, code, message}) => `${severity} ${code}: ${message}`);

/** A line and the model's field that it sets, without a diagnostic. */
const taken: readonly (readonly [lines: string, part: Partial<HaConfig>])[] = [
  ['', {keepalive: 1_000, deadtime: 30_000, warntime: 15_000, initdead: 30_000, deadping: 30_000}],
  ['', {cluster: 'linux-ha', hopfudge: 1, debug: 0, realtime: true, ipfail: false, pings: [], stonith: []}],
  ['keepalive 2', {keepalive: 2_000}],
  ['keepalive 200ms', {keepalive: 200}],
  ['keepalive 200MSEC', {keepalive: 200}],
  ['keepalive 500000us', {keepalive: 500}],
  ['keepalive .5', {keepalive: 500}],
  ['keepalive 1.5', {keepalive: 1_500}],
  ['deadtime 10', {deadtime: 10_000, warntime: 5_000, initdead: 20_000, deadping: 10_000}],
  ['deadtime 5', {deadtime: 5_000, initdead: 12_000}],
  ['deadtime 6', {deadtime: 6_000, initdead: 12_000}],
  ['deadtime 11', {deadtime: 11_000, initdead: 11_000}],
  ['deadtime 10\nwarntime 8\ninitdead 60\ndeadping 7', {warntime: 8_000, initdead: 60_000, deadping: 7_000}],
  ['deadping 7', {deadping: 7_000}],
  ['cluster web', {cluster: 'web'}],
  ['logfile /var/log/ha-log\ndebugfile /var/log/ha-debug', {logFile: '/var/log/ha-log', debugFile: '/var/log/ha-debug'}],
  ['logfacility LOCAL0', {logFacility: 'local0'}],
  ['rtprio 99', {rtPriority: 99}],
  ['realtime off', {realtime: false}],
  ['ping 10.0.0.1 10.0.0.2\nping6 2001:db8::1', {pings: ['10.0.0.1', '10.0.0.2', '2001:db8::1']}],
  ['ping_group up 10.0.0.1 10.0.0.2', {pingGroups: [{name: 'up', members: ['10.0.0.1', '10.0.0.2']}]}],
  ['watchdog /dev/watchdog', {watchdog: '/dev/watchdog'}],
  ['crm off', {cluster: 'linux-ha'}],
  ['pacemaker no', {cluster: 'linux-ha'}],
  ['autojoin none', {cluster: 'linux-ha'}],
  ['# a comment\n  keepalive\t3   # another', {keepalive: 3_000}],
]; // prettier-ignore

for (const [lines, part] of taken)
  test(`taken: ${JSON.stringify(lines)} ${JSON.stringify(part)}`, (t) => {
    const {model, diagnostics} = pair(lines, 'strict');
    t.deepEqual(diagnostics, []);
    t.like(model, part);
  });

test('without logfacility, and with logfacility none, syslog is not used', (t) => {
  t.is(pair('logfacility none').model.logFacility, undefined);
  t.is(pair('').model.logFacility, undefined);
});

for (const [word, meant] of [
  ['true', 'on'],
  ['ON', 'on'],
  ['Yes', 'on'],
  ['y', 'on'],
  ['1', 'on'],
  ['legacy', 'legacy'],
  ['false', 'off'],
  ['OFF', 'off'],
  ['no', 'off'],
  ['N', 'off'],
  ['0', 'off'],
] as const)
  // prettier-ignore
  test(`auto_failback ${word}: ${meant}`, (t) => {
    const {model, diagnostics} = parse(`node a b\nbcast eth1\nauto_failback ${word}\n`, 'strict');
    t.is(model.autoFailback, meant);
    t.deepEqual(diagnostics, []);
  });

test('nice_failback is read as the opposite of auto_failback, with a notice', (t) => {
  for (const [word, meant] of [['on', 'off'], ['off', 'on']] as const) {
    const {model, diagnostics} = parse(`node a b\nbcast eth1\nnice_failback ${word}\n`);
    t.is(model.autoFailback, meant);
    t.deepEqual(diagnostics.map(({severity, code}) => `${severity} ${code}`), ['warning deprecated']);
    t.is(diagnostics[0]?.help, `write auto_failback ${meant}`);
  }
}); // prettier-ignore

test('without auto_failback: legacy with a warning, except on a single director', (t) => {
  const {model, diagnostics} = parse('node a b\nbcast eth1\n');
  t.is(model.autoFailback, 'legacy');
  t.regex(diagnostics[0]?.message ?? '', /auto_failback is not set/);
  t.deepEqual(parse('node a\nbcast eth1\n').diagnostics, []);
});

test('media: every kind, several devices; udpport applies to the lines below it', (t) => {
  const text = `${head}bcast eth1 eth2\nmcast eth3 225.0.0.1 695 1 0\nmcast6 eth3 ff02::1 696 2 1\nudpport 700
ucast eth4 10.0.0.2\nucast6 eth4 2001:db8::2\nudp eth5\n`;
  const {model, diagnostics} = parse(text);
  t.deepEqual(
    model.media.map((medium) => {
      const {span: _, ...one} = medium;
      return one;
    }),
    [
      {kind: 'bcast', device: 'eth1', port: 694},
      {kind: 'bcast', device: 'eth2', port: 694},
      {kind: 'mcast', device: 'eth3', group: '225.0.0.1', port: 695, ttl: 1, loop: false},
      {kind: 'mcast', device: 'eth3', group: 'ff02::1', port: 696, ttl: 2, loop: true},
      {kind: 'ucast', device: 'eth4', peer: '10.0.0.2', port: 700},
      {kind: 'ucast', device: 'eth4', peer: '2001:db8::2', port: 700},
      {kind: 'bcast', device: 'eth5', port: 700},
    ],
  );
  t.deepEqual(
    diagnostics.map(({message}) => message),
    ['udpport setting must precede media statements'],
  );
});

/** Refused: the line, and the first message. */
const refused: readonly (readonly [lines: string, words: RegExp])[] = [
  ['keepalive 2d', /is not a time/],
  ['keepalive -1', /is not a time/],
  ['keepalive 0', /longer than 0/],
  ['keepalive', /needs more words/],
  ['keepalive 5\ndeadtime 10', /deadtime .* longer than twice keepalive/],
  ['deadtime 10\ninitdead 9', /initdead .* not be shorter than deadtime/],
  ['deadtime 10\nwarntime 11', /warntime .* shorter than deadtime/],
  ['keepalive 5\ndeadping 10', /deadping .* longer than twice keepalive/],
  ['udpport 0', /not a port/],
  ['udpport 65536', /not a port/],
  ['mcast eth1 192.0.2.1 694 1 0', /not a multicast group/],
  ['mcast eth1 225.0.0.1 694 256 0', /not a time to live/],
  ['mcast eth1 225.0.0.1 694 1 2', /not a loop flag/],
  ['mcast eth1 225.0.0.1 694 1', /needs more words/],
  ['ucast eth1', /needs more words/],
  ['ucast eth1 peer', /not an address/],
  ['ping nowhere', /not an address/],
  ['ping_group up', /needs more words/],
  ['ping_group up 10.0.0.256', /not an address/],
  ['auto_failback sometimes', /neither on nor off/],
  ['realtime enable', /neither on nor off/],
  ['rtprio 0', /out of bounds/],
  ['rtprio 100', /out of bounds/],
  ['debug 256', /out of bounds/],
  ['hopfudge 256', /out of bounds/],
  ['logfacility local8', /Log facility\(local8\) not valid/],
  ['watchdog', /needs more words/],
  ['watchdog watchdog0', /is not a device/],
  ['watchdog /dev/watchdog\nwatchdog /dev/watchdog1', /multiply specified/],
  ['stonith baytech', /needs more words/],
  ['stonith_host *', /needs more words/],
  ['respawn hacluster', /needs more words/],
  ['respawn hacluster bin/tool', /absolute path/],
  ['failfast root tool', /absolute path/],
  ['serial /dev/ttyS0', /serial is not supported/],
  ['baud 19200', /baud is not supported/],
  ['hbaping card', /hbaping is not supported/],
  ['crm on', /cluster resource manager is not supported/],
  ['crm yes', /cluster resource manager is not supported/],
  ['pacemaker respawn', /cluster resource manager is not supported/],
  ['autojoin any', /conflicts with haresources/],
  ['autojoin other', /conflicts with haresources/],
  ['keepalives 2', /unknown directive/],
]; // prettier-ignore

for (const [lines, words] of refused)
  test(`refused: ${JSON.stringify(lines)}`, (t) => {
    const errors = pair(lines).diagnostics.filter(({severity}) => severity === 'error');
    t.regex(errors[0]?.message ?? '', words);
    t.true(errors.every(({help}) => (help ?? '') !== ''));
  });

/** Accepted in both modes, with a notice that they have no effect. */
const withoutEffect = [
  'apiauth ipfail uid=hacluster', 'use_logd yes', 'conn_logd_time 60', 'syslogmsgfmt yes', 'compression bz2',
  'compression_threshold 2', 'traditional_compression no', 'msgfmt netstring', 'hbgenmethod time', 'uuidfrom nodename',
  'coredumps true', 'coreroot /var/lib/cores', 'memreserve 6500', 'max_rexmit_delay 250', 'log_badpack on', 'env X=1',
  'hopfudge 2', 'use_apphbd no', 'record_config_changes on', 'record_pengine_inputs on', 'enable_config_writes on',
  'crmd_spawns_pengine off', 'quorum_server q', 'debug 1',
]; // prettier-ignore

for (const line of withoutEffect)
  test(`explained: ${line}`, (t) => {
    for (const mode of ['strict', 'lenient'] as const) {
      const {diagnostics} = pair(line, mode);
      t.deepEqual(
        diagnostics.map(({severity, code}) => `${severity} ${code}`),
        ['notice ignored-directive'],
      );
      t.truthy(diagnostics[0]?.help);
    }
  });

test('lenient mode accepts the unit s, which heartbeat does not know, and a bad apiauth; strict mode refuses both', (t) => {
  t.is(pair('keepalive 2s').model.keepalive, 2_000);
  t.deepEqual(messagesOf('keepalive 2s'), []);
  t.regex(messagesOf('keepalive 2s', 'strict')[0] ?? '', /^error bad-value: .* no unit s/);
  t.regex(messagesOf('apiauth ipfail', 'strict')[0] ?? '', /^error bad-value/);
  t.regex(messagesOf('apiauth ipfail')[0] ?? '', /^notice ignored-directive/);
});

test('nodes: in lower case, on any number of lines, each once; no node and no medium are errors', (t) => {
  const {model} = parse('node Alpha\nnode BETA\nbcast eth1\nauto_failback on\n');
  t.deepEqual(
    model.nodes.map(({name}) => name),
    ['alpha', 'beta'],
  );
  const twice = pair('node B');
  t.is(twice.model.nodes.length, 2);
  t.is(twice.diagnostics[0]?.severity, 'warning');
  t.true(parse('bcast eth1\n').diagnostics.some(({code}) => code === 'no-nodes'));
  t.true(parse('node a\n').diagnostics.some(({code}) => code === 'no-media'));
});

test('a directive in the wrong case is read; strict mode refuses it', (t) => {
  t.is(pair('Keepalive 2').model.keepalive, 2_000);
  t.regex(messagesOf('Keepalive 2')[0] ?? '', /^notice misspelled/);
  t.regex(messagesOf('Keepalive 2', 'strict')[0] ?? '', /^error /);
});

test('respawn: ipfail is built in whatever its path, other programs are kept with their user', (t) => {
  for (const path of ['/usr/lib/heartbeat/ipfail', '/usr/libexec/heartbeat/ipfail', '/nowhere/ipfail']) {
    const {model, diagnostics} = pair(`respawn hacluster ${path}`);
    t.true(model.ipfail);
    t.deepEqual(model.respawns, []);
    t.deepEqual(
      diagnostics.map(({severity, code}) => `${severity} ${code}`),
      ['notice builtin-ipfail'],
    );
  }
  t.like(pair('respawn root /usr/bin/tool -x 1\nfailfast root /usr/bin/other').model.respawns, [
    {user: 'root', command: ['/usr/bin/tool', '-x', '1'], failfast: false},
    {user: 'root', command: ['/usr/bin/other'], failfast: true},
  ]);
});

test('stonith lines become one command that tries the devices of this node in turn', (t) => {
  const {model} = pair(`stonith external/ssh /etc/ha.d/conf/ssh
stonith_host * baytech 10.0.0.3 mylogin it's-secret
stonith_host A rps10 /dev/ttyS1 b 0
stonith_host b rps10 /dev/ttyS1 a 0`);
  t.is(
    stonithCommand(model.stonith, 'a'),
    `reset() { stonith -t 'external/ssh' -F '/etc/ha.d/conf/ssh' -T reset "$1"` +
      String.raw` || printf '%s\n' '10.0.0.3 mylogin it'\''s-secret' | stonith -t 'baytech' -F /dev/stdin -T reset "$1"` +
      String.raw` || printf '%s\n' '/dev/ttyS1 b 0' | stonith -t 'rps10' -F /dev/stdin -T reset "$1"; }; reset`,
  );
  t.is(stonithCommand([], 'a'), undefined);
});

test('the shell passes the parameters unchanged and tries the second device only after the first fails', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-stonith-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const program = path.join(folder, 'stonith');
  writeFileSync(program, '#!/bin/sh\nread -r line; printf "<%s>" "$@" "$line"; echo; [ "$2" != broken ]\n');
  chmodSync(program, 0o755);
  const {model} = pair(
    "stonith_host * broken x\nstonith_host * good 10.0.0.3 my it's\nstonith_host * third y",
  );
  // Like the failover engine's driver: the peer's name is the last word.
  const {stdout, status} = spawnSync('/bin/sh', ['-s', 'b'], {
    input: `${stonithCommand(model.stonith, 'a')} "$1"\n`,
    encoding: 'utf8',
    env: {PATH: folder},
  });
  t.is(status, 0);
  t.deepEqual(stdout.trim().split('\n'), [
    '<-t><broken><-F></dev/stdin><-T><reset><b><x>',
    "<-t><good><-F></dev/stdin><-T><reset><b><10.0.0.3 my it's>",
  ]);
});

/** What heartbeat 3.0.6 reads (config.c, cl_get_msec of libplumb): commas separate as blanks do, the last of several values counts. */
for (const [line, expected] of [
  ['node c,d', {nodes: ['a', 'b', 'c', 'd']}],
  ['node c, d ,e', {nodes: ['a', 'b', 'c', 'd', 'e']}],
  ['bcast eth1,eth2', {devices: ['eth0', 'eth1', 'eth2']}],
  ['udp eth1, eth2', {devices: ['eth0', 'eth1', 'eth2']}],
  ['ping 10.0.0.1,10.0.0.2 , 10.0.0.3', {pings: ['10.0.0.1', '10.0.0.2', '10.0.0.3']}],
  ['keepalive ,2,', {keepalive: 2_000}],
  ['keepalive 3, 2', {keepalive: 2_000}],
  ['auto_failback on off', {autoFailback: 'off'}],
  ['auto_failback Legacy', {autoFailback: 'legacy'}],
  ['logfile /a,/b', {logFile: '/b'}],
  ['cluster one two', {cluster: 'two'}],
  ['initdead 20.', {initdead: 20_000}],
  ['initdead 20000msecs', {initdead: 20_000}],
  ['initdead 20000msx', {initdead: 20_000}],
  ['initdead 20000000usec', {initdead: 20_000}],
] as const)
  test(`${line}: as heartbeat reads it`, (t) => {
    const text = `keepalive 1\ndeadtime 5\nbcast eth0\nnode a b\nauto_failback on\n${line}\n`;
    for (const mode of ['strict', 'lenient'] as const) {
      const {model, diagnostics} = parseHaCf({path: 'ha.cf', text}, {mode});
      t.deepEqual(
        diagnostics.filter(({severity}) => severity === 'error'),
        [],
      );
      t.like(
        {
          ...model,
          nodes: model.nodes.map(({name}) => name),
          devices: model.media.flatMap((medium) => ('device' in medium ? [medium.device] : [])),
        },
        expected,
        mode,
      );
    }
  });

test('of several values each is judged, and the last one is taken with a warning', (t) => {
  const read = (line: string) =>
    parseHaCf(
      {path: 'ha.cf', text: `keepalive 1\ndeadtime 5\nbcast eth0\nnode a b\nauto_failback on\n${line}\n`},
      {mode: 'strict'},
    ).diagnostics.map(({severity, code}) => `${severity} ${code}`);
  t.deepEqual(read('keepalive 2 sometimes'), ['warning trailing-text', 'error bad-value']);
  t.deepEqual(read('logfile /a'), []);
});
