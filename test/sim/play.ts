/** Plays a scenario in a world and returns the violation. */
import {makePrng, type Prng} from '@hactl/base';
import type {EngineConfig} from '@hactl/failover';
import {makeJudge, type Violation} from './judge.ts';
import {keyOf, type Scenario, type Trouble} from './scenario.ts';
import {makeWorld, production, type Machine, type World, type WorldNode} from './world.ts';

/** An action scheduled at an instant. */
interface Deed {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
}

export interface Played {
  readonly violation?: Violation;
  readonly adverts: number;
  readonly transitions: number;
}

/** Deterministic: the same scenario and machine give the same result. */
export function play(scenario: Scenario, machine: Machine = production): Played {
  const judge = makeJudge(scenario);
  let [adverts, transitions] = [0, 0];
  const world = makeWorld({
    seed: scenario.seed,
    config: scenario.config,
    machine,
    rates: scenario.rates,
    observer: {
      passed: judge.observer.passed,
      stepped: (node, event, effects, now) => {
        for (const effect of effects)
          if (effect.type === 'send-advert') adverts += 1;
          else if (effect.type === 'transition') transitions += 1;
        judge.observer.stepped?.(node, event, effects, now);
      },
    },
  });
  judge.watch(world);
  const deeds: Deed[] = [];
  const plan = (at: number, work: () => void): void => {
    deeds.push({at, order: deeds.length, work});
  };
  for (const trouble of scenario.troubles) arrange(trouble, scenario, world, judge, plan);
  const start = world.now;
  for (const node of world.nodes) world.boot(node);
  const queue = deeds.toSorted((a, b) => a.at - b.at || a.order - b.order);
  for (const deed of queue) {
    world.runUntil(start + deed.at);
    if (judge.violation) break;
    deed.work();
  }
  const end = queue.at(-1)?.at ?? 0;
  if (!judge.violation)
    world.runUntil(
      start + Math.max(scenario.length, end + judge.bounds.calm + 50 * scenario.config.deadtime),
    );
  return {adverts, transitions, ...(judge.violation ? {violation: judge.violation} : {})};
}

type Plan = (at: number, work: () => void) => void;

/** Restarts a director unless another fault keeps it down. */
function arrange(
  trouble: Trouble,
  scenario: Scenario,
  world: World,
  judge: ReturnType<typeof makeJudge>,
  plan: Plan,
): void {
  const {at, lasts} = trouble;
  const node = world.nodes[trouble.node];
  const survivor = world.nodes[1 - trouble.node];
  if (!node || !survivor) return;
  // Stopping the last serving director inevitably is an outage.
  let last = false;
  const during = (begin: () => boolean | void, end: () => void): void => {
    let begun = false;
    plan(at, () => {
      judge.disturbed(world.now);
      last = trouble.kind === 'stop' && !serves(survivor, world);
      begun = begin() !== false;
      if (begun) judge.begins(trouble, world.now, last);
    });
    plan(at + lasts, () => {
      if (!begun) return;
      judge.disturbed(world.now);
      end();
      judge.ends(trouble, world.now, last);
    });
  };
  const again = (): void => {
    if (node.state === undefined) world.boot(node);
    else if (node.state.stopping !== undefined) {
      world.kill(node);
      world.boot(node);
    }
  };
  switch (trouble.kind) {
    case 'power':
      return during(() => (node.state === undefined ? false : world.powerOff(node)), again);
    case 'kill':
      return during(() => (node.state === undefined ? false : world.kill(node)), again);
    case 'stop':
    case 'orphan':
      return during(() => {
        if (node.state === undefined || node.state.stopping) return false;
        world.tell(node, {type: 'stop', leaveAddresses: trouble.kind === 'orphan'});
        return true;
      }, again);
    case 'pause':
      return during(
        () => (node.state === undefined || node.pausedUntil > world.now ? false : world.pause(node, lasts)),
        () => undefined,
      );
    case 'carrier':
      return during(
        () => world.carrier(node, 1),
        () => world.carrier(node, -1),
      );
    case 'unready':
      return during(
        () => {
          node.ready = false;
          world.tell(node, {type: 'readiness', ready: false});
        },
        () => {
          node.ready = true;
          world.tell(node, {type: 'readiness', ready: true});
        },
      );
    case 'unreach':
      return during(
        () => world.tell(node, {type: 'tracked-down', count: 1}),
        () => world.tell(node, {type: 'tracked-down', count: 0}),
      );
    case 'acquire-fails':
      return during(
        () => {
          node.acquireFails += 1;
        },
        () => {
          node.acquireFails -= 1;
        },
      );
    case 'partition':
      return during(
        () => cutAll(world, 1),
        () => cutAll(world, -1),
      );
    case 'one-way':
      return during(
        () => cutAll(world, 1, trouble.node),
        () => cutAll(world, -1, trouble.node),
      );
    case 'lan':
      return during(
        () => {
          cutAll(world, 1);
          world.lan.cut += 1;
        },
        () => {
          cutAll(world, -1);
          world.lan.cut -= 1;
        },
      );
    case 'cut': {
      const way = world.ways[trouble.path]?.[trouble.node];
      if (!way) return;
      return during(
        () => {
          way.cut += 1;
        },
        () => {
          way.cut -= 1;
        },
      );
    }
    case 'noise': {
      const way = world.ways[trouble.path]?.[trouble.node];
      if (!way) return;
      return during(
        () => {
          way.noise += 1;
          Object.assign(way, {loss: trouble.loss, duplicate: trouble.duplicate, jitter: trouble.jitter});
        },
        () => {
          way.noise -= 1;
          if (way.noise === 0) Object.assign(way, {loss: 0, duplicate: 0, jitter: 0.3});
        },
      );
    }
    case 'move':
      return plan(at, () => {
        judge.begins(trouble, world.now, false);
        world.tell(node, {type: 'move', id: at, move: trouble.move, scope: trouble.scope});
      });
    case 'replay':
      return during(
        () => world.replayOld(trouble.node, 40),
        () => world.replayOld(trouble.node, 40),
      );
    case 'remove-address':
      return during(
        () => world.removeAddress(node, 0),
        () => undefined,
      );
    case 'wall-step':
      return during(
        () => {
          node.wall -= 86_400_000;
        },
        () => {
          node.wall += 43_200_000;
        },
      );
    case 'state-lost':
      return plan(at, () => {
        node.incarnation = 0n;
      });
    case 'rotate-key':
      return rotate(trouble, world, node, survivor, plan);
    case 'drop-group':
      return dropGroup(trouble, scenario, world, judge, plan);
    case 'edit-groups':
      return editGroups(trouble, scenario, world, judge, plan);
  }
}

/** Applies to every path, both ways or from one sender. */
function cutAll(world: World, change: 1 | -1, from?: number): void {
  for (const senders of world.ways)
    for (const [place, way] of senders.entries()) if (from === undefined || place === from) way.cut += change;
}

const serves = (node: WorldNode, world: World): boolean =>
  node.state !== undefined &&
  node.state.stopping === undefined &&
  node.pausedUntil <= world.now &&
  node.carrierLost === 0 &&
  node.acquireFails === 0 &&
  node.state.groups.every((group) => group.role !== 'Initialize');

/** Both add the new key, then both sign with it, then both remove the old one: no advert is refused meanwhile. */
function rotate(trouble: Trouble, world: World, node: WorldNode, other: WorldNode, plan: Plan): void {
  const spread = Math.max(trouble.lasts, 5) / 6;
  let id = 0;
  const method = node.config.keys[0]?.method ?? 'crc';
  const edit = (one: WorldNode, change: (config: EngineConfig) => Partial<EngineConfig>): void => {
    if (id !== 0) world.reconfigure(one, {...one.config, ...change(one.config)});
  };
  plan(trouble.at, () => {
    // One rotation at a time: an operator waits for the previous one.
    if (world.nodes.some((node) => node.config.keys.length > 1)) return;
    id = (node.config.signingKey % 200) + 1;
    edit(node, ({keys}) => ({keys: [...keys, keyOf(id, method)]}));
  });
  plan(trouble.at + spread, () => edit(other, ({keys}) => ({keys: [...keys, keyOf(id, method)]})));
  plan(trouble.at + 2 * spread, () => edit(node, () => ({signingKey: id})));
  plan(trouble.at + 3 * spread, () => edit(other, () => ({signingKey: id})));
  plan(trouble.at + 5 * spread, () => edit(node, ({keys}) => ({keys: keys.filter((key) => key.id === id)})));
  plan(trouble.at + 6 * spread, () => edit(other, ({keys}) => ({keys: keys.filter((key) => key.id === id)})));
}

/** Removes the last of several groups from both configurations, one director after the other, then adds it back. */
function dropGroup(
  trouble: Trouble,
  scenario: Scenario,
  world: World,
  judge: ReturnType<typeof makeJudge>,
  plan: Plan,
): void {
  const all = scenario.config.groups;
  if (all.length < 2) return;
  for (const [turn, groups] of [all.slice(0, -1), all].entries())
    for (const [late, node] of world.nodes.entries())
      plan(trouble.at + turn * trouble.lasts + late, () => {
        judge.reconfigured(world.now, groups === all && late === 1);
        world.reconfigure(node, {...node.config, groups});
      });
}

/**
 * An operator edits haresources on one director, later on the other, and later reverts both: lines deleted, inserted and
 * reordered, addresses moved to another group or to its front. Known addresses in random groups cover all of it.
 */
function editGroups(
  trouble: Trouble,
  scenario: Scenario,
  world: World,
  judge: ReturnType<typeof makeJudge>,
  plan: Plan,
): void {
  const all = scenario.config.groups;
  const prng = makePrng(Math.floor(trouble.at) * 31 + trouble.node);
  const order = [trouble.node, 1 - trouble.node];
  const spread = Math.max(trouble.lasts, 20) / 4;
  const edited = randomGroups(all, prng);
  for (const [turn, groups] of [edited, all].entries())
    for (const [late, index] of order.entries())
      plan(trouble.at + (2 * turn + late) * spread, () => {
        const node = world.nodes[index];
        if (!node) return;
        judge.reconfigured(world.now, groups === all && late === 1);
        world.reconfigure(node, {...node.config, groups});
      });
}

/** The same addresses, randomly regrouped. A group's id derives from its first address, as in production. */
function randomGroups(all: EngineConfig['groups'], prng: Prng): EngineConfig['groups'] {
  const vips = all.flatMap((group) => group.vips).toSorted(() => prng.next() - 0.5);
  const count = 1 + prng.below(vips.length);
  return Array.from({length: count}, (_, index) => {
    const mine = vips.filter((__, at) => at % count === index && !prng.chance(0.1));
    const [first] = mine;
    if (!first) return undefined;
    const vrid = all.findIndex((group) => group.vips[0]?.address === first.address) + 1;
    return {
      vrid: vrid === 0 ? 100 + Number(first.address.split('.')[3]) : (all[vrid - 1]?.vrid ?? vrid),
      name: `edited ${first.address}`,
      preferredNode: prng.chance(0.5) ? 'director1' : 'director2',
      vips: mine,
      cold: false,
    };
  }).filter((group) => group !== undefined);
}
