/**
 * `npm run bench:failover`: hactl and Debian's keepalived at its best settings, alternating in the same run, on the same
 * namespaces, with the same probe. Prints median (min..max) and the ratio. Root; about 15 minutes.
 */
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {readOptions} from '../options.ts';
import {table} from '../../src/cli/render/table.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {prepareLab} from '../lab/packages.ts';
import {figures, median} from '../lab/figures.ts';
import {until} from '../lab/until.ts';
import {openScene, pause, type Cost} from './scene.ts';
import {dropVip, keepalived, ours, type Director, type Subject} from './subjects.ts';

const {values} = readOptions({
  options: {
    runs: {type: 'string', default: '10'},
    keepalive: {type: 'string', default: '2ms'},
    deadtime: {type: 'string', default: '5ms'},
  },
});
if (process.getuid?.() !== 0) {
  process.stderr.write('bench:failover creates network namespaces on this machine: run it as root\n');
  process.exit(1);
}

const [first, second]: readonly Director[] = ['director1', 'director2'];
const lab = prepareLab((line) => process.stderr.write(line + '\n'));
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..'), secondLink: true});
const scene = await openScene(site, lab);
/** How long resumed directors still held the address before releasing it. */
const frozen: [name: string, ms: number][] = [];
const results = new Map<string, Map<string, Cost[]>>();

const note = (subject: Subject, event: string, cost: Cost): void => {
  const events = results.get(event) ?? new Map<string, Cost[]>();
  results.set(event, events);
  events.set(subject.name, [...(events.get(subject.name) ?? []), cost]);
};

/** Both directors run, the first is Active, and the standby processes are ready. */
async function begin(subject: Subject): Promise<void> {
  await subject.prepare();
  await subject.start(first ?? 'director1');
  await scene.waitFor(`${subject.name}: director1 is Active`, () => scene.alone('director1'));
  await subject.start(second ?? 'director2');
  await pause(subject.settle);
  await until(
    `${subject.name}: director2 stands by`,
    20_000,
    () => subject.standsBy(second ?? 'director2'),
    100,
  );
  await scene.waitFor(`${subject.name}: director1 is Active`, () => scene.alone('director1'));
  scene.forget();
}

/** Every event once, each from the same state: both running, director1 Active. */
async function round(subject: Subject): Promise<void> {
  const event = async (name: string, work: () => Promise<void>, after?: number): Promise<void> => {
    note(subject, name, await scene.measure(work, after));
  };
  const [one, two] = [site.address('director1'), site.address('director2')];
  const toSecond = (): Promise<boolean> => scene.waitFor('director2 holds the VIP', () => scene.holds('director2'));
  const toFirst = (): Promise<boolean> => scene.waitFor('only director1 holds the VIP', () => scene.alone('director1'));
  await event('power loss', async () => {
    await scene.isolate('director1');
    // After a real power loss nothing runs: here the exit of its processes would take CPU from the survivor.
    subject.freeze('director1', 'SIGSTOP');
    await toSecond();
    await subject.killAll('director1');
  });
  await event('back: return with preemption', async () => {
    await scene.waitFor('the address left by the dead daemon is gone', () => !scene.holds('director1'), 100).catch(() => false);
    await dropVip(site, 'director1');
    await scene.rejoin('director1');
    await subject.start('director1');
    await toFirst();
  }, 600);
  await pause(subject.settle);
  await event('SIGKILL of the engine, host alive', async () => {
    await subject.killEngine('director1');
    await pause(1_500);
    await toFirst();
  });
  await pause(subject.settle);
  await event('graceful stop', async () => {
    await subject.stop('director1');
    await toSecond();
  });
  await event('back: start with preemption', async () => {
    await subject.start('director1');
    await toFirst();
  }, 600);
  await pause(subject.settle);
  await event('carrier loss', async () => {
    await site.cutLink('director1');
    await toSecond();
  });
  await event('carrier returns', async () => {
    await site.restoreLink('director1');
    await toFirst();
  }, 600);
  await event('one-way partition of 1 s', async () => {
    await scene.drop('director2', subject.adverts(one));
    await pause(1_000);
  }, 0);
  await event('one-way partition heals', async () => {
    await scene.undrop('director2');
    await pause(500);
    await toFirst();
  }, 600);
  await event('heartbeats cut 1 s, LAN whole', async () => {
    await scene.drop('director2', subject.adverts(one));
    await scene.drop('director1', subject.adverts(two));
    await pause(1_000);
  }, 0);
  await event('the heartbeats return', async () => {
    await scene.undrop('director1');
    await scene.undrop('director2');
    await pause(500);
    await toFirst();
  }, 600);
  // Frozen: the peer takes over, so both have the address. Measured is how long that lasts after the resume.
  subject.freeze('director1', 'SIGSTOP');
  await pause(2_000);
  await event('runs again after SIGSTOP of 2 s', async () => {
    const at = Date.now();
    subject.freeze('director1', 'SIGCONT');
    await pause(500);
    frozen.push([subject.name, scene.releasedAfter('director1', at)]);
    await toFirst();
  });
  await pause(subject.settle);
  await event('SIGKILL of everything, host alive', async () => {
    await subject.killAll('director1');
    await toSecond();
    await scene.waitFor('the lease has expired', () => !scene.holds('director1'), 5_000).catch(() => false);
  });
} // prettier-ignore

/** The second path matters in one event only. */
async function carrierWithTwoPaths(subject: Subject): Promise<void> {
  await begin(subject);
  for (let turn = 0; turn < 2; turn += 1) {
    // oxlint-disable no-await-in-loop -- one event after the other.
    note(
      subject,
      'carrier loss',
      await scene.measure(async () => {
        await site.cutLink('director1');
        await scene.waitFor('director2 holds the VIP', () => scene.holds('director2'));
      }),
    );
    await site.restoreLink('director1');
    await scene.waitFor('only director1 holds the VIP', () => scene.alone('director1'));
    await pause(500);
    // oxlint-enable no-await-in-loop
  }
  await subject.end();
}

/** A graceful stop must not wait for an advert interval: both run at one second. */
async function slowStop(subject: Subject): Promise<void> {
  await begin(subject);
  note(
    subject,
    'graceful stop at 1 s adverts',
    await scene.measure(async () => {
      await subject.stop('director1');
      await scene.waitFor('director2 holds the VIP', () => scene.holds('director2'));
    }, 1_000),
  );
  await subject.end();
}

let complete = true;
try {
  for (let run = 0; run < Number(values.runs); run += 1) {
    const subjects = [
      keepalived(site, lab, {interval: 10, missed: 2}),
      ours(site, {keepalive: values.keepalive, deadtime: values.deadtime}),
    ];
    // oxlint-disable no-await-in-loop -- one subject after the other: they share the VIP.
    for (const subject of run % 2 === 0 ? subjects : subjects.toReversed()) {
      await begin(subject);
      await round(subject);
      await subject.end();
    }
    await carrierWithTwoPaths(
      ours(site, {
        keepalive: values.keepalive,
        deadtime: values.deadtime,
        media: 'ucast eth1 10.98.0.2\nucast eth1 10.98.0.3\n',
      }),
    );
    if (run < 3) {
      await slowStop(keepalived(site, lab, {interval: 1_000, missed: 3}));
      await slowStop(ours(site, {keepalive: '1', deadtime: '3'}));
    }
    // oxlint-enable no-await-in-loop
    process.stderr.write(`run ${run + 1} of ${values.runs}\n`);
  }
} catch (error) {
  complete = false;
  for (const name of readdirSync(site.root).filter(
    (text) => text.endsWith('.log') && !text.includes('address'),
  ))
    process.stdout.write(`--- ${name}\n${readFileSync(path.join(site.root, name), 'utf8').slice(-1_500)}\n`);
  process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
} finally {
  await site.destroy();
}

const rows: string[][] = [
  ['event', 'who', 'outage ms', 'probes lost', 'two holders ms', 'no holder ms', 'n'],
];
for (const [event, subjects] of results)
  for (const [name, costs] of subjects)
    rows.push([
      event,
      name,
      ...(['outage', 'lost', 'both', 'neither'] as const).map((what) => figures(costs.map((cost) => cost[what]))),
      String(costs.length),
    ]); // prettier-ignore
process.stdout.write(`\n${values.runs} runs, 2,000 probes a second, median (min..max)\n`);
process.stdout.write(table(rows).join('\n') + '\n');
for (const name of new Set(frozen.map(([subject]) => subject)))
  process.stdout.write(
    `after SIGSTOP and SIGCONT ${name} releases the address within ${figures(frozen.filter(([subject]) => subject === name).map(([, ms]) => ms))} ms\n`,
  );
const outages = (event: string, mine: boolean): number =>
  median(
    [...(results.get(event) ?? [])]
      .filter(([name]) => name.startsWith('hactl') === mine && !name.includes('two paths'))
      .flatMap(([, costs]) => costs.map((cost) => cost.outage)),
  );
for (const event of ['power loss', 'carrier loss'])
  process.stdout.write(
    `${event}: hactl / keepalived = ${(outages(event, true) / outages(event, false)).toFixed(2)}\n`,
  );
process.exit(complete ? 0 : 1);
