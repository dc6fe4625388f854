/** Runs the machine against the real world. Wiring only: machine/ decides, the files beside this one act. */
import {isDeepStrictEqual} from 'node:util';
import {makeLateness, type Clock, type Instant} from '@hactl/base';
import {announcementFrames, type InterfaceAddress, type Link} from '@hactl/net';
import {initTime, renewInterval} from '../machine/intervals.ts';
import {rehearseTakeover} from '../machine/rehearse.ts';
import type {Event} from '../machine/state.ts';
import {initialState} from '../machine/step.ts';
import type {EngineConfig, EngineStatus, FromEngine, ToEngine} from '../messages.ts';
import {peerPaths} from '../path-id.ts';
import {makeClaims} from './claims.ts';
import type {Current, Shared} from './current.ts';
import {makeHeartbeat} from './heartbeat.ts';
import {makeKernelQuestion} from './kernel-question.ts';
import {watchLinks} from './links.ts';
import {makeLoop} from './loop.ts';
import {perform, type Tools} from './perform.ts';
import {makePings} from './pings.ts';
import {makeReceiver} from './receiver.ts';
import {openStateStore} from './state-store.ts';
import {groupStatus, pathStatus, peerStatus} from './status.ts';
import {openVips, type Vips} from './vips.ts';

/** Interval at which the peer's newest advert is written to disk, and a takeover rehearsed, in milliseconds. */
const SAVE_EVERY = 1_000;

/**
 * Both files may list both directors' `ucast` lines: a director does not send to itself. A local address stays skipped once
 * it was seen: one that is added after the start, or removed for a moment, must not shift the other paths.
 */
function makeOwnPaths(first: EngineConfig, list: () => readonly InterfaceAddress[]) {
  const local = new Set<string>();
  let wanted = first;
  return (next = wanted): EngineConfig => {
    wanted = next;
    for (const {address} of list()) local.add(address);
    return {...wanted, paths: peerPaths(wanted.paths, local)};
  };
}

const pinged = ({pings, pingGroups, deadping}: EngineConfig) => [pings, pingGroups, deadping];

/** Turns a supervisor message into an event of the machine. */
function eventOf(message: Exclude<ToEngine, {type: 'configure' | 'status' | 'tracked'}>): Event {
  switch (message.type) {
    case 'prepared':
      return {type: 'prepared', vrid: message.vrid, ok: message.ok, reason: message.reason ?? ''};
    case 'readiness':
      return {type: 'readiness', ready: message.ready};
    case 'move':
      return {type: 'move', id: message.id, move: message.move, scope: message.scope};
    case 'give-up':
      return message;
    case 'stop':
      return {type: 'stop', leaveAddresses: false};
  }
}

function reportCannotAnnounce({cannotAnnounce}: Vips, send: (message: FromEngine) => void): void {
  if (cannotAnnounce === undefined) return;
  const message = `addresses cannot be announced (CAP_NET_RAW is missing?): ${cannotAnnounce}`;
  send({type: 'event', level: 'error', code: 'cannot-announce', message});
}

/** Keeps the code of a takeover compiled. Announcements are composed, unsigned, and not sent: no stamp of a claim is used up. */
function rehearse({config, state}: Current, links: readonly Link[]): void {
  for (const effect of rehearseTakeover(config, state)) {
    if (effect.type !== 'announce') continue;
    const [vip] = effect.vips;
    const link = links.find(({name}) => name === vip?.device);
    if (vip && link) announcementFrames({...vip, index: link.index, mac: link.mac});
  }
}

/** The peer can be heard from now on. Opening all that it is heard with takes longer than the shortest initdead. */
function beginToListen(current: Current, links: ReturnType<typeof watchLinks>, now: Instant): void {
  current.state = {...current.state, initUntil: now + initTime(current.config)};
  links.adopt();
  links.refresh();
}

interface Parts {
  readonly shared: Shared;
  readonly realtime: string;
  readonly vips: Vips;
  readonly heartbeat: ReturnType<typeof makeHeartbeat>;
  readonly receiver: ReturnType<typeof makeReceiver>;
  readonly pings: ReturnType<typeof makePings>;
  readonly lateness: EngineStatus['lateness'];
}

function statusOf({shared, realtime, vips, heartbeat, receiver, pings, lateness}: Parts): EngineStatus {
  const {current, clock, counters} = shared;
  const now = clock.now();
  return {
    pid: process.pid,
    node: current.config.node,
    realtime,
    groups: groupStatus(current, vips, heartbeat.paths(), now),
    peers: current.state.peers.map((peer) => peerStatus(peer, receiver.sourcesOf(peer.nodeIndex), now)),
    paths: pathStatus(current, heartbeat.paths(), now),
    counters,
    vipLease: current.config.vipLease,
    vipRenewal: renewInterval(current.config),
    lateness,
    pings: pings.status(),
  };
}

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
  reportCannotAnnounce(vips, send);
  table.links = vips.links();
  const withoutOwnPaths = makeOwnPaths(first, vips.list);
  current.config = withoutOwnPaths();
  const receiver = makeReceiver(shared, store);
  const heartbeat = makeHeartbeat(current, table, vips, receiver.onDatagram);
  const question = makeKernelQuestion({shared, table, vips, pathsOf: receiver.pathsOf});
  const tools: Tools = {
    shared,
    vips,
    store,
    loop,
    sendAdverts: heartbeat.send,
    askKernel: question.ask,
    finish,
  };
  let scriptsDown = 0;
  const reportTracked = (): void =>
    loop.feed({type: 'tracked-down', count: pings.down() + scriptsDown + links.trackedDown()});
  const pings = makePings(shared, () => reportTracked());
  const links = watchLinks(table, {
    shared,
    vips,
    judge: claims.judge,
    answered: question.heard,
    changed: (all) => {
      question.refresh();
      heartbeat.reopen(all);
      reportTracked();
      if (withoutOwnPaths().paths.length !== current.config.paths.length) reconfigure();
    },
  });
  const saving = setInterval(() => {
    receiver.save();
    rehearse(current, table.links);
  }, SAVE_EVERY);

  function finish(): void {
    loop.end();
    clearInterval(saving);
    pings.stop();
    heartbeat.send();
    send({type: 'stopped'});
    links.stop();
    heartbeat.close();
    vips.close();
    quit();
  }

  const status = (): EngineStatus =>
    statusOf({shared, realtime, vips, heartbeat, receiver, pings, lateness: lateness.summary()});

  function reconfigure(wanted?: EngineConfig): void {
    const previous = current.config;
    current.config = withoutOwnPaths(wanted);
    heartbeat.reconfigure(previous);
    loop.feed({type: 'configure', previous});
    links.refresh();
    if (!isDeepStrictEqual(pinged(previous), pinged(current.config))) pings.start();
  }

  function receive(message: Exclude<ToEngine, {type: 'configure'}>): void {
    if (message.type === 'status') return send({type: 'status', id: message.id, status: status()});
    if (message.type !== 'tracked') return loop.feed(eventOf(message));
    scriptsDown = message.lost;
    reportTracked();
  }

  beginToListen(current, links, clock.now());
  pings.start();
  loop.feed({type: 'tick'});

  return {
    receive,
    reconfigure,
    /** The supervisor is gone: hand over, or leave the addresses for the successor. */
    orphaned: (): void => loop.feed({type: 'stop', leaveAddresses: true}),
  };
}
