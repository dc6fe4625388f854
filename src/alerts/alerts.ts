/** Decides which changes are mailed: ldirectord's emailalert directives. Pure: the caller passes the time. */
import type {Instant, Millis} from '@hactl/base';
import type {CheckState} from '@hactl/checks';
import type {EmailAlert, VirtualService} from '@hactl/config';
import {destinationOf, realName, virtualName} from '../table/services.ts';
import type {RealView, VirtualView} from '../table/views.ts';
import type {Mail} from '../system/mail.ts';

/** The daemon's phase: `emailalertstatus` lists the phases in which mails are sent. */
export type Phase = 'starting' | 'running' | 'reloading' | 'stopping';

/** What was last reported about each real server, and when. */
export type AlertMemory = ReadonlyMap<string, {readonly state: CheckState; readonly saidAt: Instant}>;

export interface AlertEvent {
  readonly email: EmailAlert;
  readonly text: string;
  readonly reason: string;
  readonly serviceName?: string;
  readonly comment?: string;
}

const wants = (email: EmailAlert, phase: Phase): boolean =>
  email.to.length > 0 && (email.status.includes('all') || email.status.includes(phase));

/** ldirectord's exact subject lines: people filter their mail by them. */
function sentence(virtual: VirtualService, view: RealView, state: 'up' | 'down' | 'still down'): string {
  const destination = destinationOf(virtual, view.real);
  const name = `${realName(destination)} (${virtualName(virtual)})`;
  if (state === 'still down') return `Inaccessible real server: ${name}`;
  if (state === 'up')
    return `${virtual.quiescent ? 'Restored' : 'Added'} real server: ${name} (Weight set to ${destination.weight})`;
  return virtual.quiescent
    ? `Quiescent real server: ${name} (Weight set to 0)`
    : `Deleted real server: ${name}`;
}

function eventOf(virtual: VirtualService, view: RealView, state: 'up' | 'down' | 'still down'): AlertEvent {
  const {email, serviceName, comment} = virtual;
  return {
    email,
    text: sentence(virtual, view, state),
    reason: view.reason,
    ...(serviceName === undefined ? {} : {serviceName}),
    ...(comment === undefined ? {} : {comment}),
  };
}

/** The changes to report now, and what to remember of them. */
export function alertStep(
  memory: AlertMemory,
  views: readonly VirtualView[],
  phase: Phase,
  now: Instant,
): {memory: AlertMemory; events: AlertEvent[]} {
  const next = new Map<string, {state: CheckState; saidAt: Instant}>();
  const events: AlertEvent[] = [];
  for (const {virtual, reals, acting} of views) {
    // checktype=off: its real servers are not reported.
    if (virtual.checkType.kind === 'off') continue;
    for (const view of reals) {
      const before = memory.get(view.id);
      const {state} = view;
      if (state === 'unknown') {
        if (before) next.set(view.id, before);
        continue;
      }
      const {frequency} = virtual.email;
      const again =
        state === 'down' && before !== undefined && frequency > 0 && now - before.saidAt >= frequency;
      const changed = before?.state !== state;
      next.set(view.id, {state, saidAt: changed || again ? now : before.saidAt});
      if (!acting || !(changed || again) || !wants(virtual.email, phase)) continue;
      events.push(eventOf(virtual, view, changed ? state : 'still down'));
    }
  }
  return {memory: next, events};
}

/** A clean stop removes every real server that served: mailed if `emailalertstatus` includes `stopping`. */
export const stopEvents = (views: readonly VirtualView[]): AlertEvent[] =>
  views
    .filter(({virtual, acting}) => acting && virtual.cleanStop && wants(virtual.email, 'stopping'))
    .flatMap(({virtual, reals}) =>
      reals.filter(({state}) => state === 'up').map((view) => eventOf(virtual, view, 'down')),
    );

/** Changes within this time are batched into one mail. */
const COLLECT: Millis = 1_000;
/** At most one mail to the same recipients in this time; the next one carries what happened meanwhile. */
const GAP: Millis = 10_000;

interface Queue {
  readonly events: readonly AlertEvent[];
  readonly dueAt: Instant;
  readonly sentAt: Instant | undefined;
}

/** One queue for each set of recipients. */
export type Outbox = ReadonlyMap<string, Queue>;

const keyOf = ({to, from, smtp}: EmailAlert): string => JSON.stringify([to, from, smtp]);

export function enqueue(outbox: Outbox, events: readonly AlertEvent[], now: Instant): Outbox {
  const next = new Map(outbox);
  for (const event of events) {
    const key = keyOf(event.email);
    const queue = next.get(key) ?? {events: [], dueAt: now, sentAt: undefined};
    const dueAt =
      queue.events.length > 0
        ? queue.dueAt
        : Math.max(now + COLLECT, queue.sentAt === undefined ? now : queue.sentAt + GAP);
    next.set(key, {...queue, events: [...queue.events, event], dueAt});
  }
  return next;
}

/** The mails due now; `all` when the daemon stops. `nextAt`: when to look again. */
export function dequeueDue(
  outbox: Outbox,
  now: Instant,
  all = false,
): {outbox: Outbox; batches: (readonly AlertEvent[])[]; nextAt: Instant | undefined} {
  const next = new Map(outbox);
  const batches: (readonly AlertEvent[])[] = [];
  for (const [key, queue] of outbox) {
    if (queue.events.length === 0 || (queue.dueAt > now && !all)) continue;
    batches.push(queue.events);
    next.set(key, {events: [], dueAt: now, sentAt: now});
  }
  const waiting = [...next.values()].filter((queue) => queue.events.length > 0).map((queue) => queue.dueAt);
  return {outbox: next, batches, nextAt: waiting.length > 0 ? Math.min(...waiting) : undefined};
}

const titled = ({serviceName, text}: AlertEvent): string =>
  serviceName === undefined ? text : `[${serviceName}] ${text}`;

/** Beyond this number a mail lists the first changes and counts the rest. */
const WRITTEN_OUT = 20;

/** The mail for one batch: ldirectord's format for a single change, a list for several, a digest for very many. */
export function composeMail(events: readonly AlertEvent[], host: string, phase: Phase): Mail | undefined {
  const [first] = events;
  if (!first) return undefined;
  const {to, from, smtp} = first.email;
  const details = (event: AlertEvent): string[] => [
    `Log-Message: ${event.text}`,
    `Reason: ${event.reason}`,
    ...(event.serviceName === undefined ? [] : [`Service name: ${event.serviceName}`]),
    ...(event.comment === undefined ? [] : [`Comment: ${event.comment}`]),
  ];
  const head = [`ldirectord host: ${host}`, `Daemon-Status: ${phase}`];
  const listed = events.slice(0, WRITTEN_OUT);
  if (events.length > listed.length) {
    const kinds = Map.groupBy(events, ({text}) => text.split(':')[0] ?? '');
    head.push(
      '',
      ...[...kinds].map(([kind, all]) => `${kind}: ${all.length}`),
      `The first ${listed.length}:`,
    );
  }
  return {
    to,
    from: from ?? `root@${host}`,
    ...(smtp === undefined ? {} : {smtp}),
    subject:
      events.length === 1 ? titled(first) : `${events.length} changes of real servers: ${titled(first)}, …`,
    text: `${[...head, '', ...listed.flatMap((event) => [...details(event), ''])].join('\n')}`,
  };
}
