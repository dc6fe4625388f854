/** One machine: from installation to a serving director, and back to a purged package. */
import {VIP} from './lan.ts';
import type {Machine} from './machine.ts';
import type {Traffic} from './traffic.ts';
import {runUnit} from './unit.ts';

export interface Plan {
  /** Path of the package in the machines. */
  readonly deb: string;
  /** The same as a newer version. */
  readonly later: string;
  readonly say: (line: string) => unknown;
  /** Starts the client. */
  readonly client: () => Traffic;
}

/** The command from docs/install.md. */
export const INIT = `hactl init --peer director2 --vip ${VIP}/24 --service 80 --server 10.77.0.11 --server 10.77.0.12 --yes`;
export const INSTALL = (deb: string): string => `DEBIAN_FRONTEND=noninteractive apt-get -y install ${deb}`;

/** Lists all files except those that change by themselves: logs, caches, and the state of apt, dpkg and systemd. */
const LIST = `find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log/journal -o -path /var/log/apt \\
  -o -path /var/cache/apt -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /var/cache/ldconfig -o -path /var/tmp \\) -prune -o -print |
  grep -Ev '^/(var/lib/dpkg/[a-z-]*-old|etc/[a-z]*-|var/log/dpkg.log|var/log/alternatives.log|root/.*|var/cache/debconf/.*)$' | sort`;
export const listFiles = (as: string): string => `${LIST} >/root/${as}; wc -l </root/${as}`;

/** Files left after purge that did not exist before; the configuration created by hactl init belongs to the user. */
export const LEFT = `comm -13 /root/before /root/after | grep -Ev '^/etc/ha.d(/(ha.cf|haresources|ldirectord.cf|authkeys))?$' || true;
comm -23 /root/before /root/after; getent passwd hactl-check; getent group hactl; true`;

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Returns the failures. */
export async function runSingle(machine: Machine, {deb, say, client}: Plan): Promise<string[]> {
  const failures: string[] = [];
  const expect = (holds: boolean, text: string): void => {
    if (!holds) failures.push(text);
  };
  say(`${machine.name} runs commands ${seconds(await machine.powerOn())} after power-on`);
  await machine.run('systemctl is-system-running --wait', 300);
  const before = await machine.must(listFiles('before'), 300);
  say(`files before: ${before.text.trim()}`);
  const installed = await machine.must(INSTALL(deb), 600);
  say(`apt install: ${seconds(installed.took)}`);
  expect(
    installed.text.includes('hactl init'),
    `apt install does not print the next command:\n${installed.text}`,
  );
  const bare = await machine.run('hactl doctor; hactl status');
  expect(
    (bare.text.match(/next: hactl init/g) ?? []).length === 2,
    `doctor and status without a configuration:\n${bare.text}`,
  );
  const traffic = client();
  const began = performance.now();
  const init = await machine.run(`${INIT} --no-invite`, 300);
  say(`hactl init until hactld is READY: ${seconds(init.took)}`);
  say(init.text.match(/^(starting hactld|hactld ).*$/gm)?.join('\n') ?? '');
  expect(
    init.status === 0 && /^hactld is running and serves/m.test(init.text),
    `hactl init (status ${init.status}): ${init.text}`,
  );
  await traffic.answered(60_000).then(
    () =>
      say(
        `first answered request ${seconds((performance.now() - began) / 1_000)} after hactl init was typed`,
      ),
    (error: unknown) => failures.push(String(error)),
  );
  const show = await machine.must(
    'systemctl show hactld -p Type,ActiveState,WatchdogUSec,StatusText,NRestarts; systemctl is-enabled hactld',
  );
  say(show.text.trim());
  expect(/ActiveState=active/.test(show.text), 'hactld is not active');
  const status = await machine.must('hactl status');
  say(status.text);
  expect(
    /10\.77\.0\.100 dev eth0: held here/.test(status.text),
    'hactl status does not show the address as local',
  );
  const cost = await machine.must(
    'for i in 1 2 3; do s=$(cut -d" " -f1 /proc/uptime); hactl status >/dev/null; e=$(cut -d" " -f1 /proc/uptime); echo "$s $e"; done',
  );
  const times = cost.text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .map(([from = 0, to = 0]) => (to - from).toFixed(2));
  say(`hactl status takes ${times.join(', ')} s (emulated)`);
  const security = await machine.run('systemd-analyze security hactld | tail -1');
  say(security.text.trim());
  failures.push(...(await runUnit(machine, say)));
  const stop = await machine.must('systemctl stop hactld; ip addr show eth0', 120);
  say(`systemctl stop: ${seconds(stop.took)}`);
  expect(!stop.text.includes(VIP), 'the address is still there after systemctl stop');
  await machine.must('systemctl start hactld', 180);
  const purged = await machine.must('DEBIAN_FRONTEND=noninteractive apt-get -y purge hactl', 300);
  say(`apt purge: ${seconds(purged.took)}`);
  await machine.must(listFiles('after'), 300);
  const left = await machine.must(LEFT);
  say(
    left.text.trim() === ''
      ? 'left after purge: only the configuration in /etc/ha.d'
      : `left after purge:\n${left.text}`,
  );
  expect(left.text.trim() === '', 'purge leaves files');
  const addresses = await machine.must('ip addr');
  expect(!addresses.text.includes(VIP), 'the address is still assigned after purge');
  const services = await machine.must('tail -n +4 /proc/net/ip_vs');
  expect(services.text.trim() === '', `virtual services are in the kernel after purge:\n${services.text}`);
  const failed = await machine.must('systemctl --failed --no-legend');
  expect(!failed.text.includes('hactl'), `failed units:\n${failed.text}`);
  return failures;
}
