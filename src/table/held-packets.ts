/**
 * Which TCP segments of unknown connections this director holds back. An address may move here before the records of its
 * youngest connections; a segment that arrives in between would be answered with RST. Pure.
 */
import type {Instant, Millis} from '@hactl/base';
import type {LdirectordConfig, VirtualService} from '@hactl/config';
import type {Role} from '@hactl/failover';
import type {Endpoint, HeldPackets} from '@hactl/net';
import {SYNC_BARRIER_LIMIT_MS} from '../system/limits.ts';
import {destinationOf, serviceKey} from './services.ts';

/** A sender repeats a segment after 0.2, 0.6, 1.4 and 3 s; the last records of the old Active are here long before. */
export const HOLD_TIME: Millis = 3_000;

/** A director that has become ready may take its addresses back at once: after the barrier. */
const TAKE_BACK_TIME: Millis = SYNC_BARRIER_LIMIT_MS + HOLD_TIME;

export interface HoldState {
  /** Since when this director is Active for a group, by vrid. */
  readonly since: ReadonlyMap<number, Instant>;
  /** Since when this director is ready. */
  readonly readySince?: Instant;
  /** When less is to be held. */
  readonly until: Instant;
  /** What this was derived from. */
  readonly facts?: HoldFacts;
  /** What `held` depends on, apart from the files. */
  readonly phases: string;
  readonly held: HeldPackets;
}

export interface HoldFacts {
  /** Records of connections arrive from the peer. */
  readonly syncs: boolean;
  readonly ready: boolean;
  readonly groups: readonly {readonly vrid: number; readonly vips: readonly {readonly address: string}[]}[];
  readonly roles: ReadonlyMap<number, Role>;
  readonly files: readonly LdirectordConfig[];
}

export const initialHold: HoldState = {
  since: new Map(),
  until: Infinity,
  phases: '',
  held: {to: [], from: []},
};

const sameFacts = (left: HoldFacts | undefined, right: HoldFacts): boolean =>
  left !== undefined &&
  left.syncs === right.syncs &&
  left.ready === right.ready &&
  left.groups === right.groups &&
  left.roles === right.roles &&
  left.files === right.files;

/** The second value is what is to be held now, if it has changed. Called after every event: most change nothing here. */
export function reduceHold(
  state: HoldState,
  facts: HoldFacts,
  now: Instant,
): [HoldState, HeldPackets | undefined] {
  if (now < state.until && sameFacts(state.facts, facts)) return [state, undefined];
  const groups = facts.syncs ? facts.groups : [];
  const isActive = (vrid: number): boolean => facts.roles.get(vrid) === 'Active';
  const since = new Map(
    groups.filter(({vrid}) => isActive(vrid)).map(({vrid}) => [vrid, state.since.get(vrid) ?? now]),
  );
  const readySince = facts.ready ? (state.readySince ?? now) : undefined;
  const takesUntil = (readySince ?? -Infinity) + TAKE_BACK_TIME;
  const ends = [...since.values()].map((begun) => begun + HOLD_TIME);
  const isYoung = (vrid: number): boolean =>
    now < (isActive(vrid) ? (since.get(vrid) ?? now) + HOLD_TIME : takesUntil);
  const held = groups.filter(({vrid}) => !isActive(vrid) || isYoung(vrid));
  const phases = held.map(({vrid}) => `${vrid}${isYoung(vrid) ? ' young' : ''}`).join();
  const next = {
    since,
    ...(readySince === undefined ? {} : {readySince}),
    until: Math.min(Infinity, ...[...ends, takesUntil].filter((end) => end > now)),
    facts,
    phases,
    held: state.held,
  };
  if (phases === state.phases && facts.files === state.facts?.files) return [next, undefined];
  const packets = {
    to: servicesOf(held, facts.files).map(({end}) => end),
    // Not for good: a standby may also be a plain router.
    from: servicesOf(
      held.filter(({vrid}) => isYoung(vrid)),
      facts.files,
    ).flatMap(({virtual}) => translated(virtual)),
  };
  const same = JSON.stringify(packets) === JSON.stringify(state.held);
  return same ? [next, undefined] : [{...next, held: packets}, packets];
}

/** The TCP services at the groups' addresses. A firewall mark names no address. */
function servicesOf(
  groups: HoldFacts['groups'],
  files: readonly LdirectordConfig[],
): readonly {readonly virtual: VirtualService; readonly end: Endpoint}[] {
  const addresses = new Set(groups.flatMap(({vips}) => vips.map(({address}) => address)));
  return files.flatMap(({virtuals}) =>
    virtuals.flatMap((virtual) => {
      const key = serviceKey(virtual);
      return key.kind === 'address' && key.protocol === 'tcp' && key.port > 0 && addresses.has(key.address)
        ? [{virtual, end: {family: key.family, address: key.address, port: key.port}}]
        : [];
    }),
  );
}

/** Real servers whose answers the director translates. */
const translated = (virtual: VirtualService): readonly Endpoint[] =>
  [...virtual.reals, ...(virtual.fallback ? [virtual.fallback] : [])]
    .map((server) => destinationOf(virtual, server))
    .filter(({forward, port}) => forward === 'masq' && port > 0)
    .map(({family, address, port}) => ({family, address, port}));
