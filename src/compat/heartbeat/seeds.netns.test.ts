/**
 * Two tutorials as printed, on simulated machines: their files in /etc/ha.d, `service heartbeat start`, and the kernel's state
 * checked. This kernel may lack IPVS: the drill tests table and sync daemon.
 */
import test, {type ExecutionContext} from 'ava';
import {makeHosts, putSecondTutorial, seed, type Host} from './hosts.fixture.ts';

const LIMIT = 40_000;

async function until(t: ExecutionContext, what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT;
  // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
  while (!(await condition())) {
    if (performance.now() > end) {
      t.fail(`not in time: ${what}`);
      return;
    }
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const addresses = async (host: Host): Promise<string> =>
  (await host.run('ip', '-o', '-4', 'address', 'show', 'dev', 'eth0')).stdout;

async function service(host: Host, action: string): Promise<string> {
  const {status, stdout, stderr} = await host.run('service', 'heartbeat', action);
  return `${stdout}${stderr}${status}`;
}

async function machines(t: ExecutionContext, nodes: Readonly<Record<string, string>>) {
  const {hosts, end} = await makeHosts(nodes);
  t.teardown(end);
  return Object.keys(nodes).map((name) => hosts[name] as Host);
}

test('the second tutorial, one director, character by character', async (t) => {
  const [director, client] = (await machines(t, {
    'ld.example.com': '10.10.10.52/24',
    client: '10.10.10.1/24',
  })) as [Host, Host];
  await putSecondTutorial(director);
  t.is(await service(director, 'status'), 'heartbeat is stopped. No process\n3');
  t.is(await service(director, 'start'), 'Starting High-Availability services: Done.\n0');
  await until(t, 'the VIP', async () =>
    (await addresses(director)).includes('10.10.10.53/24 brd 10.10.10.255 scope global secondary'),
  );
  t.is((await client.run('ping', '-c1', '-W2', '10.10.10.53')).status, 0);
  t.regex(
    await service(director, 'status'),
    /^heartbeat OK \[pid \d+ et al\] is running on ld\.example\.com \[ld\.example\.com\]\.\.\.\n0$/,
  );
  t.is(await service(director, 'start'), 'Starting High-Availability services: Done.\n0');
  t.is(await service(director, 'stop'), 'Stopping High-Availability services: Done.\n0');
  t.false((await addresses(director)).includes('10.10.10.53'));
  t.is(await service(director, 'stop'), 'Stopping High-Availability services: Done.\n0');
});

test('the fifth tutorial, two directors: the VIP, a reload, a stop that hands over', async (t) => {
  const [one, two] = (await machines(t, {
    'ha-balancer-1': '192.168.0.11/24',
    'ha-balancer-2': '192.168.0.12/24',
  })) as [Host, Host];
  // Its ha.cf is in a part of the series that is not kept: the second tutorial's, with both names.
  const ha = seed('s001_ha.cf').replace('node ld.example.com', 'node ha-balancer-1 ha-balancer-2');
  for (const host of [one, two]) {
    await host.put('/etc/ha.d/ha.cf', ha);
    await host.put('/etc/ha.d/haresources', seed('s004_haresources'));
    await host.put('/etc/ha.d/authkeys', seed('s001_authkeys'), '600');
    await host.put('/etc/ha.d/ldirectord.cf', seed('s004_flat.cf'));
  }
  const started = await Promise.all([one, two].map((host) => service(host, 'start')));
  t.deepEqual(started, Array(2).fill('Starting High-Availability services: Done.\n0'));
  await until(t, 'the VIP on the first', async () => (await addresses(one)).includes('192.168.0.100/24'));
  t.false((await addresses(two)).includes('192.168.0.100'));
  t.is(
    (await one.run('/etc/init.d/heartbeat', 'reload')).stdout,
    'Reloading High-Availability services: Done.\n',
  );
  t.is(await service(one, 'stop'), 'Stopping High-Availability services: Done.\n0');
  t.true((await addresses(two)).includes('192.168.0.100/24'));
  t.false((await addresses(one)).includes('192.168.0.100'));
  t.is(await service(two, 'stop'), 'Stopping High-Availability services: Done.\n0');
});

test('a broken file, and none at all', async (t) => {
  const [host] = (await machines(t, {director: '10.10.10.52/24'})) as [Host];
  t.is(
    await service(host, 'start'),
    'Starting High-Availability services: Heartbeat not configured: /etc/ha.d/ha.cf not found. Heartbeat failure [rc=6]. Failed.\n6',
  );
  await host.put('/etc/ha.d/ha.cf', 'bcast eth0\nnode director\nkeepalve 2\n');
  const text = await service(host, 'start');
  t.regex(text, /services: {2}Heartbeat failure \[rc=6\]\. Failed\./);
  t.regex(text, /unknown directive keepalve/);
  t.regex(text, /6$/);
  t.is(
    await service(host, 'standby'),
    'Attempting to enter standby mode: Heartbeat is not currently running.\n Heartbeat failure [rc=1]. Failed.\n1',
  );
});
