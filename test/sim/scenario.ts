/** A scenario: the pair's configuration and its faults. Generated from a seed; plain data, so that it can be shrunk. */
import {makePrng, type Prng} from '@hactl/base';
import type {EngineConfig} from '@hactl/failover';

/** A fault, from `at` for `lasts` (ms after the start). `node` and `path` are indexes. */
export type Trouble = {
  readonly at: number;
  readonly lasts: number;
  readonly node: number;
} & (
  | {
      readonly kind:
        | 'power'
        | 'kill'
        | 'pause'
        | 'stop'
        | 'orphan'
        | 'carrier'
        | 'unready'
        | 'unreach'
        | 'acquire-fails'
        | 'partition'
        | 'one-way'
        | 'lan'
        | 'replay'
        | 'remove-address'
        | 'wall-step'
        | 'state-lost'
        | 'rotate-key'
        | 'drop-group'
        | 'edit-groups';
    }
  | {readonly kind: 'cut'; readonly path: number}
  | {
      readonly kind: 'noise';
      readonly path: number;
      readonly loss: number;
      readonly duplicate: number;
      readonly jitter: number;
    }
  | {
      readonly kind: 'move';
      readonly move: 'standby' | 'takeover' | 'failback';
      readonly scope: 'local' | 'foreign' | 'all';
    }
);

export interface Scenario {
  readonly seed: number;
  readonly config: EngineConfig;
  readonly rates: readonly number[];
  readonly troubles: readonly Trouble[];
  /** Milliseconds of world time. */
  readonly length: number;
}

/** A key with the given number. */
export const keyOf = (
  id: number,
  method: EngineConfig['keys'][number]['method'],
): EngineConfig['keys'][number] => ({
  id,
  method,
  secret: `secret ${id}`,
});

/** The base configuration of scenarios. */
export const baseConfig: EngineConfig = {
  cluster: 'sim',
  node: 'director1',
  nodes: ['director1', 'director2'],
  keepalive: 10,
  deadtime: 30,
  warntime: 15,
  initdead: 100,
  autoFailback: 'on',
  preemptDelay: 0,
  holddown: 0,
  vipLease: 3_000,
  groups: [
    {
      vrid: 1,
      name: 'web',
      preferredNode: 'director1',
      vips: [{family: 4, address: '10.0.0.100', prefixLength: 24, device: 'eth0'}],
      cold: false,
    },
  ],
  paths: [{kind: 'mcast', device: 'eth0', group: '225.0.0.1', port: 694, ttl: 1, loop: false}],
  keys: [keyOf(1, 'sha256')],
  signingKey: 1,
  configDigest: '00',
  realtime: false,
  rtPriority: 1,
  pings: [],
  pingGroups: [],
  ipfail: false,
  deadping: 1_000,
  trackInterfaces: [],
  stateDir: '/nowhere',
};

const vip = (last: number) => ({
  family: 4 as const,
  address: `10.0.0.${last}`,
  prefixLength: 24,
  device: 'eth0',
});
const twoGroups: EngineConfig['groups'] = [
  {vrid: 1, name: 'web', preferredNode: 'director1', vips: [vip(100), vip(102)], cold: false},
  {vrid: 2, name: 'mail', preferredNode: 'director2', vips: [vip(101)], cold: false},
];

const one = <T>(prng: Prng, all: readonly T[]): T => all[prng.below(all.length)] as T;

/** Faults with their weights. */
const kinds = [
  'power', 'power', 'kill', 'pause', 'pause', 'stop', 'orphan', 'carrier', 'unready', 'unreach', 'acquire-fails', 'partition',
  'partition', 'lan', 'one-way', 'one-way', 'cut', 'cut', 'carrier', 'noise', 'noise', 'noise', 'move', 'move', 'move', 'replay', 'replay',
  'remove-address', 'wall-step', 'state-lost', 'rotate-key', 'drop-group', 'edit-groups', 'edit-groups',
] as const; // prettier-ignore

/** The scenario of a seed, `length` ms long. The seed determines the advert interval, from 10 ms to 5 s. */
export function makeScenario(seed: number, length: number, keepalives: readonly number[]): Scenario {
  const prng = makePrng(seed * 7_919 + 17);
  const keepalive = one(prng, keepalives);
  const deadtime = keepalive * one(prng, [2.5, 3, 4, 10]);
  const config: EngineConfig = {
    ...baseConfig,
    keepalive,
    deadtime,
    warntime: deadtime / 2,
    initdead: deadtime * one(prng, [2, 5]),
    autoFailback: one(prng, ['on', 'on', 'off', 'legacy'] as const),
    preemptDelay: one(prng, [0, 0, deadtime * 5]),
    holddown: one(prng, [0, 0, deadtime * 6]),
    vipLease: one(prng, [3_000, 10_000, 0]),
    groups: prng.chance(0.5) ? baseConfig.groups : twoGroups,
    // HMAC is the largest cost of a simulated hour: only one scenario in ten uses it.
    keys: [keyOf(1, prng.chance(0.1) ? 'sha256' : 'crc')],
    paths: Array.from({length: 1 + prng.below(3)}, () => baseConfig.paths[0] as EngineConfig['paths'][number]),
  }; // prettier-ignore
  const unit = deadtime;
  const troubles: Trouble[] = [];
  for (let at = config.initdead + 20 * unit; at < length;) {
    const kind = one(prng, kinds);
    const common = {at, lasts: unit * one(prng, [0.2, 0.7, 1.3, 3, 20]), node: prng.below(2)};
    if (kind === 'cut') troubles.push({...common, kind, path: prng.below(config.paths.length)});
    else if (kind === 'noise')
      troubles.push({
        ...common,
        kind,
        path: prng.below(config.paths.length),
        loss: prng.next() * 0.6,
        duplicate: prng.next() * 0.5,
        jitter: keepalive * one(prng, [0.1, 0.8, 2]),
      });
    else if (kind === 'move')
      troubles.push({
        ...common,
        kind,
        move: one(prng, ['standby', 'takeover', 'failback'] as const),
        scope: one(prng, ['local', 'foreign', 'all'] as const),
      });
    else troubles.push({...common, kind});
    // Faults often overlap; often there is a long quiet time.
    at += unit * one(prng, [0.1, 1, 5, 60, 200, 600]);
  }
  return {
    seed,
    config,
    rates: [1, 1 + (prng.next() - 0.5) * 0.002],
    troubles,
    length,
  };
}
