/** The world for tests of single behaviours: two directors by name, one path, and the recorded effects. */
import type {Effect, EngineConfig, Event, step} from '@hactl/failover';
import {baseConfig} from './scenario.ts';
import {makeWorld, production, type Way, type WorldNode} from './world.ts';

export const names = ['director1', 'director2'] as const;
export type Name = (typeof names)[number];

export interface PairOptions {
  readonly seed: number;
  readonly config?: Partial<EngineConfig>;
  /** Replaces the production step. */
  readonly step?: typeof step;
}

export type Pair = ReturnType<typeof makePair>;

/** Creates the pair; nothing runs until `boot`. */
export function makePair(options: PairOptions) {
  let [both, neither] = [0, 0];
  const log: {at: number; node: Name; effect: Effect}[] = [];
  const world = makeWorld({
    seed: options.seed,
    config: {...baseConfig, ...options.config},
    machine: {...production, ...(options.step ? {step: options.step} : {})},
    observer: {
      passed: (from, to) => {
        const holders = world.holders().length;
        if (holders > 1) both += to - from;
        if (holders === 0) neither += to - from;
      },
      stepped: (node, _, effects, now) => {
        for (const effect of effects) log.push({at: now, node: names[node.place] ?? 'director1', effect});
      },
    },
  });
  const node = (name: Name): WorldNode => world.nodes[names.indexOf(name)] as WorldNode;
  return {
    world,
    node,
    /** Network faults for a director's datagrams on its first path. */
    way: (name: Name): Way => world.ways[0]?.[names.indexOf(name)] as Way,
    log,
    feed: (name: Name, event: Event): void => world.tell(node(name), event),
    boot: (name: Name): void => world.boot(node(name)),
    crash: (name: Name): void => world.powerOff(node(name)),
    pause: (name: Name, duration: number): void => world.pause(node(name), duration),
    runFor: world.runFor,
    holders: (): (Name | undefined)[] => world.holders().map((place) => names[place]),
    /** Time with two holders and with none since the last call. */
    times: (): {both: number; neither: number} => {
      const result = {both, neither};
      [both, neither] = [0, 0];
      return result;
    },
  };
}
