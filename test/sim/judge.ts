/**
 * Invariants of every scenario, checked while the world runs. docs/failover.md documents the same bounds.
 * The first violation ends the run.
 */
import type {Effect, Event} from '@hactl/failover';
import type {Scenario, Trouble} from './scenario.ts';
import type {Observer, World, WorldNode} from './world.ts';

export interface Violation {
  readonly rule:
    | 'two-holders'
    | 'two-holders-on-lan'
    | 'no-holder'
    | 'outage-without-cause'
    | 'restless'
    | 'order'
    | 'hasty-wake'
    | 'hold-down';
  readonly at: number;
  readonly text: string;
}

/** Faults that may leave a group without a holder. A move, a key rotation, a replay or a clock step may not. */
const costly: ReadonlySet<Trouble['kind']> = new Set([
  'power',
  'kill',
  'pause',
  'orphan',
  'carrier',
  'acquire-fails',
  'partition',
  'lan',
  'one-way',
  'cut',
  'noise',
  'remove-address',
]);

/** Bounds of a scenario, ms. */
export function boundsOf({config}: Scenario) {
  const {keepalive, deadtime} = config;
  const delay = 1;
  return {
    /** Two holders while one direction of one path is clean: the acknowledgement bits need two adverts. */
    both: (keepalive < 20 ? 3 : 2) * keepalive * 1.002 + delay,
    /** The same at a takeover from a peer that hands over: it is busy with that, so the other waits two adverts more for its echo. */
    bothInHandover: (keepalive < 20 ? 5 : 4) * keepalive * 1.002 + delay,
    /** Two holders while the other direction drops and delays: the lag of its echo must be noticed. */
    bothInNoise: deadtime + 9 * keepalive + delay,
    /** Two holders while all heartbeats are cut and the LAN works: one announcement and its answer. */
    bothOnLan: Math.max(50, 2 * deadtime) + delay,
    /** The same if both became Active while the LAN was cut: interval of the Active's claims while the peer is silent. */
    bothSinceCut: Math.max(1_000, 0.9 * deadtime) + Math.max(50, 2 * deadtime) + delay,
    /** No holder despite a healthy director: dead time, vacancy, and the retry after a failed acquisition. */
    neither: 3.5 * deadtime + 4 * keepalive + 1_000 + delay,
    /** Settling time after the last fault, after which no role may change. */
    calm: config.initdead + config.preemptDelay + config.holddown + 12 * deadtime + 20_000,
  };
}

/** `world` is a function because the world needs the observer first. */
export function makeJudge(scenario: Scenario) {
  const bounds = boundsOf(scenario);
  const addresses = scenario.config.groups.flatMap(({vips}) => vips.map(({address}) => address));
  let world: World | undefined;
  let violation: Violation | undefined;
  let causes = 0;
  let excusedUntil = scenario.config.initdead + bounds.neither + 1_000;
  let disturbedAt = 0;
  /** While the configurations differ, an address may be on no director, but never on two. */
  let differUntil = 0;
  const clearFor = addresses.map(() => 0);
  const lanFor = addresses.map(() => 0);
  const noneFor = addresses.map(() => 0);
  /** While the address was on both directors, one of them was handing it over. */
  const handedOver = addresses.map(() => false);
  /** The address was on both directors while the LAN was cut. */
  const cutBetween = addresses.map(() => false);
  /** When a director last became Active for a group or stopped being so. */
  const turns = new Map<string, number>();
  const slept: number[] = [];
  /** When a director's last fault ended. */
  const recovered: number[] = [];

  const wrong = (rule: Violation['rule'], at: number, text: string): void => {
    violation ??= {rule, at, text};
  };
  const runs = (node: WorldNode, now: number): boolean =>
    node.state !== undefined && node.state.stopping === undefined && node.pausedUntil <= now;

  /** Whether some direction of some path loses nothing. */
  function clean(all: World): boolean {
    return all.ways.some((senders, path) =>
      senders.some(
        (way) =>
          way.cut === 0 &&
          way.noise === 0 &&
          (path > 0 || (all.lan.cut === 0 && all.nodes.every((node) => node.carrierLost === 0))),
      ),
    );
  }
  const dumb = (all: World): boolean =>
    all.lan.cut === 0 &&
    all.nodes.every((node) => node.carrierLost === 0) &&
    all.ways.every((senders) => senders.every((way) => way.cut > 0));

  /** Whether the node hands over the group of this address. */
  const handsOver = (node: WorldNode, at: number): boolean =>
    node.state?.groups.some(
      (group) =>
        group.role === 'Active' &&
        group.handoverUntil !== undefined &&
        group.vips.some(({address}) => address === addresses[at]),
    ) === true;

  function passed(from: number, to: number): void {
    if (!world || violation) return;
    for (const at of addresses.keys()) {
      const holding = world.nodes.reduce((sum, node) => sum + (node.leases[at] === undefined ? 0 : 1), 0);
      if (holding === 1) {
        clearFor[at] = 0;
        lanFor[at] = 0;
        cutBetween[at] = false;
        handedOver[at] = false;
        noneFor[at] = 0;
        continue;
      }
      const differ = to < differUntil;
      if (differ && holding === 0) continue;
      if (holding > 1) {
        // After a resume a director listens for two intervals before sending; after a start it must be heard for a while.
        const settled = 2 * scenario.config.keepalive;
        const awake = world.nodes.every(
          (node) => runs(node, from) && from - Math.max(node.wokeAt, node.bootedAt) > settled,
        );
        clearFor[at] = awake && clean(world) ? (clearFor[at] ?? 0) + to - from : 0;
        lanFor[at] = awake && !differ && dumb(world) ? (lanFor[at] ?? 0) + to - from : 0;
        const noisy = world.ways.some((senders) => senders.some((way) => way.noise > 0));
        if (world.nodes.some((node) => handsOver(node, at))) handedOver[at] = true;
        const quiet = handedOver[at] === true ? bounds.bothInHandover : bounds.both;
        const bound = noisy ? bounds.bothInNoise : quiet;
        if ((clearFor[at] ?? 0) > bound)
          wrong('two-holders', to, `${addresses[at]} on two directors for ${clearFor[at]?.toFixed(1)} ms, ${bound} allowed`); // prettier-ignore
        if (world.lan.cut > 0) cutBetween[at] = true;
        const onLan = cutBetween[at] === true ? bounds.bothSinceCut : bounds.bothOnLan;
        if ((lanFor[at] ?? 0) > onLan)
          wrong('two-holders-on-lan', to, `${addresses[at]} on two directors for ${lanFor[at]?.toFixed(1)} ms, ${onLan} allowed`); // prettier-ignore
        continue;
      }
      noneFor[at] = (noneFor[at] ?? 0) + to - from;
      if (causes === 0 && from >= excusedUntil)
        wrong('outage-without-cause', to, `${addresses[at]} on no director`);
      const healthy = world.nodes.find(
        (node) =>
          runs(node, from) &&
          node.carrierLost === 0 &&
          node.acquireFails === 0 &&
          // Refused acquisitions are retried with back-off.
          node.state?.groups.every(({refused}) => refused === undefined) === true &&
          from > node.bootedAt + scenario.config.initdead &&
          from > node.wokeAt &&
          from - Math.max(node.bootedAt + scenario.config.initdead, node.wokeAt, recovered[node.place] ?? 0) >
            bounds.neither,
      );
      if (healthy && (noneFor[at] ?? 0) > bounds.neither)
        wrong('no-holder', to, `${addresses[at]} on no director for ${noneFor[at]?.toFixed(1)} ms while director${healthy.place + 1} is healthy`); // prettier-ignore
    }
  }

  function stepped(node: WorldNode, _event: Event, effects: readonly Effect[], now: number): void {
    if (violation || effects.length === 0) return;
    for (const [at, effect] of effects.entries()) {
      const later = (type: Effect['type']): boolean =>
        effects.some((other, place) => place > at && other.type === type);
      if (effect.type === 'acquire' && !later('announce'))
        wrong('order', now, 'acquired without a subsequent announcement');
      if (effect.type === 'acquire' && !later('send-advert'))
        wrong('order', now, 'the advert does not follow the acquisition'); // prettier-ignore
      if (effect.type === 'release' && effects.slice(0, at).some(({type}) => type === 'send-advert'))
        wrong('order', now, 'the advert went before the release');
      if (effect.type === 'transition') transition(node, effect.transition, now);
      if (effect.type === 'acquire' || effect.type === 'announce' || effect.type === 'renew')
        touched(node, effect.vrid, effect.type, now);
    }
  }

  function transition(
    node: WorldNode,
    {vrid, from, to, reason}: Extract<Effect, {type: 'transition'}>['transition'],
    now: number,
  ): void {
    if (to === 'Initialize') return;
    const name = `${node.place} ${vrid}`;
    const turn = turns.get(name);
    // A restarted process does not know when it was last Active.
    const last = turn !== undefined && turn < node.bootedAt ? undefined : turn;
    if (causes === 0 && now - disturbedAt > bounds.calm)
      wrong('restless', now, `director${node.place + 1} ${to} while settled: ${reason}`);
    const {holddown} = scenario.config;
    if (to === 'Active' && last !== undefined && reason.startsWith('preempts') && now - last < holddown * 0.99)
      wrong('hold-down', now, `director${node.place + 1} preempts ${(now - last).toFixed(1)} ms after its last turn, hold-down is ${holddown}`); // prettier-ignore
    if (to === 'Active' || from === 'Active') turns.set(name, now);
  }

  /** After a resume a director must learn who is Active before touching an address. */
  function touched(node: WorldNode, vrid: number, what: string, now: number): void {
    if (!world || node.heardSinceWake || now < node.wokeAt) return;
    if (now > node.wokeAt + 2 * scenario.config.keepalive) return;
    if ((slept[node.place] ?? 0) < 1.5 * scenario.config.deadtime) return;
    const group = node.config.groups.find((configured) => configured.vrid === vrid);
    const touched = group?.vips.map(({address}) => addresses.indexOf(address)) ?? [];
    const other = world.nodes.find(
      (one) => one !== node && touched.some((at) => one.leases[at] !== undefined) && runs(one, now),
    );
    if (other && world.ways.some((senders, path) => path > 0 && senders[other.place]?.cut === 0))
      wrong(
        'hasty-wake',
        now,
        `director${node.place + 1} resumed and did ${what} before receiving an advert`,
      );
  }

  const observer: Required<Observer> = {passed, stepped};
  return {
    observer,
    bounds,
    watch: (one: World): void => {
      world = one;
    },
    disturbed: (now: number): void => {
      disturbedAt = now;
    },
    begins: (trouble: Trouble, now: number, last: boolean): void => {
      disturbedAt = now;
      if (trouble.kind === 'pause') slept[trouble.node] = trouble.lasts;
      if (costly.has(trouble.kind) || last) causes += 1;
    },
    ends: (trouble: Trouble, now: number, last: boolean): void => {
      disturbedAt = now;
      if (!costly.has(trouble.kind) && !last) return;
      causes -= 1;
      recovered[trouble.node] = now;
      excusedUntil = now + bounds.neither + scenario.config.initdead;
    },
    /** `over`: all groups are in both configurations again. */
    reconfigured: (now: number, over: boolean): void => {
      disturbedAt = now;
      turns.clear();
      differUntil = over ? now + bounds.neither : Infinity;
    },
    get violation(): Violation | undefined {
      return violation;
    },
  };
}
