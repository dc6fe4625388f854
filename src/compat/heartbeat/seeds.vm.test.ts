/** The second tutorial as it is printed, on a kernel with IPVS: table, sync daemon and VIP from its files alone. */
import test from 'ava';
import {makeHosts, putSecondTutorial, type Host} from './hosts.fixture.ts';

const LIMIT = 120_000;

test('service heartbeat start: the table, the sync daemon and the VIP; stop takes them away', async (t) => {
  t.timeout(400_000);
  const {hosts, end} = await makeHosts({'ld.example.com': '10.10.10.52/24', web: '10.10.10.1/24'});
  t.teardown(end);
  const {'ld.example.com': director, web} = hosts as {'ld.example.com': Host; web: Host};
  await director.run('ip', 'address', 'add', '192.168.200.1/24', 'dev', 'eth0');
  await web.put('/var/www/check.txt', 'webserverisworking\n');
  for (const address of ['192.168.200.102', '192.168.200.103']) {
    // oxlint-disable-next-line no-await-in-loop -- two addresses.
    await web.run('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await web.run('busybox', 'httpd', '-p', `${address}:80`, '-h', '/var/www');
  }
  await putSecondTutorial(director);

  const {stdout} = await director.run('/etc/init.d/heartbeat', 'start');
  t.is(stdout, 'Starting High-Availability services: Done.\n');
  const table = `TCP  10.10.10.53:80 lblc persistent 100
  -> 192.168.200.102:80           Route   1      0          0
  -> 192.168.200.103:80           Route   1      0          0
`;
  const shown = async (): Promise<string> =>
    // ipvsadm leaves blanks at the end of its lines.
    `${(await director.run('ipvsadm', '-Ln')).stdout}${(await director.run('ipvsadm', '-L', '--daemon')).stdout}`.replaceAll(
      / +$/gm,
      '',
    );
  const until = performance.now() + LIMIT;
  let last = '';
  while (performance.now() < until) {
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    last = await shown();
    if (last.includes(table) && last.includes('master sync daemon')) break;
  }
  t.true(last.includes(table), last);
  t.regex(last, /master sync daemon \(mcast=eth0, syncid=0/);
  const addresses = async (): Promise<string> =>
    (await director.run('ip', '-o', '-4', 'address', 'show', 'dev', 'eth0')).stdout;
  t.true((await addresses()).includes('10.10.10.53/24 brd 10.10.10.255 scope global secondary'));
  t.is(
    (await director.run('/etc/init.d/heartbeat', 'stop')).stdout,
    'Stopping High-Availability services: Done.\n',
  );
  t.false((await addresses()).includes('10.10.10.53'));
  t.false((await shown()).includes('sync daemon'));
});
