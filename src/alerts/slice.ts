/**
 * Alerts: compares virtual services and real servers before and after → mails, webhooks, fallback commands, monitor file
 * lines. Only the director that holds a virtual service's address speaks for it. Pure.
 */
import type {Instant, Moment} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {LdirectordConfig, VirtualService} from '@hactl/config';
import type {Transition} from '@hactl/failover';
import type {Mail} from '../system/mail.ts';
import type {RealView, VirtualView} from '../table/views.ts';
import {
  alertStep,
  composeMail,
  enqueue,
  stopEvents,
  dequeueDue,
  type AlertEvent,
  type AlertMemory,
  type Outbox,
  type Phase,
} from './alerts.ts';
import {fallbackStep, type FallbackMemory} from './fallback-command.ts';
import {
  censusOf,
  noticeOfTransition,
  noticeStep,
  nothingKnown,
  type Census,
  type Notice,
  type NoticeMemory,
} from './notices.ts';

export interface AlertsState {
  /** This machine's name, for mails. */
  readonly node: string;
  readonly files: readonly LdirectordConfig[];
  /** Whether there are webhooks or commands to notify. */
  readonly outside: boolean;
  /** Whether a virtual service has a mail address or a fallback command. */
  readonly wanted: boolean;
  readonly phase: Phase;
  readonly memory: AlertMemory;
  readonly fallbacks: FallbackMemory;
  readonly noticed: NoticeMemory;
  readonly outbox: Outbox;
  /** Number of checks of each real server already in its monitor file. */
  readonly written: ReadonlyMap<string, number>;
  /** When the views are compared next. */
  readonly compareAt: Instant;
  /** When the next reminder of a server that is still down is due. */
  readonly remindAt: Instant;
  /** When fresh reports are requested from the checks, for the monitor files. */
  readonly reportAt: Instant;
}

export type AlertsEvent =
  | {readonly type: 'alerts-config'; readonly files: readonly LdirectordConfig[]; readonly outside: boolean}
  /** Something may have changed: compare once in this turn of the loop. */
  | {readonly type: 'look-soon'}
  | {readonly type: 'look'; readonly views: readonly VirtualView[]}
  | {readonly type: 'role'; readonly transition: Transition}
  /** A scheduled drill did not run, or did not finish. */
  | {readonly type: 'drill-failed'; readonly reason: string}
  | {
      readonly type: 'fresh-reports';
      readonly reports: readonly CheckReport[];
      readonly views: readonly VirtualView[];
    }
  | {readonly type: 'last-words'; readonly views: readonly VirtualView[]}
  | {readonly type: 'tick'};

/** One check to write to a monitor file. */
export interface MonitorEntry {
  readonly virtual: VirtualService;
  readonly view: RealView;
  readonly report: CheckReport;
}

export type AlertsEffect =
  | {readonly type: 'mail'; readonly mail: Mail}
  | {readonly type: 'notify'; readonly notices: readonly Notice[]; readonly census?: readonly Census[]}
  | {readonly type: 'fallback-command'; readonly virtual: string; readonly line: string}
  | {readonly type: 'monitor'; readonly file: string; readonly entries: readonly MonitorEntry[]}
  | {readonly type: 'ask-reports'};

export type AlertsTurn = [AlertsState, readonly AlertsEffect[]];

const virtualsOf = (files: readonly LdirectordConfig[]): readonly VirtualService[] =>
  files.flatMap((file) => file.virtuals);

/** How often fresh reports are needed: ldirectord's monitorfile has a line for each check. */
export function reportEvery(files: readonly LdirectordConfig[]): number {
  const watched = virtualsOf(files).filter(({monitorFile}) => monitorFile !== undefined);
  return Math.min(...watched.map(({checkInterval}) => checkInterval)) / 2;
}

const isWanted = (files: readonly LdirectordConfig[]): boolean =>
  virtualsOf(files).some(({email, fallbackCommand}) => email.to.length > 0 || fallbackCommand !== undefined);

export const initialAlerts = (
  node: string,
  files: readonly LdirectordConfig[],
  outside: boolean,
  now: Instant,
): AlertsState => ({
  node,
  files,
  outside,
  wanted: isWanted(files),
  phase: 'starting',
  memory: new Map(),
  fallbacks: new Map(),
  noticed: nothingKnown,
  outbox: new Map(),
  written: new Map(),
  compareAt: Infinity,
  remindAt: Infinity,
  reportAt: now + reportEvery(files),
});

/** Whether anybody listens: without a receiver, ten thousand real servers need no comparison. */
const listens = ({outside, wanted, fallbacks}: AlertsState): boolean =>
  // Fallback commands that the last configuration started must still be stopped.
  outside || wanted || fallbacks.size > 0;

export const looksAt = (state: AlertsState): Instant => Math.min(state.compareAt, state.remindAt);

export const nextAlertsDeadline = (state: AlertsState): Instant =>
  Math.min(looksAt(state), state.reportAt, dequeueDue(state.outbox, -Infinity).nextAt ?? Infinity);

export function reduceAlerts(state: AlertsState, event: AlertsEvent, moment: Moment): AlertsTurn {
  switch (event.type) {
    case 'alerts-config':
      return onConfig(state, event.files, event.outside, moment);
    case 'look-soon':
      return [listens(state) ? {...state, compareAt: Math.min(state.compareAt, moment.now)} : state, []];
    case 'look':
      return onLook(state, event.views, moment);
    case 'role':
      return [
        state,
        state.outside ? [{type: 'notify', notices: [noticeOfTransition(event.transition)]}] : [],
      ];
    case 'drill-failed': {
      const time = new Date(moment.wall).toISOString();
      return [
        state,
        state.outside ? [{type: 'notify', notices: [{type: 'drill', time, reason: event.reason}]}] : [],
      ];
    }
    case 'fresh-reports':
      return onReports(state, event.reports, event.views);
    case 'last-words':
      return onStop(state, event.views, moment);
    case 'tick':
      return onTick(state, moment);
  }
}

function onConfig(
  state: AlertsState,
  files: readonly LdirectordConfig[],
  outside: boolean,
  {now}: Moment,
): AlertsTurn {
  const next: AlertsState = {
    ...state,
    files,
    outside,
    wanted: isWanted(files),
    phase: 'reloading',
    reportAt: now + reportEvery(files),
  };
  return [{...next, compareAt: listens(next) ? now : Infinity}, []];
}

const enqueued = (state: AlertsState, events: readonly AlertEvent[], now: Instant): Outbox =>
  events.length > 0 ? enqueue(state.outbox, events, now) : state.outbox;

/** When a real server that stays down is mailed again; Infinity: never. */
const reminderOf = (memory: AlertMemory, views: readonly VirtualView[]): Instant =>
  Math.min(
    Infinity,
    ...views
      .filter(({virtual}) => virtual.email.frequency > 0)
      .flatMap(({virtual, reals}) =>
        reals.flatMap(({id, state}) => {
          const known = memory.get(id);
          return state === 'down' && known ? [known.saidAt + virtual.email.frequency] : [];
        }),
      ),
  );

function onLook(state: AlertsState, views: readonly VirtualView[], {now, wall}: Moment): AlertsTurn {
  const noticed = state.outside
    ? noticeStep(state.noticed, views, wall)
    : {memory: state.noticed, notices: []};
  const alerts = alertStep(state.memory, views, state.phase, now);
  const fallback = fallbackStep(state.fallbacks, views);
  const complete = views.every(({reals}) => reals.every((real) => real.state !== 'unknown'));
  const notify: readonly AlertsEffect[] =
    noticed.notices.length === 0 ? [] : [{type: 'notify', notices: noticed.notices, census: censusOf(views)}];
  return [
    {
      ...state,
      memory: alerts.memory,
      noticed: noticed.memory,
      fallbacks: fallback.memory,
      outbox: enqueued(state, alerts.events, now),
      phase: complete ? 'running' : state.phase,
      compareAt: Infinity,
      remindAt: reminderOf(alerts.memory, views),
    },
    [...notify, ...fallback.runs.map((run) => ({type: 'fallback-command' as const, ...run}))],
  ];
}

function onReports(
  state: AlertsState,
  reports: readonly CheckReport[],
  views: readonly VirtualView[],
): AlertsTurn {
  const byId = new Map(reports.map((report) => [report.id, report]));
  const written = new Map(state.written);
  const effects = views.flatMap(({virtual, reals}): AlertsEffect[] => {
    const {monitorFile: file} = virtual;
    if (file === undefined) return [];
    const entries = reals.flatMap((view): MonitorEntry[] => {
      const report = byId.get(view.id);
      if (!report || report.checks === 0 || state.written.get(view.id) === report.checks) return [];
      written.set(view.id, report.checks);
      return [{virtual, view, report: {...report, state: view.state}}];
    });
    return entries.length === 0 ? [] : [{type: 'monitor', file, entries}];
  });
  return [{...state, written}, effects];
}

const mailsOf = (state: AlertsState, batches: readonly (readonly AlertEvent[])[]): readonly AlertsEffect[] =>
  batches.flatMap((batch) => {
    const mail = composeMail(batch, state.node, state.phase);
    return mail ? [{type: 'mail' as const, mail}] : [];
  });

/** The daemon stops: waiting mails go out, fallback commands run with `stop`. */
function onStop(state: AlertsState, views: readonly VirtualView[], {now}: Moment): AlertsTurn {
  const stopping: AlertsState = {...state, phase: 'stopping'};
  const silent = views.map((view) => ({...view, acting: false}));
  const fallback = fallbackStep(state.fallbacks, silent);
  const due = dequeueDue(enqueued(stopping, stopEvents(views), now), now, true);
  return [
    {
      ...stopping,
      fallbacks: fallback.memory,
      outbox: due.outbox,
      compareAt: Infinity,
      remindAt: Infinity,
      reportAt: Infinity,
    },
    [
      ...mailsOf(stopping, due.batches),
      ...fallback.runs.map((run) => ({type: 'fallback-command' as const, ...run})),
    ],
  ];
}

function onTick(state: AlertsState, {now}: Moment): AlertsTurn {
  const due = dequeueDue(state.outbox, now);
  const asks = now >= state.reportAt;
  return [
    {...state, outbox: due.outbox, reportAt: asks ? now + reportEvery(state.files) : state.reportAt},
    [...mailsOf(state, due.batches), ...(asks ? [{type: 'ask-reports' as const}] : [])],
  ];
}
