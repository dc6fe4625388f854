/**
 * Two directors in one process: the production machine and codec over a seeded network with its own clock. Nothing here
 * knows the machine's insides; what counts is who holds the address, and for how long both or nobody did.
 */
import {makePrng} from '@hactl/base';
import {
  acceptSequence,
  advertOf,
  decodeAdvert,
  encodeAdvert,
  freshReplay,
  initialState,
  nextDeadline,
  shortHash,
  step,
  type Effect,
  type EngineConfig,
  type Event,
  type ReplayState,
  type State,
} from '@hactl/failover';

export const names = ['director1', 'director2'] as const;
export type Name = (typeof names)[number];

export interface PairOptions {
  readonly seed: number;
  readonly config?: Partial<EngineConfig>;
  /** Replaces the production step: the mutants of the tests. */
  readonly step?: typeof step;
}

/** What the network does to one direction. */
export interface Way {
  cut: boolean;
  loss: number;
  duplicate: number;
  delay: number;
  jitter: number;
}

interface Node {
  state: State | undefined;
  readonly config: EngineConfig;
  replay: ReplayState;
  holds: boolean;
  pausedUntil: number;
  readonly inbox: Buffer[];
  timer: number;
  incarnation: bigint;
}

const base: EngineConfig = {
  cluster: 'sim',
  node: 'director1',
  nodes: [...names],
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
  keys: [{id: 1, method: 'sha256', secret: 'sim'}],
  signingKey: 1,
  configDigest: '00',
  realtime: false,
  rtPriority: 1,
  pings: [],
  pingGroups: [],
  ipfail: false,
  deadping: 1_000,
  stateDir: '/nowhere',
};

export type Pair = ReturnType<typeof makePair>;

/** Makes the pair; nothing runs until `boot`. */
export function makePair(options: PairOptions) {
  const prng = makePrng(options.seed);
  const machine = options.step ?? step;
  let now = 1_000;
  let [both, neither] = [0, 0];
  const log: {at: number; node: Name; effect: Effect}[] = [];
  const flying: {at: number; order: number; to: Name; bytes: Buffer}[] = [];
  let order = 0;
  const ways: Record<Name, Way> = {
    director1: {cut: false, loss: 0, duplicate: 0, delay: 0.2, jitter: 0.3},
    director2: {cut: false, loss: 0, duplicate: 0, delay: 0.2, jitter: 0.3},
  };
  const make = (name: Name): Node => ({
    state: undefined,
    config: {...base, ...options.config, node: name},
    replay: freshReplay(),
    holds: false,
    pausedUntil: 0,
    inbox: [],
    timer: Infinity,
    incarnation: 0n,
  });
  const nodes: Record<Name, Node> = {director1: make('director1'), director2: make('director2')};
  const other = (name: Name): Name => (name === 'director1' ? 'director2' : 'director1');

  function send(name: Name): void {
    const node = nodes[name];
    if (!node.state) return;
    const [key] = node.config.keys;
    if (!key) return;
    const bytes = encodeAdvert({...advertOf(node.config, node.state), path: 0}, key);
    const way = ways[name];
    const copies = 1 + (prng.chance(way.duplicate) ? 1 : 0);
    for (let copy = 0; copy < copies; copy += 1) {
      if (way.cut || prng.chance(way.loss)) continue;
      order += 1;
      flying.push({at: now + way.delay + prng.next() * way.jitter, order, to: other(name), bytes});
    }
  }

  function perform(name: Name, effect: Effect): void {
    const node = nodes[name];
    log.push({at: now, node: name, effect});
    if (effect.type === 'acquire') node.holds = true;
    else if (effect.type === 'release') node.holds = false;
    else if (effect.type === 'send-advert') send(name);
    else if (effect.type === 'stopped') {
      node.state = undefined;
      node.timer = Infinity;
    }
  }

  function feed(name: Name, event: Event): void {
    const node = nodes[name];
    if (!node.state) return;
    const [next, effects] = machine(node.config, node.state, event, now);
    node.state = next;
    for (const effect of effects) perform(name, effect);
    node.timer = node.state ? nextDeadline(node.state) : Infinity;
  }

  function receive(name: Name, bytes: Buffer): void {
    const node = nodes[name];
    if (!node.state) return;
    const decoded = decodeAdvert(bytes, shortHash(node.config.cluster), node.config.keys);
    if (!decoded.ok) return;
    const accepted = acceptSequence(node.replay, decoded.value);
    if (!accepted.ok) return;
    node.replay = accepted.value;
    feed(name, {type: 'advert', advert: decoded.value});
  }

  /** Runs until `end`; time goes from one thing that is due to the next. */
  function runUntil(end: number): void {
    for (;;) {
      let at = end;
      for (const one of flying) at = Math.min(at, one.at);
      for (const name of names) {
        const node = nodes[name];
        if (node.state) at = Math.min(at, Math.max(node.timer, node.pausedUntil));
        if (node.pausedUntil > now) at = Math.min(at, node.pausedUntil);
      }
      at = Math.max(at, now);
      const holders = names.filter((name) => nodes[name].holds).length;
      if (holders > 1) both += at - now;
      if (holders === 0) neither += at - now;
      now = at;
      if (now >= end) return;
      flying.sort((a, b) => a.at - b.at || a.order - b.order);
      while (flying[0] && flying[0].at <= now) {
        const one = flying.shift();
        if (!one) break;
        if (nodes[one.to].pausedUntil > now) nodes[one.to].inbox.push(one.bytes);
        else receive(one.to, one.bytes);
      }
      for (const name of names) {
        const node = nodes[name];
        if (node.pausedUntil > now) continue;
        // As in the driver: timers first; a peer is declared dead only when the socket has been read.
        if (node.state && node.timer <= now) {
          for (const bytes of node.inbox.splice(0)) receive(name, bytes);
          if (node.timer <= now) feed(name, {type: 'tick'});
        }
        for (const bytes of node.inbox.splice(0)) receive(name, bytes);
      }
    }
  }

  return {
    nodes,
    ways,
    log,
    feed,
    boot: (name: Name): void => {
      const node = nodes[name];
      node.incarnation += 1n;
      node.state = initialState(node.config, BigInt(Math.floor(now)) + node.incarnation, now);
      node.timer = now;
      feed(name, {type: 'readiness', ready: true});
    },
    crash: (name: Name): void => {
      const node = nodes[name];
      node.state = undefined;
      node.holds = false;
      node.timer = Infinity;
    },
    pause: (name: Name, duration: number): void => {
      nodes[name].pausedUntil = now + duration;
    },
    runFor: (duration: number): void => runUntil(now + duration),
    holders: (): Name[] => names.filter((name) => nodes[name].holds),
    /** Time with two holders and with none since the last call. */
    times: (): {both: number; neither: number} => {
      const result = {both, neither};
      [both, neither] = [0, 0];
      return result;
    },
    get now(): number {
      return now;
    },
  };
}
