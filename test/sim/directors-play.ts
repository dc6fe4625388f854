/** Plays a seed of two whole directors: configuration files, faults, and their application to the pair. */
import {makePrng, type Prng} from '@hactl/base';
import {step as production} from '../../src/daemon/core.ts';
import {calmAfter, makeDirectorsJudge, type DirectorsViolation} from './directors-judge.ts';
import {makeDirectors, type Directors} from './directors.ts';
import {servers, type Files} from './farm.ts';

const kinds = [
  'real', 'real', 'real', 'farm', 'order', 'order', 'order', 'reload', 'reload', 'drift', 'supervisor', 'engine', 'power',
  'partition', 'ipvs', 'refused', 'disk',
] as const; // prettier-ignore

export interface DirectorsTrouble {
  readonly kind: (typeof kinds)[number];
  readonly at: number;
  readonly lasts: number;
  readonly place: number;
  /** A random value for the kind's own choices. */
  readonly pick: number;
}

export interface DirectorsScenario {
  readonly seed: number;
  readonly files: Files;
  readonly troubles: readonly DirectorsTrouble[];
}

const choose = <T>(prng: Prng, all: readonly T[]): T => all[prng.below(all.length)] as T;

/** Line edits: added, removed, reordered. */
const edits: readonly (readonly number[])[] = [
  [0],
  [0, 1],
  [1, 0],
  [0, 1, 2],
  [2, 1, 0],
  [1, 2],
  [2, 0],
  [1],
];

export function directorsScenario(seed: number, count = 14): DirectorsScenario {
  const prng = makePrng(seed * 7_919 + 3);
  const files: Files = {
    keepalive: choose(prng, [100, 200, 500]),
    failback: choose(prng, ['on', 'on', 'off']),
    lines: choose(prng, edits),
  };
  const calm = calmAfter(files);
  const troubles: DirectorsTrouble[] = [];
  for (let at = calm; troubles.length < count;) {
    const kind = choose(prng, kinds);
    troubles.push({
      kind,
      at,
      // After a long refusal the next retry comes late.
      lasts: choose(prng, kind === 'refused' ? [1_500, 6_000] : [200, 1_500, 6_000, 15_000]),
      place: prng.below(2),
      pick: prng.below(1_000),
    });
    // Usually the pair settles before the next fault; sometimes they overlap.
    at += choose(prng, [100, 2_000, 1.2 * calm, 1.2 * calm, 1.5 * calm]);
  }
  return {seed, files, troubles};
}

interface Deed {
  readonly at: number;
  readonly work: () => void | Promise<void>;
}

/** Deterministic: the same scenario and machine give the same result. */
export async function playDirectors(
  scenario: DirectorsScenario,
  step: typeof production = production,
): Promise<DirectorsViolation | undefined> {
  const judge = makeDirectorsJudge(scenario.files);
  const pair = makeDirectors({
    seed: scenario.seed,
    files: scenario.files,
    step,
    observe: judge.observe,
    passed: judge.passed,
  });
  judge.watch(pair);
  const start = pair.world.now;
  judge.begins(true);
  for (const place of [0, 1]) pair.boot(place);
  const calm = calmAfter(scenario.files);
  const deeds: Deed[] = [{at: 2_000, work: () => judge.ends(true)}];
  for (const trouble of scenario.troubles) deeds.push(...arrange(trouble, pair, judge));
  const end = Math.max(...deeds.map(({at}) => at)) + 1.5 * calm;
  for (let at = 500; at < end; at += 500) deeds.push({at, work: judge.inspect});
  for (const deed of deeds.toSorted((deed, other) => deed.at - other.at)) {
    // oxlint-disable-next-line no-await-in-loop -- in order of time.
    await pair.runUntil(start + deed.at);
    if (judge.violation) break;
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await deed.work();
  }
  return judge.violation;
}

type Judge = ReturnType<typeof makeDirectorsJudge>;

/** Start and end of a fault. */
function arrange(trouble: DirectorsTrouble, pair: Directors, judge: Judge): readonly Deed[] {
  const {kind, at, lasts, place, pick} = trouble;
  const side = pair.sides[place];
  const server = servers[pick % servers.length];
  if (!side || !server) return [];
  let begun = false;
  const during = (cost: boolean, begin: () => boolean | Promise<boolean>, finish: () => void): Deed[] => [
    {
      at,
      work: async () => {
        begun = await begin();
        if (begun) judge.begins(cost);
      },
    },
    {
      at: at + lasts,
      work: () => {
        if (!begun) return;
        finish();
        judge.ends(cost);
      },
    },
  ];
  const flip = (id: string, address: string): void => {
    const up = !(pair.truth.get(id) ?? true);
    judge.flipped(address, up);
    pair.truth.set(id, up);
  };
  const boot = (): void => {
    judge.restarted(place);
    if (!side.state) pair.boot(place);
  };
  switch (kind) {
    case 'real':
      return [{at, work: () => { flip(server.id, server.address); judge.begins(false); }}]; // prettier-ignore
    case 'farm':
      return [
        {
          at,
          work: () => {
            for (const {id, address, virtual} of servers) if (virtual === server.virtual) flip(id, address);
            judge.disturbed();
          },
        },
      ];
    case 'order':
      return [{at, work: () => order(pair, judge, place, server.address, pick)}];
    case 'reload':
      return during(
        false,
        () => {
          if (!pair.sides.every(({state}) => state)) return false;
          side.reload({...side.disk.files, lines: edits[pick % edits.length] ?? [0]});
          return true;
        },
        () => pair.sides[1 - place]?.reload({...side.disk.files}),
      );
    case 'drift':
      return [{at, work: () => drift(pair, judge, place, pick)}];
    case 'supervisor':
      return during(
        true,
        () => {
          if (!side.state) return false;
          pair.killSupervisor(place);
          return true;
        },
        boot,
      );
    case 'engine':
      return during(
        true,
        () => {
          if (!side.state || !pair.world.nodes[place]?.state) return false;
          pair.killEngine(place);
          return true;
        },
        () => {
          if (side.state && !pair.world.nodes[place]?.state) pair.bootEngine(place);
        },
      );
    case 'power':
      return during(
        true,
        async () => {
          if (!side.state) return false;
          await pair.powerOff(place);
          return true;
        },
        boot,
      );
    case 'partition':
      return during(
        true,
        () => {
          cut(pair, 1);
          return true;
        },
        () => cut(pair, -1),
      );
    case 'ipvs':
    case 'disk':
      return during(
        true,
        () => {
          side.trouble[kind] = true;
          return true;
        },
        () => {
          side.trouble[kind] = false;
        },
      );
    case 'refused':
      return during(
        true,
        async () => {
          side.trouble.refused.add(server.address);
          await removeByHand(pair, place, server.address);
          return true;
        },
        () => side.trouble.refused.delete(server.address),
      );
  }
}

/** The server must be added again, which the kernel refuses for a while. */
async function removeByHand(pair: Directors, place: number, address: string): Promise<void> {
  const kernel = pair.sides[place]?.kernel;
  for (const {service, destinations} of (await kernel?.list()) ?? []) {
    const destination = destinations.find((destination) => destination.address === address);
    // oxlint-disable-next-line no-await-in-loop -- one change after the other.
    if (destination) await kernel?.apply({type: 'del-dest', key: service.key, destination});
  }
}

/** Total partition: no heartbeat, no LAN, no peer channel. */
function cut(pair: Directors, by: 1 | -1): void {
  for (const senders of pair.world.ways) for (const way of senders) way.cut += by;
  pair.world.lan.cut += by;
  pair.channel.cut += by;
}

const orders = [
  ['drain', {drained: true}],
  ['undrain', {drained: false}],
  ['maintenance-on', {maintenance: true}],
  ['maintenance-off', {maintenance: false}],
] as const;

function order(pair: Directors, judge: Judge, place: number, address: string, pick: number): void {
  const side = pair.sides[place];
  const [action, change] = orders[pick % orders.length] ?? orders[0];
  if (!side?.state) return;
  const before = side.disk.orders;
  side.order(action, address);
  // Refused if there is nothing to revoke, or if it cannot be persisted.
  if (side.disk.orders === before) return;
  judge.ordered(address, change);
  judge.disturbed();
}

/** An operator with ipvsadm. */
async function drift(pair: Directors, judge: Judge, place: number, pick: number): Promise<void> {
  const kernel = pair.sides[place]?.kernel;
  if (!kernel) return;
  judge.disturbed();
  if (pick % 3 === 0) return kernel.flush();
  const services = await kernel.list();
  const found = services[pick % Math.max(1, services.length)];
  const [destination] = found?.destinations ?? [];
  if (!found || !destination) return;
  const {key} = found.service;
  if (pick % 3 === 1) return kernel.apply({type: 'del-dest', key, destination});
  return kernel.apply({type: 'set-dest', key, destination: {...destination, weight: 77}});
}
