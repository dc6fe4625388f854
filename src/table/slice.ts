/**
 * The table: verdicts, operators' overrides and the kernel's table as it was read → operations. One change at a time: `idle` →
 * `reading` → `applying` → `idle`; events in between mark the table `dirty`, and the next turn begins at once. Pure.
 */
import type {Instant, Millis, Moment} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import {keyText, plan, type ServiceKey, type VirtualTable} from '@hactl/ipvs';
import {desiredTable} from './desired.ts';
import {afterOperations, blocks, driftOf, entryOf, onlyThese} from './entries.ts';
import {accepted, refusedAgain, retryAt, stillWanted, type Outcome} from './refusals.ts';
import {allReports, folded, reportOf, reportsFor, withReport} from './reports.ts';
import {serviceKey, virtualName, virtualOfCheck} from './services.ts';
import {
  idsOf,
  virtualsOf,
  type TableConfig,
  type TableEffect,
  type TableEvent,
  type TableState,
  type TableTurn,
} from './table-state.ts';
import {judgedReports, type Counting} from './views.ts';
import {weightsNow} from './weights.ts';

export {initialTable} from './table-state.ts';
export type {TableConfig, TableEffect, TableEvent, TableState} from './table-state.ts';

const RETRY: Millis = 1_000;
const AUDIT_LEAST: Millis = 1_000;
/** After more verdicts than this the whole table is read. */
const READ_ALONE = 50;

/** The services of a check. */
const servicesOf = (config: TableConfig, check: string): ServiceKey[] => {
  const name = virtualOfCheck(check);
  return virtualsOf(config).flatMap((virtual) =>
    virtualName(virtual) === name ? [serviceKey(virtual)] : [],
  );
};

/** A known table updated with the services just read; removed ones are dropped. */
function withServices(
  known: readonly VirtualTable[],
  only: readonly ServiceKey[],
  read: readonly VirtualTable[],
): readonly VirtualTable[] {
  const asked = new Set(only.map(keyText));
  return [...known.filter(({service}) => !asked.has(keyText(service.key))), ...read];
}

/** Drift is detected within one and a half check intervals of the fastest service, but never by reading without a pause. */
export const auditEvery = (config: TableConfig): Millis =>
  Math.max(AUDIT_LEAST, 1.5 * Math.min(...virtualsOf(config).map(({checkInterval}) => checkInterval)));

/** When the table must be read without a trigger. */
export function nextTableDeadline(state: TableState): Instant {
  if (state.phase !== 'idle') return Infinity;
  // Due work waits until the table can be read: otherwise it would be due again at once.
  if (state.problem !== undefined) return state.auditAt;
  return Math.min(state.auditAt, state.warmAt, retryAt(state.refusals));
}

/** The checks' verdicts, with the operators' overrides applied. */
export const judgedOf = ({reports, held, startedAt}: TableState): ReadonlyMap<string, CheckReport> =>
  judgedReports(allReports(reports), held, startedAt);

export function reduceTable(state: TableState, event: TableEvent, {now}: Moment): TableTurn {
  switch (event.type) {
    case 'table-config':
      return work({...onConfig(state, event.config, now), dirty: true, due: 'all'});
    case 'verdict':
      return onVerdict(state, event.report);
    case 'reports': {
      const known = event.reports.filter((report) => report.state !== 'unknown');
      const {services = [], quarantined = []} = event;
      const late = services.map(
        ({check, p50, p99, max}) => [virtualOfCheck(check), {p50, p99, max}] as const,
      );
      return [
        {
          ...state,
          reports: known.reduce(withReport, state.reports),
          lateness: new Map(late),
          quarantined: new Set(quarantined),
        },
        [],
      ];
    }
    case 'overrides':
      return work({...state, held: event.held, ordered: event.ordered, dirty: true, due: 'all'});
    case 'ipvs-opened':
      return work({...withoutProblem(state), phase: 'idle', dirty: true, due: 'all'});
    case 'ipvs-failed':
      return onUnreachable({...state, phase: 'closed'}, event.reason, now);
    case 'table-read':
      return state.phase === 'reading' ? onRead(state, event, now) : [state, []];
    case 'table-failed':
      return onUnreachable({...state, phase: 'idle'}, event.reason, now);
    case 'table-applied':
      return state.phase === 'applying' ? onApplied(state, event.outcomes, now) : [state, []];
    case 'tick':
      return now < nextTableDeadline(state)
        ? [state, []]
        : work({...state, warmAt: Infinity, dirty: true, due: 'all'});
  }
}

function withoutProblem(before: TableState): TableState {
  const {problem: _, ...state} = before;
  return state;
}

/** Begins a turn if one is due and none is in progress. */
function work(state: TableState): TableTurn {
  if (!state.dirty) return [state, []];
  if (state.phase === 'closed') return [state, [{type: 'table-settled'}]];
  if (state.phase !== 'idle') return [state, []];
  // An unknown table is read as a whole.
  const only = state.due !== 'all' && state.expected ? {only: state.due} : {};
  return [{...state, phase: 'reading', dirty: false, due: []}, [{type: 'read-table', ...only}]];
}

/** Ends a turn; the next one begins at once if something arrived meanwhile. */
function finish(state: TableState, effects: readonly TableEffect[]): TableTurn {
  const [next, more] = work({...state, phase: 'idle'});
  return [next, [...effects, {type: 'table-settled'}, ...more]];
}

function onConfig(state: TableState, config: TableConfig, now: Instant): TableState {
  // A refused entry may have been corrected.
  const refusals = new Map([...state.refusals].map(([key, refusal]) => [key, {...refusal, retryAt: now}]));
  return {...state, config, reports: reportsFor(idsOf(config), state.reports), refusals};
}

function onVerdict(state: TableState, report: CheckReport): TableTurn {
  if (!state.reports.ids.has(report.id)) return [state, []];
  const last = reportOf(state.reports, report.id);
  const before = last?.state ?? 'unknown';
  const due =
    state.due === 'all' || state.due.length >= READ_ALONE
      ? 'all'
      : [...state.due, ...servicesOf(state.config, report.id)];
  const [next, effects] = work({...state, reports: withReport(state.reports, report), dirty: true, due});
  return [next, [...verdictNews(before, report), ...certificateNews(last, report), ...effects]];
}

const verdictNews = (before: CheckReport['state'], report: CheckReport): readonly TableEffect[] =>
  before === report.state ? [] : [{type: 'verdict-changed', report, first: before === 'unknown'}];

function certificateNews(before: CheckReport | undefined, report: CheckReport): readonly TableEffect[] {
  const [was, is] = [before?.certificate, report.certificate];
  if (was?.date === is?.date && was?.days === is?.days) return [];
  return [{type: 'certificate-ends', report}];
}

function onUnreachable(state: TableState, reason: string, now: Instant): TableTurn {
  const next: TableState = {...state, dirty: true, due: 'all', auditAt: now + RETRY};
  // A director without virtual services does not need IPVS.
  if (virtualsOf(state.config).length === 0)
    return [{...next, warmAt: Infinity, refusals: new Map()}, [{type: 'table-settled'}]];
  const news: readonly TableEffect[] = reason === state.problem ? [] : [{type: 'table-unreachable', reason}];
  return [{...next, problem: reason}, [...news, {type: 'table-settled'}]];
}

/** The desired table, and the updated state. */
function wantedTable(
  state: TableState,
  current: readonly VirtualTable[],
  now: Instant,
): {readonly state: TableState; readonly wanted: readonly VirtualTable[]} {
  const reports = folded(state.reports);
  const judged = judgedReports(reports.settled, state.held, state.startedAt);
  const {verdicts: settings, files} = state.config;
  const {weights, warmth, nextAt} = weightsNow({
    virtuals: virtualsOf(state.config),
    reports: judged,
    ordered: state.ordered,
    settings,
    warmth: state.warmth,
    now,
  });
  const counting: Counting = {weights, ...(settings?.quorum ? {quorum: settings.quorum} : {})};
  const states = new Map([...judged].map(([id, report]) => [id, report.state]));
  const wanted = files.flatMap((file) =>
    desiredTable({
      virtuals: file.virtuals,
      verdicts: states,
      current,
      ...counting,
      readdQuiescent: file.readdQuiescent,
    }),
  );
  return {state: {...state, reports, warmth, counting, warmAt: nextAt ?? Infinity}, wanted};
}

/** The table was read: what must change, what another program changed, what is not retried yet. */
function onRead(
  before: TableState,
  {table, only}: Extract<TableEvent, {type: 'table-read'}>,
  now: Instant,
): TableTurn {
  const current = only ? withServices(before.expected ?? [], only, table) : table;
  const {state: weighed, wanted} = wantedTable(withoutProblem(before), current, now);
  const keys = virtualsOf(before.config).map((virtual) => keyText(serviceKey(virtual)));
  const owned = new Set([...before.owned, ...keys]);
  const operations = plan(current, wanted, {owned: (key) => owned.has(keyText(key))});
  const drift = driftOf(current, before.expected, operations);
  const effects: readonly TableEffect[] = drift.length === 0 ? [] : [{type: 'table-drifted', drift}];
  const refusals = stillWanted(before.refusals, operations);
  const waiting = [...refusals.values()].filter((refusal) => now < refusal.retryAt);
  const due = operations.filter(
    (operation) => !waiting.some((refusal) => blocks(refusal.operation, operation, current)),
  );
  const state: TableState = {
    ...weighed,
    owned: new Set(keys),
    refusals,
    // The other services are read when the whole table is due.
    auditAt: only ? before.auditAt : keys.length === 0 ? Infinity : now + auditEvery(before.config),
    expected: onlyThese(current, owned),
  };
  if (due.length === 0) return finish({...state, programmed: true}, effects);
  // Deleted services stay owned until the deletion is done.
  return [{...state, owned, phase: 'applying'}, [...effects, {type: 'apply-table', operations: due}]];
}

function onApplied(state: TableState, outcomes: readonly Outcome[], now: Instant): TableTurn {
  const done = outcomes.flatMap(({operation, error}) => (error === undefined ? [operation] : []));
  const failed = outcomes.filter(({error}) => error !== undefined);
  const refusals = new Map(state.refusals);
  const effects: TableEffect[] = done.map((operation) => ({type: 'table-changed', operation}));
  for (const refusal of accepted(state.refusals, done)) {
    refusals.delete(entryOf(refusal.operation));
    effects.push({type: 'entry-accepted', refusal});
  }
  for (const outcome of failed) {
    const entry = entryOf(outcome.operation);
    const known = refusals.get(entry);
    const refusal = refusedAgain(known, outcome, now);
    refusals.set(entry, refusal);
    if (known?.reason !== refusal.reason) effects.push({type: 'entry-refused', refusal});
  }
  const keys = new Set(virtualsOf(state.config).map((virtual) => keyText(serviceKey(virtual))));
  const expected = afterOperations(state.expected ?? [], done);
  const kept = expected.map(({service}) => keyText(service.key)).filter((key) => state.owned.has(key));
  // Another program changed the table after it was read: read it again to see what else changed.
  const auditAt = outcomes.some(({differs}) => differs)
    ? Math.min(state.auditAt, now + AUDIT_LEAST)
    : state.auditAt;
  return finish(
    {...state, refusals, expected, auditAt, programmed: true, owned: new Set([...keys, ...kept])},
    effects,
  );
}
