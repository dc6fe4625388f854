/**
 * The supervisor's machine: messages from children, kernel, operators and peer → effects. It routes events to the slices and
 * facts between slices; it is the only caller of the slices. Pure.
 *
 * Effects are performed in order. A slice's decision is visible to the later slices in the same step: configuration, roles,
 * operators, table, resources, alerts, journal.
 */
import type {Moment} from '@hactl/base';
import type {FromChecks, ToChecks} from '@hactl/checks';
import type {FromEngine} from '@hactl/failover';
import type {FromSync} from '@hactl/sync';
import {looksAt, reduceAlerts, type AlertsEvent} from '../alerts/slice.ts';
import type {Loaded} from '../configuration/loaded.ts';
import {checksOf, reduceConfiguration, syncOf, type ConfigurationEvent} from '../configuration/slice.ts';
import {reduceJournal, type Happening} from '../journal/slice.ts';
import {heldOf, reduceOperators, type OperatorsEvent} from '../operators/slice.ts';
import {reduceResources, type ResourcesEvent} from '../resources/slice.ts';
import {readinessOf} from '../roles/readiness.ts';
import {anyActive, peerLives, reduceRoles, speaksFor, type RolesEvent} from '../roles/slice.ts';
import {entryName} from '../table/describe.ts';
import {changesFlows, failedServers} from '../table/failed-servers.ts';
import {reduceHold} from '../table/held-packets.ts';
import {reportOf} from '../table/reports.ts';
import {judgedOf, reduceTable, type TableEvent} from '../table/slice.ts';
import {syncReadiness} from '../table/sync-groups.ts';
import {viewsOf, type VirtualView} from '../table/views.ts';
import {
  groupsOf,
  hasOutside,
  hasSync,
  marksOf,
  peerName,
  resourcesOf,
  SYNC_STATUS_EVERY,
  tableConfig,
  type CoreConfig,
  type CoreEffect,
  type CoreEvent,
  type CoreState,
} from './core-state.ts';

export {initial, nextDeadline} from './core-state.ts';
export type {CoreConfig, CoreEffect, CoreEvent, CoreState} from './core-state.ts';

/** One step under construction. */
interface Turn {
  readonly config: CoreConfig;
  readonly moment: Moment;
  state: CoreState;
  readonly effects: CoreEffect[];
}

/** One event. */
export function step(
  config: CoreConfig,
  state: CoreState,
  event: CoreEvent,
  moment: Moment,
): [CoreState, readonly CoreEffect[]] {
  const turn: Turn = {config, moment, state, effects: []};
  route(turn, event);
  followUp(turn);
  return [turn.state, turn.effects];
}

function route(turn: Turn, event: CoreEvent): void {
  switch (event.type) {
    case 'checks':
      return onChecks(turn, event.message);
    case 'engine':
      return onEngine(turn, event.message);
    case 'sync':
      return onSync(turn, event.message);
    case 'child-died':
      return onDeath(turn, event);
    case 'loaded':
      return onLoaded(turn, event.loaded);
    case 'peer-facts':
    case 'peer-facts-failed':
      return configuration(turn, event);
    case 'ipvs-opened':
    case 'ipvs-failed':
    case 'table-read':
    case 'table-failed':
    case 'table-applied':
      return table(turn, event);
    case 'order':
    case 'peer-orders':
    case 'orders-written':
    case 'exchanged':
    case 'exchange-failed':
    case 'maintenance':
      return operators(turn, event);
    case 'scripts-done':
    case 'stuck':
      return resources(turn, event);
    case 'tracked':
    case 'give-up':
    case 'give-up-all':
      return roles(turn, event);
    case 'drill-failed':
      return alerts(turn, event);
    case 'stopping':
      return alerts(turn, {type: 'last-words', views: viewsNow(turn.state)});
    case 'tick':
      return onTick(turn);
  }
}

// ------------------------------------------------------------------------------------------------ the slices
/** An effect for the drivers; the journal keeps those that are facts. */
function emit(turn: Turn, effect: CoreEffect): void {
  turn.effects.push(effect);
  if (isHappening(effect)) journal(turn, effect);
}

const happenings: ReadonlySet<string> = new Set<Happening['type']>([
  'child-died',
  'transition',
  'readiness-changed',
  'unfit',
  'verdict-changed',
  'certificate-ends',
  'table-changed',
  'table-drifted',
  'entry-refused',
  'entry-accepted',
  'scripts-ran',
]);
const isHappening = (effect: CoreEffect): effect is CoreEffect & Happening => happenings.has(effect.type);

function journal(turn: Turn, what: Happening): void {
  const [next, drafts] = reduceJournal(turn.state.journal, what, turn.moment);
  turn.state = {...turn.state, journal: next};
  for (const draft of drafts) turn.effects.push({type: 'record', draft});
}

function configuration(turn: Turn, event: ConfigurationEvent): void {
  const [next, effects] = reduceConfiguration(turn.state.configuration, event, turn.moment);
  turn.state = {...turn.state, configuration: next};
  for (const effect of effects) emit(turn, effect);
}

function roles(turn: Turn, event: RolesEvent): void {
  const [next, effects] = reduceRoles(turn.state.roles, event, turn.moment);
  turn.state = {...turn.state, roles: next};
  for (const effect of effects) {
    emit(turn, effect);
    if (effect.type === 'transition') {
      resources(turn, {type: 'role', transition: effect.transition});
      alerts(turn, {type: 'role', transition: effect.transition});
    }
  }
  if (!effects.some(({type}) => type === 'transition')) return;
  alerts(turn, {type: 'look-soon'});
  configureSync(turn);
}

function operators(turn: Turn, event: OperatorsEvent): void {
  const [next, effects] = reduceOperators(turn.state.operators, event, turn.moment);
  turn.state = {...turn.state, operators: next};
  for (const effect of effects)
    if (effect.type === 'overrides-changed')
      table(turn, {type: 'overrides', held: heldOf(next), ordered: next.weights});
    else emit(turn, effect);
}

function table(turn: Turn, event: TableEvent): void {
  const [next, effects] = reduceTable(turn.state.table, event, turn.moment);
  turn.state = {...turn.state, table: next};
  for (const effect of effects)
    if (effect.type === 'table-settled') alerts(turn, {type: 'look-soon'});
    else emit(turn, effect);
  if (effects.some((effect) => effect.type === 'table-changed' && changesFlows(effect.operation)))
    tellFlows(turn);
}

function resources(turn: Turn, event: ResourcesEvent): void {
  const [next, effects] = reduceResources(turn.state.resources, event);
  turn.state = {...turn.state, resources: next};
  for (const effect of effects) emit(turn, effect);
}

function alerts(turn: Turn, event: AlertsEvent): void {
  const [next, effects] = reduceAlerts(turn.state.alerts, event, turn.moment);
  turn.state = {...turn.state, alerts: next};
  for (const effect of effects)
    emit(turn, effect.type === 'ask-reports' ? {type: 'to-checks', message: {type: 'report'}} : effect);
}

/** The current views of the virtual services, for alerts. */
function viewsNow({table: state, roles: known}: CoreState): VirtualView[] {
  const {config, counting} = state;
  return viewsOf(config.files, judgedOf(state), counting, ({address}) =>
    speaksFor(known, address.kind === 'address' ? address.address : undefined),
  );
}

// ------------------------------------------------------------------------------------------------ the events
function onChecks(turn: Turn, message: FromChecks): void {
  switch (message.type) {
    case 'ready':
      return configureChecks(turn);
    case 'verdict':
      return table(turn, {type: 'verdict', report: message.report});
    case 'reports': {
      table(turn, message);
      if (turn.state.alerts.reportAt < Infinity)
        alerts(turn, {type: 'fresh-reports', reports: message.reports, views: viewsNow(turn.state)});
      return;
    }
    case 'log':
      return emit(turn, {...message, type: 'child-log', name: 'checks'});
  }
}

function onEngine(turn: Turn, message: FromEngine): void {
  journal(turn, {type: 'engine', message});
  switch (message.type) {
    case 'ready':
      configuration(turn, {type: 'engine-ready'});
      roles(turn, {type: 'engine', message});
      return emit(turn, {type: 'engine-ready', realtime: message.realtime});
    case 'status':
      configuration(turn, {type: 'engine-status', status: message.status});
      return roles(turn, {type: 'engine', message});
    case 'transition':
      return roles(turn, {type: 'engine', message});
    case 'prepare':
      return resources(turn, {type: 'prepare', message});
    case 'event':
      return emit(turn, {
        type: 'child-log',
        name: 'failover',
        level: message.level,
        message: message.message,
      });
    case 'move-done':
    case 'stopped':
  }
}

function onSync(turn: Turn, message: FromSync): void {
  switch (message.type) {
    case 'ready':
      configureSync(turn);
      return tellFlows(turn);
    case 'status':
      turn.state = {...turn.state, sync: message.status};
      return journal(turn, {type: 'sync-status', status: message.status});
    case 'log':
      return emit(turn, {...message, type: 'child-log', name: 'sync'});
  }
}

function onDeath(turn: Turn, death: Extract<CoreEvent, {type: 'child-died'}>): void {
  emit(turn, death);
  if (death.name !== 'failover') return;
  const {engine} = turn.state.configuration.running;
  if (engine && peerLives(turn.state.roles)) {
    // The peer can serve: hand over at once instead of letting it wait for deadtime.
    emit(turn, {type: 'remove-vips', vips: engine.groups.flatMap((group) => group.vips)});
    emit(turn, {type: 'send-priority-zero', config: engine});
  }
  roles(turn, {type: 'engine-died', how: death.how});
}

/** Applies a configuration. Unchanged parts keep their state. */
function onLoaded(turn: Turn, loaded: Loaded): void {
  const {cluster} = loaded;
  const marks = marksOf(loaded, turn.state.startedAt).filter((mark) => mark > turn.moment.now);
  turn.state = {...turn.state, marks, syncs: hasSync(loaded)};
  configuration(turn, {type: 'loaded', loaded});
  resources(turn, {type: 'resources-config', ...resourcesOf(loaded)});
  roles(turn, {type: 'groups', pair: loaded.engine !== undefined, groups: groupsOf(loaded)});
  table(turn, {type: 'table-config', config: tableConfig(loaded)});
  operators(turn, {
    type: 'operator-config',
    files: cluster.ldirectord,
    peer: peerName(loaded, turn.config.node),
  });
  alerts(turn, {type: 'alerts-config', files: cluster.ldirectord, outside: hasOutside(loaded)});
  configureSync(turn);
  configureChecks(turn);
}

function onTick(turn: Turn): void {
  const {now} = turn.moment;
  configuration(turn, {type: 'tick'});
  roles(turn, {type: 'tick'});
  operators(turn, {type: 'tick'});
  table(turn, {type: 'tick'});
  if (now >= looksAt(turn.state.alerts)) alerts(turn, {type: 'look', views: viewsNow(turn.state)});
  alerts(turn, {type: 'tick'});
  turn.state = {...turn.state, marks: turn.state.marks.filter((mark) => mark > now)};
  if (now < turn.state.syncStatusAt) return;
  turn.state = {...turn.state, syncStatusAt: now + SYNC_STATUS_EVERY};
  emit(turn, {type: 'to-sync', message: {type: 'status'}});
}

// ------------------------------------------------------------------------------------- what follows each step
const isChecking = ({configuration: {running}, roles: state}: CoreState): boolean =>
  running.cluster.ha === undefined || running.cluster.ha.hactl.standbyChecks || anyActive(state);

function configureChecks(turn: Turn): void {
  const checking = isChecking(turn.state);
  turn.state = {...turn.state, checking};
  const {table: {reports}, configuration: {running}} = turn.state; // prettier-ignore
  const message: ToChecks = checking
    ? checksOf(running, (id) => reportOf(reports, id))
    : {type: 'configure', specs: []};
  emit(turn, {type: 'to-checks', message});
}

function configureSync(turn: Turn): void {
  const {configuration: {running}, roles: {roles: all}} = turn.state; // prettier-ignore
  const {node, stateDir} = turn.config;
  emit(turn, {type: 'to-sync', message: syncOf(running, all, node, stateDir)});
}

/** The sync process moves the UDP flows of failed servers. */
function tellFlows(turn: Turn): void {
  const failed = failedServers(turn.state.table);
  if (failed) emit(turn, {type: 'to-sync', message: {type: 'flows', failed}});
}

function holdPackets(turn: Turn): void {
  const {hold, syncs, table: {config: {files}}, roles: {groups, roles: all, readiness: {ready}}} = turn.state; // prettier-ignore
  const [next, held] = reduceHold(hold, {syncs, ready, groups, roles: all, files}, turn.moment.now);
  turn.state = {...turn.state, hold: next};
  if (held) emit(turn, {type: 'hold-packets', held});
}

function followUp(turn: Turn): void {
  if (isChecking(turn.state) !== turn.state.checking) configureChecks(turn);
  const isPeerUp = peerLives(turn.state.roles);
  if (isPeerUp !== turn.state.operators.exchange.isUp) operators(turn, {type: 'peer-lives', lives: isPeerUp});
  const {state} = turn;
  const {problem, programmed, refusals, reports, config: {files}} = state.table; // prettier-ignore
  const {cluster} = state.configuration.running;
  const uptime = turn.moment.now - state.startedAt;
  const limit = cluster.ha?.hactl.syncDeadline ?? 0;
  const trusted = turn.config.syncTrusted;
  const peerServes = isPeerUp && !anyActive(state.roles);
  const readiness = readinessOf({
    virtuals: files.reduce((sum, {virtuals}) => sum + virtuals.length, 0),
    checks: state.checking ? reports.ids.size : 0,
    unknown: state.checking ? reports.unknown : 0,
    problem,
    programmed,
    refused: [...refusals.values()].map(({operation}) => entryName(operation)),
    sync: syncReadiness(state.syncs, state.sync, {uptime, limit, trusted, peerServes}),
    uptime,
  });
  roles(turn, {type: 'readiness', readiness, fit: problem === undefined && refusals.size === 0});
  holdPackets(turn);
}
