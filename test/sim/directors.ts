/** Two whole directors: the engines in their world, each with a supervisor, its table, checks and disk. */
import {makePrng, type Instant} from '@hactl/base';
import {peerStatus, type EngineStatus, type FromEngine, type ToEngine} from '@hactl/failover';
import type {CoreEffect, step} from '../../src/daemon/core.ts';
import {mergeOrders} from '../../src/operators/order-state.ts';
import {addresses, loadFarm, names, servers, type Files} from './farm.ts';
import {makeSide, type Side} from './side.ts';
import {makeWorld, type World, type WorldNode} from './world.ts';

export type Directors = ReturnType<typeof makeDirectors>;

/** The report of a director's engine. */
function statusOf({state, config}: WorldNode, now: Instant): EngineStatus | undefined {
  if (!state) return undefined;
  return {
    pid: 1,
    node: config.node,
    realtime: '',
    groups: [],
    peers: state.peers.map((peer) => peerStatus(peer, [], now)),
    paths: [],
    counters: {},
    vipLease: config.vipLease,
    vipRenewal: 0,
    lateness: {p50: 0, p99: 0, max: 0},
    pings: [],
  };
}

export function makeDirectors(options: {
  readonly seed: number;
  readonly files: Files;
  readonly step: typeof step;
  readonly observe: (place: number, effect: CoreEffect) => void;
  readonly passed: (from: number, to: number) => void;
}) {
  const prng = makePrng(options.seed * 31 + 7);
  const serverUp = new Map(servers.map(({id}) => [id, true]));
  const {engine} = loadFarm(names[0], {...options.files, lines: [0, 1, 2]});
  if (!engine) throw new Error('no pair');
  const channel = {cut: 0};
  const world: World = makeWorld({
    seed: options.seed,
    config: engine,
    addresses,
    observer: {
      passed: options.passed,
      stepped: (node, _, effects) => {
        const side = sides[node.place];
        for (const effect of effects) {
          if (effect.type === 'transition')
            side?.hear({type: 'transition', transition: {...effect.transition, wall: world.now}});
          if (effect.type === 'event') side?.hear(effect);
        }
      },
    },
  });

  function toEngine(node: WorldNode, message: ToEngine): void {
    switch (message.type) {
      case 'configure':
        if (node.state) world.reconfigure(node, message.config);
        else node.config = {...message.config, node: node.config.node};
        return;
      case 'readiness':
        node.ready = message.ready;
        return world.tell(node, {type: 'readiness', ready: message.ready});
      case 'give-up':
        return world.tell(node, message);
      case 'status': {
        const status = statusOf(node, node.rate * world.now + node.offset);
        const answer: FromEngine | undefined = status && {type: 'status', id: message.id, status};
        if (answer) sides[node.place]?.hear(answer);
        return;
      }
      default:
    }
  }

  const sides: readonly Side[] = world.nodes.map((node, place) =>
    makeSide(names[place] ?? names[0], options.files, {
      step: options.step,
      now: () => world.now,
      random: () => prng.next(),
      passes: (id) => serverUp.get(id) ?? false,
      toEngine: (message) => toEngine(node, message),
      removeVips: () => node.leases.fill(undefined),
      exchange: (orders) => {
        const other = sides[1 - place];
        if (channel.cut > 0 || !sides[place]?.state || !other?.state) return undefined;
        // Its answer: it cannot persist them.
        if (other.trouble.disk) return undefined;
        other.soon(2, {type: 'peer-orders', orders, reply: 2});
        return mergeOrders(orders, other.disk.orders);
      },
      observe: (effect) => options.observe(place, effect),
    }),
  );

  const sideOf = (place: number): Side => {
    const side = sides[place];
    if (!side) throw new Error('no such director');
    return side;
  };
  const nodeOf = (place: number): WorldNode => {
    const node = world.nodes[place];
    if (!node) throw new Error('no such director');
    return node;
  };

  function bootEngine(place: number): void {
    const side = sideOf(place);
    const node = nodeOf(place);
    const config = side.state && loadFarm(side.node, side.disk.files).engine;
    if (!config) return;
    node.config = config;
    node.ready = side.state.roles.readiness.ready;
    world.boot(node);
    side.hear({type: 'ready', pid: 1, realtime: ''});
  }

  return {
    world,
    sides,
    truth: serverUp,
    channel,
    /** A director's kernel table, read directly: servers and weights by virtual service. */
    table: async (place: number): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> =>
      new Map(
        (await sideOf(place).kernel.list()).map(({service: {key}, destinations}) => [
          key.kind === 'address' ? `${key.protocol} ${key.address}:${key.port}` : '',
          Object.fromEntries(destinations.map(({address, weight}) => [address, weight])),
        ]),
      ),
    boot: (place: number): void => {
      sideOf(place).boot();
      bootEngine(place);
    },
    bootEngine,
    killSupervisor: (place: number): void => {
      sideOf(place).die();
      world.tell(nodeOf(place), {type: 'stop', leaveAddresses: true});
    },
    killEngine: (place: number): void => {
      world.kill(nodeOf(place));
      sideOf(place).feed({type: 'child-died', name: 'failover', how: 'SIGKILL'});
    },
    powerOff: async (place: number): Promise<void> => {
      sideOf(place).die();
      world.powerOff(nodeOf(place));
      await sideOf(place).powerOff();
    },
    runUntil: async (end: number): Promise<void> => {
      while (world.now < end) {
        const due = Math.min(end, ...sides.map((side) => side.due()));
        world.runUntil(Math.max(world.now, due));
        for (const side of sides) {
          side.turn();
          // oxlint-disable-next-line no-await-in-loop -- in order of time.
          await side.settled();
        }
      }
    },
  };
}
