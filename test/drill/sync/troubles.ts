/** The faults injected in each drill. */
import {until} from '../../lab/until.ts';
import {asked, powerCycle, tablesEqual, type Scene, type Stage} from './drills.ts';
import {kernelOf, LIMIT, type Director, type HactlPair} from './pair.ts';
import {basic, clientAddresses, serviceNamed, VIP} from './plan.ts';
import {lostOf} from './result.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Packet loss in percent, in each direction of the directors' link. */
const LOSS = 5;
/** Interval of short connections, ms. */
const CHURN = 100;
/** How long the directors' link is down, ms: longer than a sync process's timeout of its peer. */
const FLAP = 5_000;

/** (a) A power cycle; the tables must be equal. */
export async function power(scene: Scene, stage: Stage): Promise<void> {
  await powerCycle(scene, stage);
  await tablesEqual(scene, stage.failures);
}

/** (b) After each move every client reconnects and must reach the same real server. */
export async function persistence(scene: Scene, stage: Stage): Promise<void> {
  const service = serviceNamed('persistent');
  await powerCycle(scene, stage, async (what) => {
    const before = lostOf(await asked(stage.load), service.name);
    const after = lostOf(await stage.load.open(service, clientAddresses.length, 0), service.name);
    const elsewhere = after.moved - before.moved + after.broken - before.broken;
    scene.say(
      `  new connections of ${clientAddresses.length} persistent clients: ${elsewhere} not on their previous real server`,
    );
    if (elsewhere > 0)
      stage.failures.push(`${what}: ${elsewhere} persistent clients reached another real server`);
  });
  await tablesEqual(scene, stage.failures);
}

/** (c) The directors' link loses datagrams while connections open and close. */
export async function loss(scene: Scene, stage: Stage): Promise<void> {
  const {network, say} = scene;
  network.setLoss(LOSS);
  await stage.load.tell({do: 'churn', host: VIP, port: basic[0]?.port ?? 0, every: CHURN});
  await pause(FLAP);
  await powerCycle(scene, stage);
  const {churned, churnFailed} = await stage.load.tell({do: 'calm'});
  say(
    `  ${churned} short connections meanwhile, ${churnFailed} refused or cut; lost on the link since boot: ${network.lost().join(' and ')} packets`,
  );
  if (network.lost().some((count) => count === 0))
    stage.failures.push('the link lost nothing: invalid drill');
  await tablesEqual(scene, stage.failures);
}

/** (d) The sync fails in every possible way; connections are opened while it is down. */
export async function deaths(scene: Scene, stage: Stage, pair: HactlPair): Promise<void> {
  const {network, say} = scene;
  const {site} = network;
  const kernel = kernelOf(network);
  const daemons = {
    director1: await kernel.daemons('director1'),
    director2: await kernel.daemons('director2'),
  };
  say(`  daemons of director1: ${daemons.director1}`);

  async function trouble(what: string, happens: () => Promise<void>): Promise<void> {
    say(`  ${what}`);
    const before = lostOf(await asked(stage.load));
    await happens();
    const at = performance.now();
    for (const name of ['director1', 'director2'] as const)
      // oxlint-disable-next-line no-await-in-loop -- one after the other.
      await until(
        `${name} runs its daemons`,
        LIMIT,
        async () => (await kernel.daemons(name)) === daemons[name],
      );
    await tablesEqual(scene, stage.failures);
    const after = lostOf(await asked(stage.load));
    const broken = after.broken + after.moved - before.broken - before.moved;
    say(
      `  healed after ${((performance.now() - at) / 1_000).toFixed(1)} s, ${broken} of ${after.streams} streams broken`,
    );
    if (broken > 0) stage.failures.push(`${what}: ${broken} streams broken`);
  }
  /** Connections opened while the sync cannot report them. */
  const more = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop -- one service after another.
    for (const service of scene.services) await stage.load.open(service, 10, 0);
  };

  for (const name of ['director1', 'director2'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one trouble after another.
    await trouble(`SIGKILL of the sync process of ${name}`, async () => {
      const before = await syncPid(pair, name);
      await site.run(name, ['kill', '-KILL', String(before)]);
      await more();
      await until(
        'it is running again',
        LIMIT,
        async () => ![before, undefined].includes(await syncPid(pair, name)),
      );
    });
    // oxlint-disable-next-line no-await-in-loop -- one trouble after another.
    await trouble(`ipvsadm --stop-daemon on ${name}`, async () => {
      await site.run(name, ['ipvsadm', '--stop-daemon', 'master']);
      await site.run(name, ['ipvsadm', '--stop-daemon', 'backup']);
      say(`  daemons of ${name}: ${(await kernel.daemons(name)) || 'none'}`);
      await more();
    });
    // oxlint-disable-next-line no-await-in-loop -- one trouble after another.
    await trouble(`eth2 of ${name} goes down and comes up`, async () => {
      await network.setLink(name, 'eth2', 'down');
      await more();
      await pause(FLAP);
      await network.setLink(name, 'eth2', 'up');
    });
  }
  await power(scene, stage);
}

const syncPid = async (pair: HactlPair, name: Director): Promise<number | undefined> =>
  (await pair.status(name))?.processes.find((one) => one.name === 'sync' && one.state === 'running')?.pid;
