/** A supervised pair in network namespaces: a program that dies, is restarted, and dies too often. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {ask} from '../control/client.ts';
import type {ResourceStatus} from '../control/protocol.ts';
import {controlSocket} from '../system/paths.ts';
import {checkout, makeHosts, type Host} from '../compat/heartbeat/hosts.fixture.ts';
import {until} from '../../test/lab/until.ts';

const LIMIT = 60_000;

const HA = `keepalive 200ms
deadtime 2
initdead 20
bcast eth0
auto_failback off
node one two
respawn nobody /etc/ha.d/beside
hactl_resource web monitor=200ms restarts=1/600 holdoff=600
`;

/** A daemon as started by an administrator's script. */
const WEB = `#!/bin/sh
pid=/run/web.pid
alive() { [ -s $pid ] && kill -0 $(cat $pid) 2> /dev/null && ! grep -q ' Z ' /proc/$(cat $pid)/stat; }
case "$1" in
  start) sleep 1000 > /dev/null 2>&1 & echo $! > $pid;;
  stop) alive && kill $(cat $pid); rm -f $pid;;
  status) date +%s.%N > /run/web.asked; alive && echo web is running || echo web is not running;;
esac
exit 0
`;

const BESIDE = `#!/bin/sh
id -un > /var/tmp/beside
exec sleep 1000
`;

const read = (host: Host, file: string): string => {
  try {
    return readFileSync(host.root + file, 'utf8').trim();
  } catch {
    return '';
  }
};
const holds = async (host: Host): Promise<boolean> =>
  (await host.run('ip', '-o', 'address', 'show', 'dev', 'eth0')).stdout.includes(' 10.66.0.100/24 ');
const webOf = (host: Host): string => read(host, '/run/web.pid');
const hactl = (host: Host, ...words: string[]) =>
  host.run(process.execPath, `${checkout}/src/hactl.ts`, ...words);
/** What `hactl resource` would show of web. */
const shown = async (host: Host): Promise<ResourceStatus | undefined> =>
  (await ask(controlSocket(`${host.root}/run/hactl`), {command: 'resource', action: 'list'}, LIMIT)).find(
    ({name}) => name === 'web',
  );

test('a resource that dies is restarted; one that dies too often moves to the peer with its group', async (t) => {
  const {hosts, end} = await makeHosts({one: '10.66.0.1/24', two: '10.66.0.2/24'});
  t.teardown(end);
  const {one, two} = hosts as {one: Host; two: Host};
  for (const host of [one, two])
    for (const [file, content, mode] of [
      ['ha.cf', HA, '644'],
      ['haresources', 'one 10.66.0.100/24/eth0 web\n', '644'],
      ['authkeys', 'auth 1\n1 sha256 secret\n', '600'],
      ['resource.d/web', WEB, '755'],
      ['beside', BESIDE, '755'],
    ] as const)
      // oxlint-disable-next-line no-await-in-loop -- a few small files.
      await host.put(`/etc/ha.d/${file}`, content, mode);
  for (const host of [one, two]) await host.run('chmod', '755', '/etc/ha.d');
  await Promise.all([one, two].map((host) => host.run('/etc/init.d/heartbeat', 'start')));
  await until('the group is on the first', LIMIT, async () => (await holds(one)) && webOf(one) !== '');
  t.is(webOf(two), '');
  await until(
    'the program beside the director',
    LIMIT,
    async () => read(one, '/var/tmp/beside') === 'nobody',
  );

  const listed = await hactl(one, 'resource');
  t.is(listed.status, 0, listed.stderr);
  t.regex(
    listed.stdout,
    /^group 10\.66\.0\.100\/24\/eth0 \(active here\)\n {2}IPaddr::10\.66\.0\.100\/24\/eth0 +cold +running/,
  );
  t.regex(listed.stdout, /\n {2}web +cold +running/);

  const first = webOf(one);
  await until('web is watched', LIMIT, async () => (await shown(one))?.watched === true);
  await one.run('kill', first);
  await until('web is restarted', LIMIT, async () => !['', first].includes(webOf(one)));
  t.true(await holds(one));
  const second = webOf(one);
  await until('web runs again', LIMIT, async () => (await shown(one))?.state === 'running');
  await one.run('kill', second);
  await until('the group is on the second', LIMIT, async () => (await holds(two)) && webOf(two) !== '');
  await until('the first has let go', LIMIT, async () => !(await holds(one)) && webOf(one) === '');
  const failed = await hactl(one, 'resource', '--json');
  t.is(failed.status, 1);
  t.regex(failed.stdout, /"name":"web".*"state":"failed","reason":"[^"]*which is the limit"/);

  t.is((await hactl(two, 'resource', 'stop', 'web')).stdout, 'stop web: done: stopped\n');
  t.is((await hactl(two, 'resource', 'status', 'web')).status, 1);
  t.is((await shown(two))?.state, 'held');
  t.is(
    (await hactl(one, 'resource', 'start', 'web')).stderr,
    'hactl: web is cold and its group is not here: hactl takeover brings the group\n',
  );
  t.is((await hactl(two, 'resource', 'start', 'web')).status, 0);
  t.not(webOf(two), '');
  t.is((await two.run('/etc/init.d/heartbeat', 'stop')).status, 0);
  t.is(webOf(two), '');
  t.false(await holds(two));
});
