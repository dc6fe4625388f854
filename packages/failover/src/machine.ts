/**
 * The state machine of one director: Initialize, Backup and Active of RFC 9568 for every group, over adverts that say
 * what their sender hears. `step` is pure; the order of its effects is the order of the deeds (see state.ts).
 */
import {defaultSchedule, announceDelay} from '@hactl/net/schedule';
import type {Instant} from '@hactl/base';
import type {Advert, AdvertGroup} from './advert.ts';
import {shortHash} from './auth.ts';
import {
  activeDownInterval,
  echoTime,
  FRESH_ECHO,
  echoWindow,
  HANDOVER_LIMIT,
  lastResortDead,
  lastResortInterval,
  probationTime,
  renewInterval,
  vacancyTime,
} from './intervals.ts';
import type {EngineConfig, EngineGroup, Role} from './messages.ts';
import {level, prefers, priorityOf} from './priority.ts';
import type {Effect, Event, GroupState, PeerState, State} from './state.ts';

export type Step = readonly [State, readonly Effect[]];

/** A stop waits this long for the peer to take over before it simply releases. */
const STOP_LIMIT = 500;
const MOVE_LIMIT = 10_000;
/** Cold resources have to start at the peer first, each with a limit of its own. */
const COLD_LIMIT = 50_000;
const ACQUIRE_RETRY = 1_000;
/** No echo reaches it. */
const NOT_SENT = 0xffff_ffff_ffff_ffffn;

const freshGroup = (group: EngineGroup, now: Instant): GroupState => ({
  vrid: group.vrid,
  role: 'Initialize',
  since: now,
  claim: false,
  heldBack: false,
  holdUntil: now,
  retryAt: now,
  activeSequence: 0n,
  adopted: false,
  announced: 0,
  rivalSince: Infinity,
  correctedAt: -Infinity,
  claimedUntil: -Infinity,
  claimAt: Infinity,
  renewAt: now,
});

const freshPeer = (name: string, place: number, now: Instant, incarnation: bigint): PeerState => ({
  incarnation,
  place,
  name,
  alive: false,
  late: false,
  known: false,
  heardAt: -Infinity,
  upSince: now,
  downAt: Infinity,
  paths: [],
  saidGoodbye: false,
});

/** The state of a process that just started. `known`: the highest incarnation heard of each node, by place, from disk. */
export function initialState(
  config: EngineConfig,
  incarnation: bigint,
  now: Instant,
  known: readonly bigint[] = [],
): State {
  const place = config.nodes.indexOf(config.node);
  return {
    place,
    startedAt: now,
    initUntil: now + config.initdead,
    incarnation,
    sequence: 0n,
    ready: false,
    readySince: now,
    advertAt: now,
    sentAt: now,
    groups: config.groups.map((group) => freshGroup(group, now)),
    peers: config.nodes.flatMap((name, at) =>
      at === place ? [] : [freshPeer(name, at, now, known[at] ?? 0n)],
    ),
    moves: [],
    lost: 0,
  };
}

/** Has the group's addresses: as Active, or left over by an earlier process of ours and not yet given up. */
const holding = (group: GroupState): boolean =>
  group.role === 'Active' || (group.adopted && group.role === 'Initialize');

/** The next instant at which something is due. */
export function nextDeadline(config: EngineConfig, state: State): Instant {
  // While it only listens, nothing else may wake it: what is overdue stays so until then.
  if (state.probationUntil !== undefined) return state.probationUntil;
  let next = state.advertAt;
  for (const peer of state.peers) if (peer.alive) next = Math.min(next, peer.downAt);
  for (const group of state.groups) {
    if (group.announceAt !== undefined) next = Math.min(next, group.announceAt);
    next = Math.min(next, group.claimAt);
    // A lease may be shorter than the interval of the adverts.
    if (config.vipLease > 0 && holding(group)) next = Math.min(next, group.renewAt);
  }
  return next;
}

/** The advert that says what the state is; built anew for every send. */
export function advertOf(config: EngineConfig, state: State): Omit<Advert, 'path'> {
  const peer = state.peers.find((one) => one.alive) ?? state.peers[0];
  let heard = 0;
  for (const [path, at] of (peer?.paths ?? []).entries())
    if (state.sentAt - at < config.deadtime) heard |= 1 << path;
  // A silent peer's last words are echoed too: it learns that its later ones do not arrive.
  return {
    place: state.place,
    ready: state.ready,
    heard,
    cluster: shortHash(config.cluster),
    node: shortHash(config.node),
    incarnation: state.incarnation,
    sequence: state.sequence,
    echoIncarnation: peer?.incarnation ?? 0n,
    echoSequence: peer?.advert?.incarnation === peer?.incarnation ? (peer?.advert?.sequence ?? 0n) : 0n,
    digest: BigInt(`0x${config.configDigest.slice(0, 16) || '0'}`),
    groups: state.groups.map((group): AdvertGroup => ({
      vrid: group.vrid,
      role: group.role,
      priority: priorityOf(config, state, group),
      handover: group.handoverUntil !== undefined,
      claim: group.claim,
    })),
  };
}

// -------------------------------------------------------------------------------------------------- what is known

const saidOf = (peer: PeerState, vrid: number): AdvertGroup | undefined =>
  peer.advert?.groups.find((group) => group.vrid === vrid);

/** Does the peer hear us? With more than two nodes the echo says so of one only, and silence proves nothing. */
export function hearsUs(config: EngineConfig, state: State, peer: PeerState): boolean {
  if (config.nodes.length > 2) return true;
  const {advert} = peer;
  return (
    advert?.echoIncarnation === state.incarnation &&
    advert.echoSequence > 0n &&
    // It says so itself: no path on which it heard us within the dead time.
    advert.heard !== 0 &&
    state.sequence - advert.echoSequence <= echoWindow(config)
  );
}

/** Heard for long enough that its echo would show us if it heard us: a peer that returns is answered at once. */
const heardLongEnough = (config: EngineConfig, peer: PeerState, now: Instant): boolean =>
  now - peer.upSince > echoTime(config);

/** It has heard one of our last adverts, not only one within the dead time. */
const hearsUsNow = (config: EngineConfig, state: State, peer: PeerState): boolean =>
  hearsUs(config, state, peer) &&
  (config.nodes.length > 2 || state.sequence - (peer.advert?.echoSequence ?? 0n) <= FRESH_ECHO);

/** Its adverts come, but it has not heard that this director took the group. */
const missedOurClaim = (config: EngineConfig, group: GroupState, peer: PeerState): boolean =>
  config.nodes.length === 2 &&
  peer.heardAt - group.since > echoTime(config) &&
  (peer.advert?.echoSequence ?? 0n) < group.activeSequence;

const outranks = (priority: number, place: number, ownPriority: number, ownPlace: number): boolean =>
  priority > ownPriority || (priority === ownPriority && place < ownPlace);

// ----------------------------------------------------------------------------------------------------- one step

/** One event at one instant. Total: every event is legal in every state. */
export function step(config: EngineConfig, state: State, event: Event, now: Instant): Step {
  const effects: Effect[] = [];
  let next = take(config, wake(config, state, now, effects), event, now, effects);
  next = settle(config, next, now, effects);
  // A change of role is said at once, not at the next interval.
  const changed = effects.some(({type}) => type === 'acquire' || type === 'release');
  if ((changed || now >= next.advertAt) && next.probationUntil === undefined) {
    const late = now - next.advertAt;
    const advertAt = changed
      ? now + config.keepalive
      : late < config.keepalive
        ? next.advertAt + config.keepalive
        : now + config.keepalive;
    const sequence = next.sequence + 1n;
    next = {
      ...next,
      sequence,
      sentAt: now,
      advertAt,
      groups: next.groups.some((group) => group.activeSequence === NOT_SENT)
        ? next.groups.map((group) =>
            group.activeSequence === NOT_SENT ? {...group, activeSequence: sequence} : group,
          )
        : next.groups,
    };
    effects.push({type: 'send-advert'});
  }
  if (next.stopping && next.groups.every((group) => group.role !== 'Active')) effects.push({type: 'stopped'});
  return [next, effects];
}

/** What the event itself changes, before anything is decided. */
function take(config: EngineConfig, state: State, event: Event, now: Instant, effects: Effect[]): State {
  switch (event.type) {
    case 'tick':
      return tick(config, state, now, effects);
    case 'advert':
      return heard(config, state, event.advert, now, effects);
    case 'found-address':
      return change(state, event.vrid, (group) => ({...group, adopted: group.role === 'Initialize'}));
    case 'acquire-failed': {
      effects.push({type: 'event', level: 'error', code: 'acquire-failed', message: event.reason});
      return change(state, event.vrid, (group) => {
        if (group.role !== 'Active') return group;
        return become(group, 'Backup', event.reason, config, now, effects, {retryAt: now + ACQUIRE_RETRY});
      });
    }
    case 'prepared':
      return change(state, event.vrid, (group) => {
        if (group.waiting?.need !== 'prepare') return group;
        const {waiting, ...rest} = group;
        if (event.ok && state.stopping) return rest;
        if (event.ok) return activate(rest, waiting.reason, config, now, effects);
        effects.push({type: 'event', level: 'error', code: 'prepare-failed', message: event.reason});
        return {...rest, claim: false, retryAt: now + ACQUIRE_RETRY};
      });
    case 'fenced':
      effects.push({
        type: 'event',
        level: event.ok ? 'info' : 'error',
        code: event.ok ? 'fenced' : 'fence-failed',
        message: event.reason,
      });
      return {
        ...state,
        groups: state.groups.map((group) => {
          if (group.waiting?.need !== 'fence') return group;
          const {waiting, ...rest} = group;
          return event.ok
            ? start(rest, waiting.reason, config, now, effects)
            : {...rest, retryAt: now + HANDOVER_LIMIT};
        }),
      };
    case 'readiness':
      if (event.ready === state.ready) return state;
      return {...state, ready: event.ready, readySince: now};
    case 'device':
      return {
        ...state,
        groups: state.groups.map((group) => {
          const ours = config.groups
            .find((one) => one.vrid === group.vrid)
            ?.vips.some((vip) => vip.device === event.device);
          if (!ours) return group;
          const {blocked: _, ...rest} = group;
          return event.problem === undefined ? rest : {...rest, blocked: event.problem};
        }),
      };
    case 'address-gone':
      return change(state, event.vrid, (group) => {
        if (group.role !== 'Active' || group.blocked !== undefined || state.probationUntil !== undefined)
          return group;
        effects.push({
          type: 'event',
          level: 'warn',
          code: 'address-gone',
          message: 'somebody removed an address of ours: put back',
        });
        effects.push({type: 'acquire', vrid: group.vrid}, {type: 'announce', vrid: group.vrid});
        return group;
      });
    case 'conflict':
      return conflict(config, state, event, now, effects);
    case 'give-up':
      return giveUp(config, state, event, now, effects);
    case 'reach':
      return event.lost === state.lost ? state : {...state, lost: event.lost};
    case 'move':
      return plannedMove(config, state, event, now, effects);
    case 'stop':
      return stop(state, event.bequeath, now, effects);
    case 'configure':
      return reconfigure(config, state, event.previous, now, effects);
  }
}

const change = (state: State, vrid: number, edit: (group: GroupState) => GroupState): State => ({
  ...state,
  groups: state.groups.map((group) => (group.vrid === vrid ? edit(group) : group)),
});

/** Whatever wakes this process: had it not run for a while, it must learn who is Active before it does anything. */
function wake(config: EngineConfig, state: State, now: Instant, effects: Effect[]): State {
  if (now - nextDeadline(config, state) <= config.keepalive) return state;
  // What the peers sent meanwhile is still in the socket; what they did not send proves nothing.
  const next = {
    ...state,
    peers: state.peers.map((peer) =>
      peer.alive
        ? {...peer, downAt: Math.max(peer.downAt, now + activeDownInterval(config, state.place))}
        : peer,
    ),
  };
  if (
    now - state.sentAt < config.deadtime ||
    !state.peers.some((peer) => peer.known) ||
    state.probationUntil !== undefined
  )
    return next;
  effects.push({
    type: 'event',
    level: 'warn',
    code: 'paused',
    message: `this process did not run for ${Math.round(now - state.sentAt)} ms: listening before anything is touched`,
  });
  // It is as one that is back: `hactl_preempt_delay` counts from here.
  return {...next, probationUntil: now + probationTime(config), readySince: now};
}

function tick(config: EngineConfig, state: State, now: Instant, effects: Effect[]): State {
  let next = state;
  if (next.probationUntil !== undefined && now >= next.probationUntil) {
    const {probationUntil: _, ...rest} = next;
    next = {...rest, advertAt: now};
    // Nobody else has them: what the kernel dropped meanwhile is put back, and clients are told.
    for (const group of next.groups)
      if (group.role === 'Active' && group.blocked === undefined)
        effects.push({type: 'acquire', vrid: group.vrid}, {type: 'announce', vrid: group.vrid});
  }
  return {
    ...next,
    peers: next.peers.map((peer) => {
      if (!peer.alive) return peer;
      if (now >= peer.downAt && next.probationUntil === undefined) {
        effects.push({
          type: 'event',
          level: 'warn',
          code: 'peer-dead',
          message: `${peer.name} is silent for ${Math.round(now - peer.heardAt)} ms: dead`,
          peer: peer.name,
          silence: Math.round(now - peer.heardAt),
        });
        return {...peer, alive: false, late: false, downAt: Infinity};
      }
      if (!peer.late && now - peer.heardAt >= config.warntime) {
        effects.push({
          type: 'event',
          level: 'warn',
          code: 'late-heartbeat',
          message: `late heartbeat: ${peer.name} is silent for ${Math.round(now - peer.heardAt)} ms`,
          peer: peer.name,
          silence: Math.round(now - peer.heardAt),
        });
        return {...peer, late: true};
      }
      return peer;
    }),
  };
}

function heard(config: EngineConfig, state: State, advert: Advert, now: Instant, effects: Effect[]): State {
  const goodbye = advert.groups.length > 0 && advert.groups.every((group) => group.priority === 0);
  // The peer knows an incarnation of ours that we do not: our state directory was lost. A lower one is never believed.
  const forgotten = config.nodes.length === 2 && advert.echoIncarnation > state.incarnation;
  const incarnation = forgotten ? advert.echoIncarnation + 1n : state.incarnation;
  if (forgotten) effects.push({type: 'remember-incarnation', incarnation});
  const news = state.peers.some((peer) => peer.place === advert.place && !peer.alive);
  return {
    ...state,
    incarnation,
    // Answered at once: it learns that it is heard.
    ...(news && state.probationUntil === undefined ? {advertAt: now} : {}),
    groups: state.groups.some((group) => group.claimAt < Infinity || group.claimedUntil > -Infinity)
      ? state.groups.map((group) => ({...group, claimAt: Infinity, claimedUntil: -Infinity}))
      : state.groups,
    peers: state.peers.map((peer) => {
      if (peer.place !== advert.place) return peer;
      const returns = !peer.alive;
      if (returns)
        effects.push({
          type: 'event',
          level: 'info',
          code: 'peer-up',
          message: `${peer.name} is heard`,
          peer: peer.name,
        });
      const paths = Array.from(
        {length: Math.max(peer.paths.length, advert.path + 1)},
        (_, at) => peer.paths[at] ?? -Infinity,
      );
      paths[advert.path] = now;
      // A slower path must not bring back what a faster one has overtaken.
      const newer =
        peer.advert === undefined ||
        advert.incarnation > peer.advert.incarnation ||
        advert.sequence >= peer.advert.sequence;
      return {
        ...peer,
        alive: true,
        late: false,
        known: true,
        incarnation: newer ? advert.incarnation : peer.incarnation,
        heardAt: now,
        upSince: returns || advert.incarnation !== peer.advert?.incarnation ? now : peer.upSince,
        downAt: now + activeDownInterval(config, state.place),
        paths,
        saidGoodbye: goodbye,
        ...(newer ? {advert} : {}),
      };
    }),
  };
}

/** Two who answer one another's claims at once would flood the LAN. */
const CORRECTION_SPACING = 20;

/** The clients' tables are put right at once, unless that has just been done. */
function correct(group: GroupState, now: Instant, effects: Effect[]): GroupState {
  const next = group.correctedAt + CORRECTION_SPACING;
  if (now < next) return {...group, announceAt: Math.min(group.announceAt ?? Infinity, next)};
  effects.push({type: 'announce', vrid: group.vrid});
  return {...group, correctedAt: now};
}

/**
 * Somebody else claims an address of ours on the LAN (RFC 5227). Where no heartbeat comes, the peer's claims are the
 * heartbeat of last resort: the preferred director keeps the group and says so, the other yields.
 */
function conflict(
  config: EngineConfig,
  state: State,
  {vrid, byPeer}: Extract<Event, {type: 'conflict'}>,
  now: Instant,
  effects: Effect[],
): State {
  if (state.probationUntil !== undefined) return state;
  const peerLives = state.peers.some((peer) => peer.alive);
  return change(state, vrid, (group) => {
    const active = group.role === 'Active';
    // Its advert follows and decides who stays; a correction now would make the peer yield too.
    if (peerLives && byPeer) return active ? {...group, rivalSince: now} : group;
    if (!byPeer) {
      if (!active) return group;
      const next = correct(group, now, effects);
      if (next.correctedAt === now)
        effects.push({
          type: 'event',
          level: 'warn',
          code: 'duplicate-address',
          message: 'a machine that is no director of this cluster claims an address of ours: announced again',
        });
      return next;
    }
    if (group.adopted && group.role === 'Initialize') {
      // Left over from an earlier process of ours: the peer has it now.
      effects.push({type: 'release', vrid});
      return {...group, adopted: false, claimedUntil: now + lastResortDead(config)};
    }
    if (!active || !prefers(config, vrid)) return {...group, claimedUntil: now + lastResortDead(config)};
    if (group.claimAt === Infinity)
      effects.push({
        type: 'event',
        level: 'error',
        code: 'conflict',
        message:
          'the peer claims an address of ours, and no heartbeat path works: this director is preferred and keeps it',
      });
    return {...correct(group, now, effects), claimAt: now + lastResortInterval(config)};
  });
}

// ---------------------------------------------------------------------------------------------------- decisions

/** Brings every group to what the known facts demand. */
function settle(config: EngineConfig, state: State, now: Instant, effects: Effect[]): State {
  const groups = state.groups.map((group) => settleGroup(config, state, group, now, effects));
  return settleMoves({...state, groups}, now, effects);
}

function settleGroup(
  config: EngineConfig,
  state: State,
  group: GroupState,
  now: Instant,
  effects: Effect[],
): GroupState {
  let next = group;
  if (next.failedUntil !== undefined && now >= next.failedUntil) next = withoutFailure(next);
  if (next.role === 'Initialize') {
    const complete = state.peers.every((peer) => peer.alive);
    if (!complete && now < state.initUntil) return upkeep(config, state, next, now, effects);
    next = {...next, role: 'Backup', since: now};
    effects.push(
      transition(config, group, 'Backup', complete ? 'all nodes are heard' : 'initdead is over', now),
    );
  }
  if (next.role === 'Backup') next = settleBackup(config, state, next, now, effects);
  else next = settleActive(config, state, next, now, effects);
  return upkeep(config, state, next, now, effects);
}

function settleBackup(
  config: EngineConfig,
  state: State,
  group: GroupState,
  now: Instant,
  effects: Effect[],
): GroupState {
  if (state.stopping || state.probationUntil !== undefined || group.waiting) return group;
  const holder = state.peers.find((peer) => peer.alive && saidOf(peer, group.vrid)?.role === 'Active');
  let next = group;
  if (holder && next.adopted) {
    effects.push({type: 'release', vrid: group.vrid});
    next = {...next, adopted: false};
  }
  if (next.blocked !== undefined || now < next.retryAt) return next;
  const own = priorityOf(config, state, next);
  if (holder) {
    const said = saidOf(holder, group.vrid);
    const {vacantSince: _, ...rest} = next;
    next = rest;
    if (said?.handover)
      return start({...next, heldBack: false}, `${holder.name} hands over`, config, now, effects);
    const may = now >= next.holdUntil && state.ready && hearsUsNow(config, state, holder);
    const waited = now >= Math.max(holder.upSince, state.readySince) + config.preemptDelay;
    const priority = said?.priority ?? 0;
    // ipfail moves a group to the better-connected director whatever auto_failback says.
    const wanted = config.autoFailback === 'on' || (priority < 100 && own >= 100);
    if (may && waited && wanted && outranks(own, state.place, priority, holder.place) && own > 1)
      return start(next, `preempts ${holder.name} (priority ${own} over ${priority})`, config, now, effects);
    return next;
  }
  const living = state.peers.filter((peer) => peer.alive);
  if (living.length === 0) {
    if (now < next.claimedUntil) return next;
    const [peer] = state.peers;
    if (!peer) return start(next, 'the only node', config, now, effects);
    const why = peer.known ? `${peer.name} is dead` : `${peer.name} was never heard`;
    if (config.fence !== undefined && !peer.saidGoodbye) {
      effects.push({type: 'fence', node: peer.name});
      return {...next, waiting: {need: 'fence', reason: why, force: false}};
    }
    return start({...next, heldBack: false}, why, config, now, effects);
  }
  const better = living.find((peer) => {
    const said = saidOf(peer, group.vrid);
    return (
      said !== undefined &&
      said.role !== 'Initialize' &&
      said.priority > 0 &&
      outranks(said.priority, peer.place, own, state.place)
    );
  });
  const starting = living.some((peer) => saidOf(peer, group.vrid)?.role === 'Initialize');
  if (!better && !starting) return start(next, 'no director holds it', config, now, effects);
  const vacantSince = next.vacantSince ?? now;
  if (now - vacantSince >= vacancyTime(config))
    return start(next, 'nobody else takes it', config, now, effects);
  return {...next, vacantSince};
}

function settleActive(
  config: EngineConfig,
  state: State,
  group: GroupState,
  now: Instant,
  effects: Effect[],
): GroupState {
  const release = (reason: string, more: Partial<GroupState> = {}): GroupState =>
    become(group, 'Backup', reason, config, now, effects, {claim: false, ...more});
  if (group.blocked !== undefined) return release(group.blocked);
  const own = priorityOf(config, state, group);
  for (const peer of state.peers) {
    const said = saidOf(peer, group.vrid);
    // What it said before this director took the group is answered by our advert, which it may not have heard yet.
    if (!peer.alive || said?.role !== 'Active' || peer.heardAt <= group.since) continue;
    if (
      missedOurClaim(config, group, peer) &&
      heardLongEnough(config, peer, now) &&
      state.probationUntil === undefined
    )
      return release(`${peer.name} does not hear that this director took the group: one way is lost`);
    // It has asked us to take over, and will let go when it hears us.
    if (said.handover && group.handoverUntil === undefined) continue;
    if (group.handoverUntil !== undefined)
      return release(`handed over to ${peer.name}`, {
        heldBack: group.heldBack || (state.stopping === undefined && group.failedUntil === undefined),
      });
    if (
      !hearsUs(config, state, peer) &&
      heardLongEnough(config, peer, now) &&
      state.probationUntil === undefined
    )
      return release(`${peer.name} is Active and does not hear us: one way is lost, it keeps the group`);
    if (state.probationUntil !== undefined)
      return release(`${peer.name} took over while this process did not run`);
    if (outranks(said.priority, peer.place, own, state.place))
      return release(`${peer.name} is Active with priority ${said.priority} over ${own}`);
  }
  if (group.handoverUntil !== undefined && now >= group.handoverUntil) {
    const {handoverUntil: _, ...rest} = group;
    if (state.stopping) return release('stopping');
    effects.push({
      type: 'event',
      level: 'warn',
      code: 'handover-failed',
      message: 'the peer did not take over: the group stays here',
    });
    return rest;
  }
  if (state.peers.every((peer) => !peer.alive) && now < group.claimedUntil)
    return release(
      'the peer claims the address on the LAN, no heartbeat path works, and it is the preferred one',
      {retryAt: now},
    );
  return settleRival(config, state, group, now, effects);
}

/** A rival that let go, or died, has left its announcements in the clients' tables. */
function settleRival(
  config: EngineConfig,
  state: State,
  group: GroupState,
  now: Instant,
  effects: Effect[],
): GroupState {
  const rival = state.peers.find((peer) => peer.alive && saidOf(peer, group.vrid)?.role === 'Active');
  if (rival) return group.rivalSince === Infinity ? {...group, rivalSince: now} : group;
  const silent = state.peers.every((peer) => !peer.alive || peer.heardAt <= group.rivalSince);
  if (group.rivalSince === Infinity || (silent && state.peers.some((peer) => peer.alive))) return group;
  const alone = {...correct(group, now, effects), rivalSince: Infinity};
  // It claimed the address and went silent on every path: perhaps it lives, and only the heartbeats do not.
  return state.peers.some((peer) => peer.alive) || !prefers(config, group.vrid)
    ? alone
    : {...alone, claimAt: now + lastResortInterval(config)};
}

/** What an Active (or adopting) group must do regularly: announce, renew. */
function upkeep(
  config: EngineConfig,
  state: State,
  group: GroupState,
  now: Instant,
  effects: Effect[],
): GroupState {
  let next = group;
  if (state.probationUntil !== undefined) return next;
  if (next.role === 'Active' && next.announceAt !== undefined && now >= next.announceAt) {
    effects.push({type: 'announce', vrid: next.vrid});
    const delay = announceDelay(defaultSchedule, next.announced + 1);
    const {announceAt: _, ...rest} = next;
    next = {
      ...rest,
      announced: next.announced + 1,
      ...(delay === undefined ? {} : {announceAt: next.since + delay}),
    };
  }
  if (next.role === 'Active' && now >= next.claimAt) {
    effects.push({type: 'announce', vrid: next.vrid});
    next = {...next, claimAt: now + lastResortInterval(config)};
  }
  if (config.vipLease > 0 && holding(next) && now >= next.renewAt) {
    effects.push({type: 'renew', vrid: next.vrid});
    next = {...next, renewAt: now + renewInterval(config)};
  }
  return next;
}

/** Takes a group, by way of its cold resources where it has some. */
function start(
  group: GroupState,
  reason: string,
  config: EngineConfig,
  now: Instant,
  effects: Effect[],
): GroupState {
  if (!config.groups.find((one) => one.vrid === group.vrid)?.cold)
    return activate(group, reason, config, now, effects);
  effects.push({type: 'prepare', vrid: group.vrid});
  return {...group, waiting: {need: 'prepare', reason, force: false}};
}

function activate(
  group: GroupState,
  reason: string,
  config: EngineConfig,
  now: Instant,
  effects: Effect[],
): GroupState {
  const {vacantSince: _, handoverUntil: __, waiting: ___, ...rest} = group;
  effects.push({type: 'acquire', vrid: group.vrid});
  for (let burst = 0; burst < defaultSchedule.burst; burst += 1)
    effects.push({type: 'announce', vrid: group.vrid});
  effects.push(transition(config, group, 'Active', reason, now));
  const delay = announceDelay(defaultSchedule, defaultSchedule.burst);
  return {
    ...rest,
    role: 'Active',
    since: now,
    // Not yet sent; `step` fills it in with the advert that says so.
    activeSequence: NOT_SENT,
    adopted: false,
    announced: defaultSchedule.burst,
    ...(delay === undefined ? {} : {announceAt: now + delay}),
    renewAt: now + renewInterval(config),
    holdUntil: now + config.holddown,
  };
}

function become(
  group: GroupState,
  role: Role,
  reason: string,
  config: EngineConfig,
  now: Instant,
  effects: Effect[],
  more: Partial<GroupState>,
): GroupState {
  const {announceAt: _, handoverUntil: __, ...kept} = group;
  const rest = {...kept, claimAt: Infinity, rivalSince: Infinity};
  effects.push({type: 'release', vrid: group.vrid}, transition(config, group, role, reason, now));
  return {...rest, role, since: now, holdUntil: now + config.holddown, ...more};
}

const transition = (
  config: EngineConfig,
  group: GroupState,
  to: Role,
  reason: string,
  now: Instant,
): Effect => ({
  type: 'transition',
  transition: {
    vrid: group.vrid,
    group: config.groups.find((one) => one.vrid === group.vrid)?.name ?? String(group.vrid),
    from: group.role,
    to,
    reason,
    at: now,
  },
});

const withoutFailure = (group: GroupState): GroupState => {
  const {failedUntil: _, ...rest} = group;
  return rest;
};

/** A resource does not run here. The peer is offered the group; where it could not serve either, the addresses stay. */
function giveUp(
  config: EngineConfig,
  state: State,
  {vrid, reason, holdOff}: Extract<Event, {type: 'give-up'}>,
  now: Instant,
  effects: Effect[],
): State {
  const taker = state.peers.find(
    (peer) =>
      peer.alive &&
      peer.advert?.ready === true &&
      hearsUs(config, state, peer) &&
      (saidOf(peer, vrid)?.priority ?? 0) > level.heldBack,
  );
  return change(state, vrid, (group) => {
    const failed = {...group, claim: false, failedUntil: now + holdOff};
    if (group.role !== 'Active') return failed;
    const what = taker ? `${taker.name} is to take the group` : 'no peer can take the group: it stays here';
    effects.push({type: 'event', level: 'error', code: 'resource-failed', message: `${reason}; ${what}`});
    return taker ? {...failed, handoverUntil: now + HANDOVER_LIMIT} : failed;
  });
}

// ------------------------------------------------------------------------------------------------ operators' words

function plannedMove(
  config: EngineConfig,
  state: State,
  event: Extract<Event, {type: 'move'}>,
  now: Instant,
  effects: Effect[],
): State {
  const {id, move, scope} = event;
  const refuse = (reason: string): State => {
    effects.push({type: 'move-done', id, ok: false, reason});
    return state;
  };
  if (state.probationUntil !== undefined)
    return refuse('this process has just woken and does not know yet who is Active: try again');
  if (state.stopping) return refuse('this director is stopping');
  const isLocal = (group: GroupState): boolean => prefers(config, group.vrid);
  const inScope = (group: GroupState): boolean => scope === 'all' || (scope === 'local') === isLocal(group);
  const peer = state.peers.find((one) => one.alive);
  const give = (group: GroupState): boolean =>
    group.role === 'Active' &&
    inScope(group) &&
    (move === 'standby' || (move === 'failback' && !isLocal(group)));
  const get = (group: GroupState): boolean =>
    group.role !== 'Active' &&
    inScope(group) &&
    (move === 'takeover' || (move === 'failback' && isLocal(group)));
  const given = state.groups.filter(give);
  const got = state.groups.filter(get);
  if (given.length + got.length === 0) {
    effects.push({type: 'move-done', id, ok: true, reason: 'nothing to move', outage: 0});
    return state;
  }
  if (given.length > 0 && !peer) return refuse('there is no living peer to give the groups to');
  if (given.length > 0 && peer?.advert?.ready === false)
    return refuse(`${peer.name} is not ready (its checks or its table are not complete)`);
  if (given.length > 0 && peer && !hearsUs(config, state, peer))
    return refuse(`${peer.name} does not hear this director`);
  const blocked = got.find((group) => group.blocked !== undefined);
  if (blocked) return refuse(blocked.blocked ?? 'blocked');
  const vrids = [...given, ...got].map((group) => group.vrid);
  const cold = ({vrid}: GroupState): boolean => config.groups.some((one) => one.vrid === vrid && one.cold);
  const limit = [...given, ...got].some(cold) ? COLD_LIMIT : MOVE_LIMIT;
  return {
    ...state,
    moves: [
      ...state.moves,
      {id, move, vrids, until: now + limit, overlap: 0, ...(got.length > 0 ? {overlapFrom: now} : {})},
    ],
    groups: state.groups.map((group) => {
      if (give(group))
        return {...group, claim: false, handoverUntil: now + (cold(group) ? COLD_LIMIT : HANDOVER_LIMIT)};
      if (get(group))
        return start(
          {...withoutFailure(group), claim: true, heldBack: false},
          `operator: ${move}`,
          config,
          now,
          effects,
        );
      return group;
    }),
  };
}

function settleMoves(state: State, now: Instant, effects: Effect[]): State {
  if (state.moves.length === 0) return state;
  const peerHolds = (vrid: number): boolean =>
    state.peers.some((peer) => peer.alive && saidOf(peer, vrid)?.role === 'Active');
  let {groups} = state;
  const moves = state.moves.filter((move) => {
    const open = move.vrids.filter((vrid) => {
      const group = groups.find((one) => one.vrid === vrid);
      if (!group) return false;
      const ours = group.role === 'Active';
      // Given away: done when the peer holds it. Taken: done when the peer has let go.
      return (
        group.handoverUntil !== undefined ||
        group.waiting !== undefined ||
        (ours && peerHolds(vrid)) ||
        (!ours && !peerHolds(vrid) && now < move.until)
      );
    });
    if (open.length > 0 && now < move.until) return true;
    const taken = move.overlapFrom !== undefined;
    const kept = move.vrids.filter((vrid) => {
      const ours = groups.find((group) => group.vrid === vrid)?.role === 'Active';
      return taken ? !ours : ours;
    });
    const ok = open.length === 0 && kept.length === 0;
    effects.push({
      type: 'move-done',
      id: move.id,
      ok,
      reason: ok ? `${move.vrids.length} group(s) moved` : 'the groups did not move in time',
      ...(ok ? {outage: 0} : {}),
      ...(ok && move.overlapFrom !== undefined ? {overlap: now - move.overlapFrom} : {}),
    });
    // A failback is no claim: from here on the ordinary priorities decide.
    if (move.move === 'failback')
      groups = groups.map((group) => (move.vrids.includes(group.vrid) ? {...group, claim: false} : group));
    return false;
  });
  return {...state, groups, moves};
}

function stop(state: State, bequeath: boolean, now: Instant, effects: Effect[]): State {
  if (state.stopping) return state;
  const peerLives = state.peers.some((peer) => peer.alive);
  if (!peerLives && bequeath) {
    // Nobody could take over: the addresses stay for the successor of this process.
    for (const group of state.groups)
      if (group.role === 'Active') effects.push({type: 'bequeath', vrid: group.vrid});
    effects.push({type: 'stopped'});
    return {
      ...state,
      stopping: {until: now, bequeath},
      groups: state.groups.map((group) => ({...group, role: 'Initialize'})),
    };
  }
  // A planned stop is make before break. After a crash of the supervisor nobody watches over two holders: release first.
  const until = now + (peerLives && !bequeath ? STOP_LIMIT : 0);
  return {
    ...state,
    advertAt: now,
    stopping: {until, bequeath},
    groups: state.groups.map((group) =>
      group.role === 'Active' ? {...group, claim: false, handoverUntil: until} : group,
    ),
  };
}

/** A changed configuration: groups that went are released, new ones start as on a running director. */
function reconfigure(
  config: EngineConfig,
  state: State,
  previous: EngineConfig,
  now: Instant,
  effects: Effect[],
): State {
  const kept = config.groups.map((group) => {
    const known = state.groups.find((one) => one.vrid === group.vrid);
    const before = previous.groups.find((one) => one.vrid === group.vrid);
    if (!known) return {...freshGroup(group, now), role: 'Backup' as const};
    if (known.role === 'Active' && JSON.stringify(before?.vips) !== JSON.stringify(group.vips))
      effects.push({type: 'acquire', vrid: group.vrid}, {type: 'announce', vrid: group.vrid});
    return known;
  });
  for (const group of state.groups)
    if (group.role === 'Active' && !config.groups.some((one) => one.vrid === group.vrid))
      effects.push({type: 'release', vrid: group.vrid});
  return {...state, groups: kept};
}
