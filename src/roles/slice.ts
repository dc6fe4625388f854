/** The roles: the engine's reports on groups and peer, and the messages to the engine. Pure. */
import type {Instant, Millis, Moment} from '@hactl/base';
import {
  addressHash,
  type EngineStatus,
  type FromEngine,
  type Role,
  type ToEngine,
  type Transition,
} from '@hactl/failover';
import type {Readiness} from './readiness.ts';

export interface Group {
  readonly vrid: number;
  readonly name: string;
  readonly vips: readonly {readonly address: string}[];
}

export interface RolesState {
  /** False: there is no ha.cf, and this director serves alone. */
  readonly pair: boolean;
  readonly groups: readonly Group[];
  readonly roles: ReadonlyMap<number, Role>;
  readonly transitions: readonly Transition[];
  readonly engine?: {readonly status: EngineStatus; readonly at: Instant};
  readonly readiness: Readiness;
  /** Number of failing tracked scripts. */
  readonly tracked: number;
  /** Since when this director is Active with a table that does not serve while its peer is ready. */
  readonly unfitSince?: Instant;
  /** When to request the engine's status again. */
  readonly statusAt: Instant;
}

export type RolesEvent =
  | {readonly type: 'groups'; readonly pair: boolean; readonly groups: readonly Group[]}
  | {readonly type: 'engine'; readonly message: FromEngine}
  | {readonly type: 'engine-died'; readonly how: string}
  /** `fit`: the table serves what is configured. */
  | {readonly type: 'readiness'; readonly readiness: Readiness; readonly fit: boolean}
  | {readonly type: 'tracked'; readonly lost: number}
  | {readonly type: 'give-up'; readonly vrid: number; readonly reason: string; readonly holdOff: Millis}
  /** Applies to every group. */
  | {readonly type: 'give-up-all'; readonly reason: string; readonly holdOff: Millis}
  | {readonly type: 'tick'};

export type RolesEffect =
  | {readonly type: 'to-engine'; readonly message: ToEngine}
  /** Facts, for the log and the journal. */
  | {readonly type: 'transition'; readonly transition: Transition}
  | {readonly type: 'readiness-changed'; readonly readiness: Readiness}
  | {readonly type: 'unfit'; readonly reason: string};

export type RolesTurn = [RolesState, readonly RolesEffect[]];

const TRANSITIONS_KEPT = 100;
/** The engine reports changes unasked; the state of its paths and the peer must be polled. */
const STATUS_EVERY: Millis = 500;
/** After this long with a table that does not serve, the groups are offered to a peer whose table does. */
export const UNFIT_LIMIT: Millis = 5_000;
const UNFIT_HOLD_OFF: Millis = 30_000;

export const initialRoles = (pair: boolean, groups: readonly Group[], now: Instant): RolesState => ({
  pair,
  groups,
  roles: new Map(),
  transitions: [],
  readiness: {ready: false, reason: 'starting'},
  tracked: 0,
  statusAt: pair ? now + STATUS_EVERY : Infinity,
});

export const anyActive = ({roles}: RolesState): boolean => [...roles.values()].includes('Active');

/** The peers heard now. */
export const livingPeers = ({engine}: RolesState): EngineStatus['peers'] =>
  (engine?.status.peers ?? []).filter(({state}) => state === 'up' || state === 'late');

/** Whether a live peer's configuration assigns the address to a group. */
function peerServes(state: RolesState, address: string): boolean {
  const hash = addressHash(address);
  return livingPeers(state).some(({groups}) =>
    groups.some(({addresses}) => addresses?.includes(hash) === true),
  );
}

/**
 * Whether this director speaks for a virtual service (mails, webhooks, fallback command): it does if it holds the service's
 * address. If no group has that address, the holder of the first group speaks; if only the peer's configuration has it, the
 * peer does.
 */
export function speaksFor(state: RolesState, address: string | undefined): boolean {
  if (!state.pair) return true;
  const isActive = (vrid: number): boolean => state.roles.get(vrid) === 'Active';
  const holders = state.groups.filter(({vips}) => vips.some((vip) => vip.address === address));
  if (holders.length > 0) return holders.some(({vrid}) => isActive(vrid));
  if (address !== undefined && peerServes(state, address)) return false;
  const localActive = state.groups.map(({vrid}) => vrid).filter(isActive);
  const remoteActive = livingPeers(state).flatMap(({groups}) =>
    groups.flatMap(({vrid, role}) => (role === 'Active' ? [vrid] : [])),
  );
  return localActive.length > 0 && Math.min(...localActive) <= Math.min(...remoteActive);
}

export const peerLives = (state: RolesState): boolean => livingPeers(state).length > 0;

export const nextRolesDeadline = (state: RolesState): Instant =>
  Math.min(state.statusAt, state.unfitSince === undefined ? Infinity : state.unfitSince + UNFIT_LIMIT);

export function reduceRoles(state: RolesState, event: RolesEvent, moment: Moment): RolesTurn {
  switch (event.type) {
    case 'groups':
      return onGroups(state, event.pair, event.groups, moment);
    case 'engine':
      return onEngine(state, event.message, moment);
    case 'engine-died':
      return onEngineDied(state, moment);
    case 'readiness':
      return onReadiness(state, event.readiness, event.fit, moment);
    case 'tracked':
      return [{...state, tracked: event.lost}, toEngine(state, {type: 'tracked', lost: event.lost})];
    case 'give-up':
      return [state, toEngine(state, event)];
    case 'give-up-all': {
      const {reason, holdOff} = event;
      const all = state.groups.map(({vrid}) => ({type: 'give-up' as const, vrid, reason, holdOff}));
      return [state, all.flatMap((message) => toEngine(state, message))];
    }
    case 'tick':
      return onTick(state, moment);
  }
}

/** Without a pair there is no engine. */
const toEngine = ({pair}: RolesState, message: ToEngine): readonly RolesEffect[] =>
  pair ? [{type: 'to-engine', message}] : [];

const moved = (state: RolesState, transition: Transition): RolesTurn => [
  {
    ...state,
    roles: new Map(state.roles).set(transition.vrid, transition.to),
    transitions: [...state.transitions, transition].slice(-TRANSITIONS_KEPT),
  },
  [{type: 'transition', transition}],
];

/** Ends groups without a report from the engine. */
const ended = (
  before: RolesState,
  vrids: readonly number[],
  reason: string,
  {now, wall}: Moment,
): RolesTurn =>
  vrids.reduce<RolesTurn>(
    ([state, effects], vrid) => {
      const from = state.roles.get(vrid) ?? 'Initialize';
      if (from === 'Initialize') return [state, effects];
      const group = state.groups.find((group) => group.vrid === vrid)?.name ?? String(vrid);
      const [next, more] = moved(state, {vrid, group, from, to: 'Initialize', reason, at: now, wall});
      return [next, [...effects, ...more]];
    },
    [before, []],
  );

/** A group removed from the configuration no longer has a role here. */
function onGroups(before: RolesState, pair: boolean, groups: readonly Group[], moment: Moment): RolesTurn {
  const gone = [...before.roles.keys()].filter((vrid) => !groups.some((group) => group.vrid === vrid));
  const [state, effects] = ended(before, gone, 'removed from haresources', moment);
  const roles = new Map([...state.roles].filter(([vrid]) => !gone.includes(vrid)));
  return [{...state, pair, groups, roles}, effects];
}

function onEngine(state: RolesState, message: FromEngine, {now}: Moment): RolesTurn {
  const isOurs = (vrid: number): boolean => state.groups.some((group) => group.vrid === vrid);
  switch (message.type) {
    case 'ready': {
      const {readiness, tracked} = state;
      return [
        state,
        [
          ...toEngine(state, {type: 'readiness', ...readiness}),
          ...toEngine(state, {type: 'tracked', lost: tracked}),
        ],
      ];
    }
    case 'status': {
      const {status} = message;
      const roles = new Map(state.roles);
      for (const {vrid, role} of status.groups) if (isOurs(vrid)) roles.set(vrid, role);
      return [{...state, roles, engine: {status, at: now}}, []];
    }
    case 'transition':
      // The engine's reports about a removed group arrive after the reload.
      return isOurs(message.transition.vrid) ? moved(state, message.transition) : [state, []];
    default:
      return [state, []];
  }
}

/** The engine's last report is no longer valid. */
function onEngineDied(before: RolesState, moment: Moment): RolesTurn {
  const vrids = [...before.roles.keys()];
  const [{engine: _, ...state}, effects] = ended(before, vrids, 'the failover engine died', moment);
  return [state, effects];
}

function onReadiness(before: RolesState, readiness: Readiness, fit: boolean, {now}: Moment): RolesTurn {
  const peerReady = livingPeers(before).some(({ready}) => ready === true);
  const {unfitSince = now, ...rest} = before;
  const state: RolesState = !fit && peerReady && anyActive(before) ? {...rest, unfitSince} : rest;
  if (readiness.ready === before.readiness.ready && readiness.reason === before.readiness.reason)
    return [state, []];
  return [
    {...state, readiness},
    [{type: 'readiness-changed', readiness}, ...toEngine(state, {type: 'readiness', ...readiness})],
  ];
}

function onTick(state: RolesState, {now}: Moment): RolesTurn {
  if (state.unfitSince !== undefined && now >= state.unfitSince + UNFIT_LIMIT) {
    const {reason} = state.readiness;
    const active = [...state.roles].flatMap(([vrid, role]) => (role === 'Active' ? [vrid] : []));
    const messages = active.map((vrid) => ({
      type: 'give-up' as const,
      vrid,
      reason,
      holdOff: UNFIT_HOLD_OFF,
    }));
    return [
      {...state, unfitSince: now},
      [{type: 'unfit', reason}, ...messages.flatMap((message) => toEngine(state, message))],
    ];
  }
  if (now < state.statusAt) return [state, []];
  return [{...state, statusAt: now + STATUS_EVERY}, toEngine(state, {type: 'status', id: 0})];
}
