/** The supervisor's state, events, effects and initial state. Pure. */
import type {Instant, Millis, Moment} from '@hactl/base';
import type {FromChecks, ToChecks} from '@hactl/checks';
import {groupIds} from '@hactl/config';
import type {EngineConfig, EngineVip, FromEngine} from '@hactl/failover';
import type {ServiceKey} from '@hactl/ipvs';
import type {HeldPackets} from '@hactl/net';
import type {FromSync, SyncStatus, ToSync} from '@hactl/sync';
import {
  initialAlerts,
  nextAlertsDeadline,
  type AlertsEffect,
  type AlertsEvent,
  type AlertsState,
} from '../alerts/slice.ts';
import type {Loaded} from '../configuration/loaded.ts';
import {
  initialConfiguration,
  nextConfigurationDeadline,
  type ConfigurationEffect,
  type ConfigurationEvent,
  type ConfigurationState,
} from '../configuration/slice.ts';
import type {EventDraft} from '../control/events.ts';
import type {OrderState} from '../control/orders.ts';
import {initialJournal, type JournalState} from '../journal/slice.ts';
import {
  heldOf,
  initialOperators,
  nextOperatorsDeadline,
  type OperatorsEffect,
  type OperatorsEvent,
  type OperatorsState,
} from '../operators/slice.ts';
import type {ResourcesEffect, ResourcesEvent, ResourcesState} from '../resources/slice.ts';
import {FIRST_ROUND_LIMIT} from '../roles/readiness.ts';
import {
  initialRoles,
  nextRolesDeadline,
  type Group,
  type RolesEffect,
  type RolesEvent,
  type RolesState,
} from '../roles/slice.ts';
import {
  initialTable,
  nextTableDeadline,
  type TableConfig,
  type TableEffect,
  type TableEvent,
  type TableState,
} from '../table/slice.ts';
import {initialHold, type HoldState} from '../table/held-packets.ts';
import {syncGroups} from '../table/sync-groups.ts';

/** Constant while the supervisor runs. */
export interface CoreConfig {
  readonly node: string;
  readonly stateDir: string;
  /** This machine's kernel had the peer's connections a moment ago, under the previous supervisor. */
  readonly syncTrusted: boolean;
  /** Services that left the files while no supervisor ran. */
  readonly left?: readonly ServiceKey[];
}

export interface CoreState {
  readonly startedAt: Instant;
  readonly configuration: ConfigurationState;
  readonly roles: RolesState;
  readonly operators: OperatorsState;
  readonly table: TableState;
  readonly resources: ResourcesState;
  readonly alerts: AlertsState;
  readonly journal: JournalState;
  readonly sync?: SyncStatus;
  /** When to request the sync process's status again. */
  readonly syncStatusAt: Instant;
  /** Instants at which something becomes overdue, in order. */
  readonly marks: readonly Instant[];
  /** Whether this director checks its real servers now. */
  readonly checking: boolean;
  /** Whether a haresources group has a sync daemon. */
  readonly syncs: boolean;
  readonly hold: HoldState;
}

/** External events: messages of children, results of effects, operators, the peer, the clock. */
export type CoreEvent =
  | {readonly type: 'checks'; readonly message: FromChecks}
  | {readonly type: 'engine'; readonly message: FromEngine}
  | {readonly type: 'sync'; readonly message: FromSync}
  | {readonly type: 'child-died'; readonly name: 'checks' | 'failover' | 'sync'; readonly how: string}
  | Extract<
      TableEvent,
      {type: 'ipvs-opened' | 'ipvs-failed' | 'table-read' | 'table-failed' | 'table-applied'}
    >
  | Exclude<OperatorsEvent, {type: 'operator-config' | 'peer-lives' | 'tick'}>
  | Extract<ConfigurationEvent, {type: 'loaded' | 'peer-facts' | 'peer-facts-failed'}>
  | Extract<ResourcesEvent, {type: 'scripts-done' | 'stuck'}>
  | Extract<RolesEvent, {type: 'tracked' | 'give-up' | 'give-up-all'}>
  | Extract<AlertsEvent, {type: 'drill-failed'}>
  /** The daemon stops: remaining notifications are sent while the roles are still known. */
  | {readonly type: 'stopping'}
  | {readonly type: 'tick'};

export type CoreEffect =
  | Exclude<TableEffect, {type: 'table-settled'}>
  | RolesEffect
  | ConfigurationEffect
  | Exclude<OperatorsEffect, {type: 'overrides-changed'}>
  | ResourcesEffect
  | Exclude<AlertsEffect, {type: 'ask-reports'}>
  | {readonly type: 'to-checks'; readonly message: ToChecks}
  | {readonly type: 'to-sync'; readonly message: ToSync}
  | {readonly type: 'record'; readonly draft: EventDraft}
  /** Replaces what was held before. */
  | {readonly type: 'hold-packets'; readonly held: HeldPackets}
  | {readonly type: 'child-died'; readonly name: string; readonly how: string}
  /** The engine died and the peer lives: remove the addresses and announce priority 0 in the engine's name. */
  | {readonly type: 'remove-vips'; readonly vips: readonly EngineVip[]}
  | {readonly type: 'send-priority-zero'; readonly config: EngineConfig}
  | {readonly type: 'engine-ready'; readonly realtime: string}
  | {
      readonly type: 'child-log';
      readonly name: string;
      readonly level: 'error' | 'warn' | 'info' | 'debug';
      readonly message: string;
    };

/** Interval at which the sync process's status is requested. */
export const SYNC_STATUS_EVERY: Millis = 500;

export const tableConfig = ({cluster}: Loaded): TableConfig => ({
  files: cluster.ldirectord,
  verdicts: cluster.ha?.hactl.verdicts,
});

/** The engine's groups: its ids are stable, so all other code uses them. */
export const groupsOf = (loaded: Loaded): readonly Group[] => loaded.engine?.groups ?? [];

export function resourcesOf({cluster}: Loaded): ResourcesState {
  const {groups} = cluster.haresources;
  const ids = groupIds(groups);
  const fence = cluster.ha?.hactl.fence;
  return {
    groups: groups.map((group, index) => ({vrid: ids[index] ?? 0, group})),
    ...(fence === undefined ? {} : {fence}),
  };
}

export const hasOutside = ({cluster}: Loaded): boolean => {
  const {webhooks = [], commands = []} = cluster.ha?.hactl.alerts ?? {};
  return webhooks.length + commands.length > 0;
};

export const hasSync = ({cluster, engine}: Loaded): boolean =>
  engine !== undefined && syncGroups(cluster.haresources.groups, new Map()).length > 0;

export const peerName = ({engine}: Loaded, node: string): string | undefined =>
  engine?.nodes.find((name) => name !== node.toLowerCase());

export const marksOf = ({cluster}: Loaded, startedAt: Instant): readonly Instant[] =>
  [FIRST_ROUND_LIMIT, cluster.ha?.hactl.syncDeadline ?? 0]
    .map((limit) => startedAt + limit)
    .toSorted((left, right) => left - right);

/** The state of a supervisor that has read its files and received nothing yet. */
export function initial(config: CoreConfig, loaded: Loaded, orders: OrderState, {now}: Moment): CoreState {
  const {cluster} = loaded;
  const operators = initialOperators(cluster.ldirectord, orders, peerName(loaded, config.node));
  return {
    startedAt: now,
    configuration: initialConfiguration(loaded),
    roles: initialRoles(loaded.engine !== undefined, groupsOf(loaded), now),
    operators,
    table: {
      ...initialTable(tableConfig(loaded), now, config.left),
      held: heldOf(operators),
      ordered: operators.weights,
    },
    resources: resourcesOf(loaded),
    alerts: initialAlerts(config.node, cluster.ldirectord, hasOutside(loaded), now),
    journal: initialJournal,
    syncStatusAt: now + SYNC_STATUS_EVERY,
    marks: marksOf(loaded, now),
    checking: cluster.ha === undefined || cluster.ha.hactl.standbyChecks,
    syncs: hasSync(loaded),
    hold: initialHold,
  };
}

/** When the supervisor must act without an event. */
export const nextDeadline = (state: CoreState): Instant =>
  Math.min(
    nextConfigurationDeadline(state.configuration),
    nextRolesDeadline(state.roles),
    nextOperatorsDeadline(state.operators),
    nextTableDeadline(state.table),
    nextAlertsDeadline(state.alerts),
    state.syncStatusAt,
    state.hold.until,
    state.marks[0] ?? Infinity,
  );
