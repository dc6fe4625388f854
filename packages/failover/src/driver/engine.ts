/** Runs the machine against the real world. Only wiring: what is decided is in machine/, what is done in the parts beside. */
import {programEnvironment, runLimited} from '@hactl/base/run';
import {isDeepStrictEqual} from 'node:util';
import {makeLateness, type Clock} from '@hactl/base';
import type {InterfaceAddress, Link} from '@hactl/net';
import {encodeAdvert} from '../advert.ts';
import {shortHash} from '../auth.ts';
import {advertOf} from '../machine/advert-of.ts';
import {renewInterval} from '../machine/intervals.ts';
import type {Effect} from '../machine/state.ts';
import {initialState} from '../machine/step.ts';
import type {EngineConfig, EngineStatus, FromEngine, ToEngine, EngineVip} from '../messages.ts';
import {pathIds, peerPaths} from '../path-id.ts';
import {makeClaims} from './claims.ts';
import type {Current, Shared} from './current.ts';
import {watchLinks} from './links.ts';
import {makeLoop, type Loop} from './loop.ts';
import {makePings} from './pings.ts';
import {makeReceiver} from './receiver.ts';
import {openStateStore, type StateStore} from './state-store.ts';
import {groupStatus, pathStatus, peerStatus} from './status.ts';
import type {Surroundings} from './strangers.ts';
import {openTransport, type Transport} from './transport.ts';
import {openVips, type Vips} from './vips.ts';

/** How long the successor of this process has to adopt the addresses, in milliseconds. */
const SUCCESSOR_LEASE = 10_000;
const FENCE_LIMIT = 60_000;
/** How often the peer's newest advert is written to disk, in milliseconds. */
const SAVE_EVERY = 1_000;

/** What `perform` works with. */
interface Tools {
  readonly shared: Shared;
  readonly vips: Vips;
  readonly store: StateStore;
  readonly loop: Pick<Loop, 'push'>;
  readonly sendAdverts: () => void;
  readonly finish: () => void;
}

/** IPv6 is switched off here and no peer lives: the IPv4 addresses of the group are served, and the others are not. */
const isBetterThanNone = (
  {state}: Current,
  vips: readonly EngineVip[],
  vip: EngineVip,
  problem: string,
): boolean =>
  vip.family === 6 &&
  problem.includes('IPv6 is disabled') &&
  vips.some(({family}) => family === 4) &&
  !state.peers.some(({alive}) => alive);

/** Does one effect. */
function perform({shared, vips, store, loop, sendAdverts, finish}: Tools, effect: Effect): void | 'failed' {
  const {current, clock, count, send} = shared;
  switch (effect.type) {
    case 'acquire':
      // Nobody would learn where the address is now: a peer that can announce has it.
      if (vips.cannotAnnounce !== undefined && current.state.peers.some(({alive}) => alive)) {
        loop.push({
          type: 'acquire-failed',
          vrid: effect.vrid,
          reason: `cannot announce: ${vips.cannotAnnounce}`,
        });
        return 'failed';
      }
      for (const vip of effect.vips) {
        const problem = vips.put(vip, current.config.vipLease);
        if (problem === undefined) continue;
        const reason = `cannot put ${vip.address} on ${vip.device}: ${problem}`;
        if (isBetterThanNone(current, effect.vips, vip, problem)) {
          send({
            type: 'event',
            level: 'error',
            code: 'not-served',
            message: `${reason}; the others are served`,
          });
          continue;
        }
        loop.push({type: 'acquire-failed', vrid: effect.vrid, reason});
        return 'failed';
      }
      return;
    case 'renew':
      for (const vip of effect.vips) vips.put(vip, current.config.vipLease);
      return;
    case 'leave-addresses':
      if (current.config.vipLease > 0) for (const vip of effect.vips) vips.put(vip, SUCCESSOR_LEASE);
      return;
    case 'announce':
      for (const vip of effect.vips) vips.announce(vip);
      return;
    case 'release':
      for (const vip of effect.vips) {
        const problem = vips.remove(vip);
        if (problem !== undefined)
          send({type: 'event', level: 'error', code: 'release-failed', message: problem});
      }
      return;
    case 'send-advert':
      return sendAdverts();
    case 'remember-incarnation':
      return store.rememberOwn(effect.incarnation);
    case 'prepare':
      return send({type: 'prepare', vrid: effect.vrid});
    case 'fence':
      return fence(shared, effect.node);
    case 'transition':
      count('transitions');
      return send({type: 'transition', transition: {...effect.transition, wall: clock.wall()}});
    case 'event':
      count(`event-${effect.code}`);
      return send({...effect, wall: clock.wall()});
    case 'move-done':
      return send(effect);
    case 'stopped':
      return finish();
  }
}

/** The command is read from standard input: every user can see arguments. */
function fence({current, feed}: Shared, node: string): void {
  const {fence: command = 'false', fenceName = 'command'} = current.config;
  const run = runLimited('/bin/sh', ['-s', node], {
    limit: FENCE_LIMIT,
    input: `${command} "$1"\n`,
    read: 'none',
    // A fencing that has begun is not ended with us.
    env: programEnvironment({}, {leave: true}),
  });
  void run.then(({status, timedOut}) =>
    feed({
      type: 'fenced',
      ok: status === 0,
      reason: `fence ${fenceName} for ${node} ${timedOut ? `did not end within ${FENCE_LIMIT} ms` : `ended with ${status}`}`,
    }),
  );
}

/** Both directors' `ucast` lines may stand in both files: none sends to itself. */
const withoutOwnPaths = (config: EngineConfig, addresses: readonly InterfaceAddress[]): EngineConfig => ({
  ...config,
  paths: peerPaths(config.paths, new Set(addresses.map(({address}) => address))),
});

/** Starts the engine; `send` goes to the supervisor, `quit` ends the process. */
export function startEngine(
  first: EngineConfig,
  clock: Clock,
  realtime: string,
  send: (message: FromEngine) => void,
  quit: () => void,
) {
  const store = openStateStore(first.stateDir, clock.wall(), (problem) =>
    send({type: 'event', level: 'error', code: 'state-not-saved', message: problem}),
  );
  const lateness = makeLateness();
  const counters: Record<string, number> = {};
  const current: Current = {
    config: first,
    state: initialState(
      first,
      store.nextIncarnation(),
      clock.now(),
      first.nodes.map((node) => store.seen(node).incarnation),
    ),
  };
  const table: {links: readonly Link[]} = {links: []};
  const claims = makeClaims(current);
  const loop = makeLoop(current, clock, lateness, (effect) => perform(tools, effect));
  const shared: Shared = {
    current,
    clock,
    counters,
    count: (code) => {
      counters[code] = (counters[code] ?? 0) + 1;
    },
    send,
    feed: loop.feed,
  };
  const vips = openVips({
    clock,
    count: shared.count,
    linkOf: (vip) => table.links.find((link) => link.name === vip.device),
    claim: claims.sign,
  });
  if (vips.cannotAnnounce !== undefined)
    send({
      type: 'event',
      level: 'error',
      code: 'cannot-announce',
      message: `addresses cannot be announced (CAP_NET_RAW is missing?): ${vips.cannotAnnounce}`,
    });
  table.links = vips.links();
  current.config = withoutOwnPaths(first, vips.list());
  const receiver = makeReceiver(shared, store);
  const surroundings = (links: readonly Link[]): Surroundings => ({
    cluster: shortHash(current.config.cluster),
    links,
    addresses: vips.list,
  });
  let transport: Transport = openTransport(
    current.config.paths,
    surroundings(table.links),
    receiver.onDatagram,
  );
  const tools: Tools = {shared, vips, store, loop, sendAdverts, finish};

  let scriptsDown = 0;
  const tellTracked = (): void =>
    loop.feed({type: 'tracked-down', count: pings.down() + scriptsDown + links.trackedDown()});
  const pings = makePings(shared, () => tellTracked());
  const links = watchLinks(table, {
    shared,
    vips,
    judge: claims.judge,
    changed: (all) => {
      transport.reopen(surroundings(all));
      tellTracked();
    },
  });
  const saving = setInterval(receiver.save, SAVE_EVERY);

  function sendAdverts(): void {
    const {config, state} = current;
    const key = config.keys.find(({id}) => id === config.signingKey);
    if (!key) return;
    const advert = advertOf(config, state);
    for (const [index, path] of pathIds(config.paths).entries())
      transport.send(index, encodeAdvert({...advert, path}, key));
  }

  function finish(): void {
    loop.end();
    clearInterval(saving);
    pings.stop();
    sendAdverts();
    send({type: 'stopped'});
    links.stop();
    transport.close();
    vips.close();
    quit();
  }

  function status(): EngineStatus {
    const now = clock.now();
    return {
      pid: process.pid,
      node: current.config.node,
      realtime,
      groups: groupStatus(current, vips, transport.paths, now),
      peers: current.state.peers.map((peer) => peerStatus(peer, receiver.sourcesOf(peer.nodeIndex), now)),
      paths: pathStatus(current, transport.paths, now),
      counters,
      vipLease: current.config.vipLease,
      vipRenewal: renewInterval(current.config),
      lateness: lateness.summary(),
      pings: pings.status(),
    };
  }

  function reconfigure(wanted: EngineConfig): void {
    const previous = current.config;
    const next = withoutOwnPaths(wanted, vips.list());
    current.config = next;
    const heartbeat = ({paths, cluster}: EngineConfig) => [paths, cluster];
    if (!isDeepStrictEqual(heartbeat(previous), heartbeat(next))) {
      transport.close();
      transport = openTransport(next.paths, surroundings(table.links), receiver.onDatagram);
    }
    loop.feed({type: 'configure', previous});
    links.refresh();
    const pinged = ({pings: nodes, pingGroups, deadping}: EngineConfig) => [nodes, pingGroups, deadping];
    if (!isDeepStrictEqual(pinged(previous), pinged(next))) pings.start();
  }

  function receive(message: Exclude<ToEngine, {type: 'configure'}>): void {
    switch (message.type) {
      case 'prepared':
        return loop.feed({
          type: 'prepared',
          vrid: message.vrid,
          ok: message.ok,
          reason: message.reason ?? '',
        });
      case 'readiness':
        return loop.feed({type: 'readiness', ready: message.ready});
      case 'move':
        return loop.feed({type: 'move', id: message.id, move: message.move, scope: message.scope});
      case 'give-up':
        return loop.feed(message);
      case 'tracked':
        scriptsDown = message.lost;
        return tellTracked();
      case 'stop':
        return loop.feed({type: 'stop', leaveAddresses: false});
      case 'status':
        return send({type: 'status', id: message.id, status: status()});
    }
  }

  links.adopt();
  links.refresh();
  pings.start();
  loop.feed({type: 'tick'});

  return {
    receive,
    reconfigure,
    /** The supervisor is gone: hand over, or leave the addresses for the successor. */
    orphaned: (): void => loop.feed({type: 'stop', leaveAddresses: true}),
  };
}
