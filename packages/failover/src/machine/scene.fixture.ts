/** A director in each role, and its peer's adverts, for the machine's tests. Instants are milliseconds from its start. */
import type {Advert, AdvertGroup} from '../advert.ts';
import {addressHash, shortHash} from '../auth.ts';
import type {EngineConfig} from '../messages.ts';
import type {Effect, Event, State} from './state.ts';
import {initialState, step} from './step.ts';

export const config: EngineConfig = {
  cluster: 'linux-ha',
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
  keys: [{id: 1, method: 'sha256', secret: 's3cret'}],
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

/** director2's advert; it hears director1. */
export const peerAdvert = (group: Partial<AdvertGroup>, advert: Partial<Advert> = {}): Advert => ({
  nodeIndex: 1,
  path: 0,
  ready: true,
  heard: 1,
  cluster: shortHash('linux-ha'),
  node: shortHash('director2'),
  incarnation: 7n,
  sequence: 1_000n,
  echoIncarnation: 5n,
  echoSequence: 1n,
  digest: 0n,
  groups: [
    {
      vrid: 1,
      role: 'Backup',
      priority: 100,
      handover: false,
      claim: false,
      addresses: [{hash: addressHash('10.0.0.100'), assigned: group.role === 'Active'}],
      ...group,
    },
  ],
  ...advert,
});

/** Feeds events at their instants, in order. */
export function run(
  configuration: EngineConfig,
  start: State,
  events: readonly (readonly [at: number, event: Event])[],
): {readonly state: State; readonly effects: readonly Effect[]; readonly now: number} {
  let [state, now] = [start, 0];
  const effects: Effect[] = [];
  for (const [at, event] of events) {
    now = at;
    const [next, more] = step(configuration, state, event, at);
    state = next;
    effects.push(...more);
  }
  return {state, effects, now};
}

const begin = (): State => initialState(config, 5n, 0);
const ready: readonly [number, Event] = [0, {type: 'readiness', ready: true}];

/** The roles, and the ways of being in them. */
export const scenes = {
  Initialize: () => run(config, begin(), [ready]),
  'Initialize with leftover addresses': () =>
    run(config, begin(), [[0, {type: 'found-address', vrid: 1, addresses: ['10.0.0.100']}], ready]),
  'Backup of a live peer': () =>
    run(config, begin(), [ready, [5, {type: 'advert', advert: peerAdvert({role: 'Active', priority: 255})}]]),
  'Backup without carrier': () =>
    run(config, begin(), [
      ready,
      [5, {type: 'device', device: 'eth0', problem: 'eth0 has no carrier'}],
      [100, {type: 'tick'}],
    ]),
  'Active alone': () => run(config, begin(), [ready, [100, {type: 'tick'}]]),
  Active: () =>
    run(config, begin(), [ready, [5, {type: 'advert', advert: peerAdvert({role: 'Backup', priority: 100})}]]),
  'Active, handing over': () =>
    run(config, begin(), [
      ready,
      [5, {type: 'advert', advert: peerAdvert({role: 'Backup', priority: 100})}],
      [6, {type: 'move', id: 9, move: 'standby', scope: 'all'}],
    ]),
  'Active, listening after a pause': () =>
    run(config, begin(), [
      ready,
      [5, {type: 'advert', advert: peerAdvert({role: 'Backup', priority: 100})}],
      [2_000, {type: 'tick'}],
    ]),
} satisfies Readonly<Record<string, () => {state: State; now: number}>>;
