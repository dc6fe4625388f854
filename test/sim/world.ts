/**
 * Directors in one process: the production machine, codec and replay window over a seeded network with its own clock.
 * Nothing here judges; who holds which address, and when, is told to an observer. Times are milliseconds of world time;
 * every director has a clock of its own that runs at its own rate.
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

/** The parts of the engine that a mutant replaces. */
export interface Machine {
  readonly step: typeof step;
  readonly accept: typeof acceptSequence;
}
export const production: Machine = {step, accept: acceptSequence};

/** What the network does to one direction of one path. Counters, so that troubles may overlap. */
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
  /** undefined: the process does not run. */
  state: State | undefined;
  replay: ReplayState[];
  /** Kernel addresses, by their index in the world's `addresses`: the instant the lease ends; undefined: not there. */
  readonly leases: (number | undefined)[];
  pausedUntil: number;
  wokeAt: number;
  heardSinceWake: boolean;
  readonly inbox: Arrival[];
  claims: ClaimBook;
  /** World time of the next deadline. */
  timer: number;
  due: number;
  /** What its state directory keeps. */
  incarnation: bigint;
  readonly seen: {incarnation: bigint; sequence: bigint; at: number}[];
  /** Local monotonic clock = rate · world + offset; the wall clock is apart and may step. */
  readonly rate: number;
  readonly offset: number;
  wall: number;
  carrierLost: number;
  acquireFails: number;
  fenceFails: boolean;
  bootedAt: number;
  ready: boolean;
}

/** An announcement on the LAN, as the other director takes it apart. */
interface Announced {
  readonly claim: Claim;
  readonly address: string;
  readonly vrid: number;
}
type Arrival = Buffer | Event | Announced;

export interface Observer {
  /** Time passed in which nothing changed. */
  passed?(from: number, to: number): void;
  /** One step of a director was made and its effects are done. */
  stepped?(node: WorldNode, event: Event, effects: readonly Effect[], now: number): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly config: EngineConfig;
  readonly machine?: Machine;
  readonly observer?: Observer;
  /** Every address that a configuration may name; by default those of `config`. */
  readonly addresses?: readonly string[];
  /** Rates of the directors' clocks; 1 where absent. */
  readonly rates?: readonly number[];
}

export type World = ReturnType<typeof makeWorld>;

/** A socket's receive buffer: what comes while nobody reads is kept so far, and the rest is lost. */
const INBOX = 250;
/**
 * Datagrams that a recorder on the wire has kept: accepted ones. What was cut off before it arrived and is sent later by
 * somebody else cannot be told from a slow network.
 */
const RECORDED = 64;
/** As in the driver: how often the newest advert of the peer goes to disk. */
const SAVE_EVERY = 1_000;

/** Makes the world; nothing runs until `boot`. */
export function makeWorld(options: WorldOptions) {
  const prng = makePrng(options.seed);
  const machine = options.machine ?? production;
  const observer = options.observer ?? {};
  let now = 1_000;
  let order = 0;
  const flying: {at: number; order: number; to: number; what: Arrival}[] = [];
  const count = options.config.nodes.length;
  const paths = options.config.paths.length;
  /** Ways by path, then by sender. */
  const ways: Way[][] = Array.from({length: paths}, () =>
    Array.from({length: count}, () => ({cut: 0, noise: 0, loss: 0, duplicate: 0, delay: 0.2, jitter: 0.3})),
  );
  const lan = {cut: 0};
  const recorded: {bytes: Buffer; at: number}[][] = options.config.nodes.map(() => []);
  /** Every address that a configuration may name. */
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
  /** The group that a director's own configuration gives an address to. */
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

  /** ARP and NA reach everybody on the LAN, also while no heartbeat does. */
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

  /** One event and what follows from it, run to completion as in the driver. */
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
  /** Something happens to a director: now, or when it runs again. */
  function tell(node: WorldNode, what: Arrival): void {
    if (!node.state) return;
    if (node.pausedUntil <= now) return take(node, what);
    if (node.inbox.length < INBOX) node.inbox.push(what);
  }

  /** The order of a turn of Node's loop, as the driver arranges it. */
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

  /** Runs until `end`; time goes from one thing that is due to the next. */
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
    /** An event at a director, as its driver or supervisor would feed it. */
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
    /** The process dies; the kernel keeps what it holds until the lease ends. */
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
    /** Old datagrams of a director come again to everybody. */
    replayOld: (from: number, times: number): void => {
      // What is younger than the last save may come again once, after a restart: stated in docs/protocol.md.
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
