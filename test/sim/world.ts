/**
 * Directors in one process: the production machine, codec and replay window over a seeded network with a simulated clock.
 * Checks nothing itself: an observer is notified who holds which address, and when. Times are milliseconds of world time; every
 * director has its own clock with its own rate.
 */
import {assert, makePrng} from '@hactl/base';
import {
  acceptSequence,
  advertOf,
  decodeAdvert,
  encodeAdvert,
  initialReplay,
  incarnationAfter,
  makeClaimBook,
  initialState,
  mustListenFirst,
  nextDeadline,
  performAll,
  shortHash,
  step,
  type Claim,
  type ClaimBook,
  type Effect,
  type EngineConfig,
  type EngineVip,
  type Event,
  type ReplayState,
  type State,
} from '@hactl/failover';

/** The parts of the engine that a mutant may replace. */
export interface Machine {
  readonly step: typeof step;
  readonly accept: typeof acceptSequence;
}
export const production: Machine = {step, accept: acceptSequence};

/** Network faults of one direction of one path. Counters, so that faults may overlap. */
export interface Way {
  cut: number;
  noise: number;
  loss: number;
  duplicate: number;
  delay: number;
  jitter: number;
}

export interface WorldNode {
  readonly place: number;
  config: EngineConfig;
  /** undefined: the process is not running. */
  state: State | undefined;
  replay: ReplayState[];
  /** Kernel addresses, by index in the world's `addresses`: when the lease ends; undefined: not assigned. */
  readonly leases: (number | undefined)[];
  pausedUntil: number;
  wokeAt: number;
  heardSinceWake: boolean;
  readonly inbox: Arrival[];
  claims: ClaimBook;
  /** World time of the next deadline. */
  timer: number;
  due: number;
  /** Contents of its state directory. */
  incarnation: bigint;
  readonly seen: {incarnation: bigint; sequence: bigint; at: number}[];
  /** Local monotonic clock = rate · world + offset; the wall clock is separate and may step. */
  readonly rate: number;
  readonly offset: number;
  wall: number;
  carrierLost: number;
  acquireFails: number;
  fenceFails: boolean;
  bootedAt: number;
  ready: boolean;
}

/** An announcement on the LAN, as parsed by the other director. */
interface Announced {
  readonly claim: Claim;
  readonly address: string;
  readonly vrid: number;
}
type Arrival = Buffer | Event | Announced;

export interface Observer {
  /** Called for a span of time in which nothing changed. */
  passed?(from: number, to: number): void;
  /** Called after a director's step, with its effects performed. */
  stepped?(node: WorldNode, event: Event, effects: readonly Effect[], now: number): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly config: EngineConfig;
  readonly machine?: Machine;
  readonly observer?: Observer;
  /** All addresses that configurations may contain; by default those of `config`. */
  readonly addresses?: readonly string[];
  /** Rates of the directors' clocks; default 1. */
  readonly rates?: readonly number[];
}

export type World = ReturnType<typeof makeWorld>;

/** Size of a socket's receive buffer: datagrams beyond it are lost while the process does not read. */
const INBOX = 250;
/**
 * Datagrams recorded on the wire: only accepted ones. One intercepted before delivery and sent later is indistinguishable
 * from a slow network.
 */
const RECORDED = 64;
/** Interval of persisting the peer's latest advert, as in the driver. */
const SAVE_EVERY = 1_000;

/** Creates the world; nothing runs until `boot`. */
export function makeWorld(options: WorldOptions) {
  const prng = makePrng(options.seed);
  const machine = options.machine ?? production;
  const observer = options.observer ?? {};
  let now = 1_000;
  let order = 0;
  const flying: {at: number; order: number; to: number; what: Arrival}[] = [];
  const count = options.config.nodes.length;
  const paths = options.config.paths.length;
  /** Directions by path, then by sender. */
  const ways: Way[][] = Array.from({length: paths}, () =>
    Array.from({length: count}, () => ({cut: 0, noise: 0, loss: 0, duplicate: 0, delay: 0.2, jitter: 0.3})),
  );
  const lan = {cut: 0};
  const recorded: {bytes: Buffer; at: number}[][] = options.config.nodes.map(() => []);
  /** All addresses that configurations may contain. */
  const addresses =
    options.addresses ?? options.config.groups.flatMap(({vips}) => vips.map(({address}) => address));
  const nodes = options.config.nodes.map((node, place): WorldNode => ({
    place,
    config: {...options.config, node},
    state: undefined,
    replay: options.config.nodes.map(() => initialReplay()),
    leases: addresses.map(() => undefined),
    pausedUntil: 0,
    wokeAt: -Infinity,
    heardSinceWake: true,
    inbox: [],
    claims: makeClaimBook(),
    timer: Infinity,
    due: Infinity,
    incarnation: 0n,
    seen: options.config.nodes.map(() => ({incarnation: 0n, sequence: 0n, at: -Infinity})),
    rate: options.rates?.[place] ?? 1,
    offset: place * 1e6,
    wall: 1.7e12,
    carrierLost: 0,
    acquireFails: 0,
    fenceFails: false,
    bootedAt: -Infinity,
    ready: true,
  }));
  /** The group of an address in a director's configuration. */
  const groupOf = (node: WorldNode, index: number): number | undefined =>
    node.config.groups.find((group) => group.vips.some(({address}) => address === addresses[index]))?.vrid;
  const local = (node: WorldNode): number => node.rate * now + node.offset;

  function fly(to: number, delay: number, what: Arrival): void {
    order += 1;
    const packet = {at: now + delay, order, to, what};
    let index = flying.length;
    while (index > 0 && (flying[index - 1]?.at ?? 0) > packet.at) index -= 1;
    flying.splice(index, 0, packet);
  }

  function send(node: WorldNode): void {
    if (!node.state) return;
    const key = node.config.keys.find((key) => key.id === node.config.signingKey);
    assert(key !== undefined, 'a signing key');
    const advert = advertOf(node.config, node.state);
    for (let path = 0; path < paths; path += 1) {
      const way = ways[path]?.[node.place];
      assert(way !== undefined, 'a way');
      // The first path shares the LAN's interface.
      if (path === 0 && (lan.cut > 0 || node.carrierLost > 0)) continue;
      const bytes = encodeAdvert({...advert, path}, key);
      for (let to = 0; to < count; to += 1) {
        if (to === node.place || way.cut > 0) continue;
        if (path === 0 && (nodes[to]?.carrierLost ?? 0) > 0) continue;
        const copies = way.duplicate > 0 && prng.chance(way.duplicate) ? 2 : 1;
        for (let copy = 0; copy < copies; copy += 1) {
          if (way.loss > 0 && prng.chance(way.loss)) continue;
          fly(to, way.delay + prng.next() * way.jitter, bytes);
        }
      }
    }
  }

  /** ARP and NA reach everybody on the LAN, even while heartbeats do not. */
  function announce(node: WorldNode, vips: readonly EngineVip[]): void {
    if (lan.cut > 0 || node.carrierLost > 0) return;
    for (const {address} of vips)
      for (const other of nodes) {
        const vrid = groupOf(other, addresses.indexOf(address));
        if (other !== node && other.carrierLost === 0 && vrid !== undefined)
          fly(other.place, 0.2, {
            claim: node.claims.next(node.state?.incarnation ?? node.incarnation),
            address,
            vrid,
          });
      }
  }

  /** A machine answers while it has power, whether its director runs or is suspended. */
  function askKernel(node: WorldNode, nodeIndex: number): void {
    const other = nodes[nodeIndex];
    const reachable = lan.cut === 0 && node.carrierLost === 0 && other?.carrierLost === 0;
    if (reachable && other.state !== undefined) fly(node.place, 0.4, {type: 'kernel-answers', nodeIndex});
  }

  const leaseOf = (node: WorldNode): number =>
    node.config.vipLease > 0 ? now + node.config.vipLease : Infinity;

  function perform(node: WorldNode, effect: Effect, more: Event[]): void | 'failed' {
    switch (effect.type) {
      case 'acquire':
      case 'renew':
      case 'leave-addresses':
        if (node.acquireFails > 0 && effect.type === 'acquire') {
          more.push({type: 'acquire-failed', vrid: effect.vrid, reason: 'no buffer space'});
          return 'failed';
        }
        for (const {address} of effect.vips)
          node.leases[addresses.indexOf(address)] =
            effect.type === 'leave-addresses' ? now + 10_000 : leaseOf(node);
        return;
      case 'release':
        for (const {address} of effect.vips) node.leases[addresses.indexOf(address)] = undefined;
        return;
      case 'announce':
        return announce(node, effect.vips);
      case 'send-advert':
        return send(node);
      case 'ask-kernel':
        return askKernel(node, effect.nodeIndex);
      case 'remember-incarnation':
        node.incarnation = effect.incarnation;
        return;
      case 'prepare':
        more.push({type: 'prepared', vrid: effect.vrid, ok: true, reason: ''});
        return;
      case 'fence':
        more.push({type: 'fenced', ok: !node.fenceFails, reason: 'as the test says'});
        return;
      case 'stopped':
        send(node);
        node.state = undefined;
        node.timer = Infinity;
        return;
      default:
    }
  }

  /** Feeds one event and its consequences, to completion as in the driver. */
  function feed(node: WorldNode, first: Event): void {
    const queue = [first];
    for (let event = queue.shift(); event && node.state; event = queue.shift()) {
      const at = Math.max(local(node), event.type === 'tick' ? node.due : 0);
      const [next, effects] = machine.step(node.config, node.state, event, at);
      node.state = next;
      performAll(effects, (effect) => perform(node, effect, queue));
      observer.stepped?.(node, event, effects, now);
    }
    if (!node.state) return;
    node.due = nextDeadline(node.config, node.state);
    node.timer = (node.due - node.offset) / node.rate;
  }

  function receive(node: WorldNode, bytes: Buffer): void {
    if (!node.state) return;
    const decoded = decodeAdvert(bytes, clusterHash, node.config.keys);
    if (!decoded.ok) return;
    const {nodeIndex} = decoded.value;
    if (nodeIndex === node.place) return;
    const before = node.replay[nodeIndex];
    if (!before) return;
    const accepted = machine.accept(before, decoded.value);
    if (!accepted.ok) return;
    node.replay[nodeIndex] = accepted.value;
    const seen = node.seen[nodeIndex];
    if (seen && (seen.incarnation !== accepted.value.incarnation || now - seen.at >= SAVE_EVERY))
      node.seen[nodeIndex] = {
        incarnation: accepted.value.incarnation,
        sequence: accepted.value.newest,
        at: now,
      };
    node.heardSinceWake = true;
    const kept = recorded[nodeIndex];
    if (kept && prng.chance(0.02)) kept[prng.below(RECORDED)] = {bytes, at: now};
    feed(node, {type: 'advert', advert: decoded.value});
  }
  const clusterHash = shortHash(options.config.cluster);

  function take(node: WorldNode, what: Arrival): void {
    if (Buffer.isBuffer(what)) return receive(node, what);
    if ('type' in what) return feed(node, what);
    const heard = node.claims.hear(what.claim);
    const claimant = heard === 'proven' ? 'peer-alive' : heard === 'unproven' ? 'peer' : 'stranger';
    feed(node, {type: 'conflict', vrid: what.vrid, address: what.address, claimant, from: 'the peer'});
  }
  const drain = (node: WorldNode): void => {
    while (node.inbox.length > 0 && node.pausedUntil <= now) {
      const what = node.inbox.shift();
      if (what !== undefined) take(node, what);
    }
  };
  /** Schedules an action on a director: now, or when it resumes. */
  function tell(node: WorldNode, what: Arrival): void {
    if (!node.state) return;
    if (node.pausedUntil <= now) return take(node, what);
    if (node.inbox.length < INBOX) node.inbox.push(what);
  }

  /** The order of an event-loop turn, as in the driver. */
  function turn(node: WorldNode): void {
    if (node.state && node.timer <= now) {
      if (mustListenFirst(node.state, local(node))) drain(node);
      if (node.timer <= now) feed(node, {type: 'tick'});
    }
    drain(node);
  }

  function expire(): void {
    for (const node of nodes)
      for (const [at, until] of node.leases.entries())
        if (until !== undefined && until <= now) {
          node.leases[at] = undefined;
          const vrid = groupOf(node, at);
          if (vrid !== undefined && node.state) tell(node, {type: 'address-gone', vrid});
        }
  }

  /** Runs until `end`; time jumps from one due event to the next. */
  function runUntil(end: number): void {
    for (;;) {
      let at = flying[0] ? Math.min(end, flying[0].at) : end;
      for (const node of nodes) {
        if (node.pausedUntil > now) at = Math.min(at, node.pausedUntil);
        else if (node.timer < at) at = node.timer;
        for (const until of node.leases) if (until !== undefined && until < at) at = until;
      }
      if (at > now) {
        observer.passed?.(now, at);
        now = at;
      }
      if (now >= end) return;
      expire();
      while (flying[0] && flying[0].at <= now) {
        const packet = flying.shift();
        const node = packet && nodes[packet.to];
        if (node) tell(node, packet.what);
      }
      for (const node of nodes) if (node.pausedUntil <= now) turn(node);
    }
  }

  const device = (node: WorldNode): Event =>
    node.carrierLost > 0
      ? {type: 'device', device: 'eth0', problem: 'eth0 has no carrier'}
      : {type: 'device', device: 'eth0'};

  return {
    nodes,
    addresses,
    ways,
    lan,
    /** Feeds an event to a director, as its driver or supervisor would. */
    tell,
    boot: (node: WorldNode): void => {
      const wall = BigInt(Math.floor(node.wall + now));
      node.incarnation = wall > node.incarnation ? wall : incarnationAfter(node.incarnation);
      node.replay = node.seen.map(({incarnation, sequence}) => initialReplay(incarnation, sequence));
      node.state = initialState(
        node.config,
        node.incarnation,
        local(node),
        node.seen.map(({incarnation}) => incarnation),
      );
      node.inbox.length = 0;
      node.claims = makeClaimBook();
      node.bootedAt = now;
      node.due = local(node);
      for (const [at, until] of node.leases.entries()) {
        const vrid = groupOf(node, at);
        if (until !== undefined && vrid !== undefined)
          feed(node, {type: 'found-address', vrid, addresses: [addresses[at] ?? '']});
      }
      feed(node, device(node));
      feed(node, {type: 'readiness', ready: node.ready});
      feed(node, {type: 'tick'});
    },
    /** The process dies; the kernel keeps its addresses until the lease ends. */
    kill: (node: WorldNode): void => {
      node.state = undefined;
      node.timer = Infinity;
      node.inbox.length = 0;
      node.pausedUntil = 0;
    },
    powerOff: (node: WorldNode): void => {
      node.state = undefined;
      node.timer = Infinity;
      node.inbox.length = 0;
      node.pausedUntil = 0;
      node.leases.fill(undefined);
    },
    pause: (node: WorldNode, duration: number): void => {
      node.pausedUntil = Math.max(node.pausedUntil, now + duration);
      node.wokeAt = node.pausedUntil;
      node.heardSinceWake = false;
    },
    carrier: (node: WorldNode, change: 1 | -1): void => {
      node.carrierLost += change;
      tell(node, device(node));
    },
    /** Replays old datagrams of a director to everybody. */
    replayOld: (from: number, times: number): void => {
      // After a restart, datagrams younger than the last save may be replayed once: documented in docs/protocol.md.
      const kept = (recorded[from] ?? []).filter((one) => one !== undefined && now - one.at > 2 * SAVE_EVERY);
      for (let one = 0; one < times && kept.length > 0; one += 1) {
        const bytes = kept[prng.below(kept.length)]?.bytes;
        for (const node of nodes) if (bytes && node.place !== from) fly(node.place, one * 0.5, bytes);
      }
    },
    reconfigure: (node: WorldNode, config: EngineConfig): void => {
      const previous = node.config;
      node.config = {...config, node: previous.node};
      tell(node, {type: 'configure', previous});
    },
    removeAddress: (node: WorldNode, at: number): void => {
      if (node.leases[at] === undefined) return;
      node.leases[at] = undefined;
      const vrid = groupOf(node, at);
      if (vrid !== undefined) tell(node, {type: 'address-gone', vrid});
    },
    runUntil,
    runFor: (duration: number): void => runUntil(now + duration),
    holders: (at = 0): number[] =>
      nodes.filter((node) => node.leases[at] !== undefined).map((node) => node.place),
    get now(): number {
      return now;
    },
  };
}
