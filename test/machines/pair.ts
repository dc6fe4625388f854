/** Two machines: installed, joined to a pair, and taken through its life cycle under a client's load. */
import {until} from '../lab/until.ts';
import {VIP} from './lan.ts';
import type {Machine} from './machine.ts';
import {INIT, INSTALL, LEFT, listFiles, type Plan} from './single.ts';
import type {Traffic} from './traffic.ts';

const seconds = (value: number): string => `${value.toFixed(1)} s`;
const holds = async (machine: Machine): Promise<boolean> =>
  (await machine.must('ip -4 addr show eth0')).text.includes(`${VIP}/`);

/** Emulated, the command takes seconds of the machine's only processor: it must not delay what it watches. */
const STATUS = 'nice -n 5 hactl status';
const WATCH_EVERY = 5_000;

/** Waits until both report ready and the preferred director has the address. */
async function whole(machine: Machine, two: Machine): Promise<void> {
  await until(
    'director1 has the address, and the pair is complete',
    300_000,
    async () => {
      const [local, done] = await Promise.all([machine.run(STATUS), two.run(STATUS)]);
      return (
        /: held here/.test(local.text) &&
        /director2: alive|director2 Backup|director2: Backup/i.test(local.text) &&
        !/: held here/.test(done.text) &&
        /ready: yes/.test(local.text) &&
        /ready: yes/.test(done.text)
      );
    },
    WATCH_EVERY,
  );
}

/** Returns the failures. */
export async function runPair(
  one: Machine,
  two: Machine,
  {deb, later, say, client}: Plan,
): Promise<string[]> {
  const failures: string[] = [];
  const expect = (good: boolean, text: string): void => {
    if (!good) failures.push(text);
  };
  const boots = await Promise.all([one.powerOn(), two.powerOn()]);
  say(`both run commands ${seconds(Math.max(...boots))} after power-on`);
  const machines = [two, one];
  await Promise.all(machines.map((machine) => machine.must(listFiles('before'), 300)));
  const installs = await Promise.all([one.must(INSTALL(deb), 900), two.must(INSTALL(deb), 900)]);
  say(`apt install on both: ${seconds(Math.max(...installs.map(({took}) => took)))}`);
  const traffic = client();
  const began = performance.now();
  await one.must(`(${INIT} >/root/init.out 2>&1; echo "status $?" >>/root/init.out) &`);
  const line = await until(
    'hactl init prints its invitation',
    300_000,
    async () => /hactl join (.*)\n/.exec((await one.must('cat /root/init.out')).text)?.[1],
    1_000,
  );
  say(
    `hactl init until hactld is READY and the token is printed: ${seconds((performance.now() - began) / 1_000)}`,
  );
  await traffic.answered(120_000);
  say(`first answered request after ${seconds((performance.now() - began) / 1_000)}`);
  const joined = await two.must(`hactl join ${line}`, 300);
  say(`hactl join: ${seconds(joined.took)}`);
  await until(
    'hactl init exits',
    60_000,
    async () => (await one.must('cat /root/init.out')).text.includes('status 0'),
    1_000,
  );
  await whole(one, two);
  say(`pair complete after ${seconds((performance.now() - began) / 1_000)}`);
  say((await one.must('hactl status')).text);
  for (const machine of [one, two]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    const {text} = await machine.must('journalctl -u hactld --no-pager');
    expect(!text.includes('answered with RST'), `${machine.name} cannot hold packets of unknown connections`);
  }
  await until('the streams are open', 60_000, () => traffic.open === 5);
  const report = async (what: string, took: number, bound: Bound): Promise<void> => {
    await traffic.answered(120_000).catch((error: unknown) => failures.push(`${what}: ${String(error)}`));
    judge(what, took, bound, traffic, expect, say);
  };
  traffic.take();

  // Power-off of the Active director, and its return.
  let from = performance.now();
  await one.powerOff();
  await until('director2 has the address', 60_000, () => holds(two), 500);
  await report('power-off of director1', (performance.now() - from) / 1_000, {lost: 5, outage: 8_000});
  const back = await one.powerOn();
  await whole(one, two);
  await report('director1 returns', back, {lost: 0, outage: 4_000});

  // systemctl stop is make-before-break: the peer has the address before it is released.
  const stop = await one.must('systemctl stop hactld', 120);
  expect(await holds(two), 'systemctl stop: director2 does not have the address');
  await report('systemctl stop on director1', stop.took, {lost: 0, outage: 4_000});
  const start = await one.must('systemctl start hactld', 300);
  await whole(one, two);
  await report('systemctl start', start.took, {lost: 0, outage: 4_000});

  from = performance.now();
  const reboot = await one.reboot();
  await whole(one, two);
  await report('reboot of director1', reboot, {lost: 0, outage: 4_000});

  for (const [word, file, ways] of [
    ['upgrade', later, ''],
    ['downgrade', deb, '--allow-downgrades '],
  ] as const)
    for (const machine of machines) {
      // oxlint-disable-next-line no-await-in-loop -- rolling: one after the other.
      const change = await machine.must(INSTALL(`${ways}${file}`), 900);
      // oxlint-disable-next-line no-await-in-loop -- as above.
      await whole(one, two);
      // oxlint-disable-next-line no-await-in-loop -- as above.
      await report(`${word} of ${machine.name}`, change.took, {lost: 0, outage: 4_000});
    }

  for (const machine of machines) {
    // oxlint-disable no-await-in-loop -- one after the other.
    const purge = await machine.must('DEBIAN_FRONTEND=noninteractive apt-get -y purge hactl', 300);
    if (machine === two) await report(`purge of ${machine.name}`, purge.took, {lost: 0, outage: 4_000});
    else say(`purge of ${machine.name}: ${seconds(purge.took)}`);
    await machine.must(listFiles('after'), 300);
    const left = (await machine.must(LEFT)).text.trim();
    // oxlint-enable no-await-in-loop
    say(`left on ${machine.name}: ${left === '' ? 'only the configuration in /etc/ha.d' : left}`);
    expect(left === '', `purge of ${machine.name} leaves files`);
    expect(!(await holds(machine)), `purge of ${machine.name} leaves the address`);
  }
  return failures;
}

interface Bound {
  readonly lost: number;
  /** ms */
  readonly outage: number;
}

function judge(
  what: string,
  took: number,
  bound: Bound,
  traffic: Traffic,
  expect: (good: boolean, text: string) => void,
  say: (line: string) => unknown,
): void {
  const {requests, lost, broken, outage, errors} = traffic.take();
  say(
    `${what.padEnd(28)} ${seconds(took).padStart(8)}  ${requests} requests, ${lost} lost, longest silence ${outage} ms, ${broken} streams broken${errors.length === 0 ? '' : ` (${errors.join(', ')})`}`,
  );
  expect(lost <= bound.lost, `${what}: ${lost} requests lost, expected at most ${bound.lost}`);
  expect(outage <= bound.outage, `${what}: ${outage} ms without an answer, expected at most ${bound.outage}`);
  expect(broken === 0, `${what}: ${broken} streams broke`);
}
