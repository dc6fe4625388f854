/**
 * What a change means outside of the kernel's table: mails, fallback commands, lines in monitor files, reals held by
 * maintenance directories. What to do is decided in alerts.ts, fallback-command.ts, maintenance.ts; here it is done.
 */
import {appendFile} from 'node:fs/promises';
import type {Clock, Instant} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {LdirectordConfig, OutsideAlerts} from '@hactl/config';
import type {Transition} from '@hactl/failover';
import {type Mail} from '../system/mail.ts';
import {
  alertStep,
  composeMail,
  enqueue,
  stopEvents,
  takeDue,
  type AlertEvent,
  type AlertMemory,
  type Outbox,
  type Phase,
} from './alerts.ts';
import {fallbackStep, type FallbackMemory} from './fallback-command.ts';
import type {Log} from '../system/log.ts';
import {inMaintenance, MAINTENANCE_REASON} from '../operators/maintenance.ts';
import {watchMaintenance} from '../operators/maintenance-watch.ts';
import {monitorLine} from './monitor-line.ts';
import {censusOf, noticeOfTransition, noticeStep, nothingKnown, type NoticeMemory} from './notices.ts';
import {makeNotifier} from './notify.ts';
import {checkId} from '../table/services.ts';
import {makeCommandQueue} from '../system/shell.ts';
import {viewsOf, type Counting, type VirtualView} from '../table/views.ts';

export interface OutwardOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** This machine's name, for mails. */
  readonly node: string;
  readonly sendMail: (mail: Mail) => Promise<void>;
  /** The checks' word with the operator's over it. */
  readonly judged: () => ReadonlyMap<string, CheckReport>;
  /** Does this director serve? The one that stands by sends no mail and runs no command. */
  readonly acting: () => boolean;
  readonly counting: () => Counting;
  /** The files in a maintenance directory changed: the table must be looked at again. */
  readonly heldChanged: () => void;
}

export interface Outward {
  /** Takes files into use; while their reals are checked for the first time the phase is `reloading`. */
  configure(files: readonly LdirectordConfig[], alerts?: OutsideAlerts): void;
  /** Reals in maintenance, each with the reason. */
  readonly held: ReadonlyMap<string, string>;
  /** Something is different: tells who must be told. */
  changed(): void;
  /** A group has another role here: both directors say so, each of itself. */
  transition(transition: Transition): void;
  /** Fresh reports of the checks: one line each in the monitor files. */
  reported(reports: readonly CheckReport[]): void;
  /** How often fresh reports are needed; undefined: nobody keeps a monitor file. */
  readonly reportEvery: number | undefined;
  /** Says the last word: mails of the stop, fallback commands undone. */
  stop(): Promise<void>;
}

const REMIND_EVERY = 1_000;
const LAST_MAIL_LIMIT = 5_000;

export function makeOutward(options: OutwardOptions): Outward {
  const {clock, log} = options;
  let files: readonly LdirectordConfig[] = [];
  let listened = false;
  let phase: Phase = 'starting';
  let alerts: AlertMemory = new Map();
  let fallbacks: FallbackMemory = new Map();
  let outbox: Outbox = new Map();
  let timer: NodeJS.Timeout | undefined;
  let held = new Map<string, string>();
  const written = new Map<string, number>();
  const commands = makeCommandQueue(log);

  const views = (): VirtualView[] => viewsOf(files, options.judged(), options.counting());

  let noticed: NoticeMemory = nothingKnown;
  const notifier = makeNotifier({clock, log, node: options.node, census: () => censusOf(views())});

  async function mailOut(batch: readonly AlertEvent[]): Promise<void> {
    const mail = composeMail(batch, options.node, phase);
    if (!mail) return;
    try {
      await options.sendMail(mail);
      log('info', `emailalert: ${mail.subject}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('error', `cannot send mail to ${mail.to.join(', ')}: ${reason} (${mail.subject})`);
    }
  }

  function flush(all = false): Promise<unknown> {
    clearTimeout(timer);
    const due = takeDue(outbox, clock.now(), all);
    ({outbox} = due);
    if (due.nextAt !== undefined) wake(due.nextAt);
    return Promise.all(due.batches.map(mailOut));
  }
  function wake(at: Instant): void {
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), Math.max(0, at - clock.now()));
  }

  function tell(events: readonly AlertEvent[]): void {
    if (events.length === 0 || !options.acting()) return;
    outbox = enqueue(outbox, events, clock.now());
    const {nextAt} = takeDue(outbox, -Infinity);
    if (nextAt !== undefined) wake(nextAt);
  }

  function runFallbacks(now: readonly VirtualView[], acting: boolean): void {
    const step = fallbackStep(fallbacks, now, acting);
    fallbacks = step.memory;
    for (const {virtual, line} of step.runs) void commands.shell(virtual, line);
  }

  function changed(): void {
    // With ten thousand reals and nobody to tell, nothing is looked at.
    if (!listened && !notifier.listens) return;
    const now = views();
    if (notifier.listens) {
      const told = noticeStep(noticed, now, clock.wall(), options.acting());
      noticed = told.memory;
      notifier.tell(told.notices);
    }
    const step = alertStep(alerts, now, phase, clock.now());
    alerts = step.memory;
    tell(step.events);
    runFallbacks(now, options.acting());
    if (now.every(({reals}) => reals.every(({state}) => state !== 'unknown'))) phase = 'running';
  }
  const reminder = setInterval(() => {
    if (files.some((file) => file.virtuals.some(({email}) => email.frequency > 0))) changed();
  }, REMIND_EVERY);
  reminder.unref();

  function findHeld(): void {
    const next = new Map<string, string>();
    for (const {maintenanceDir, virtuals} of files) {
      if (maintenanceDir === undefined) continue;
      const there = watcher.files(maintenanceDir);
      for (const virtual of virtuals) {
        const own = virtual.address.kind === 'address' ? virtual.address.port : 0;
        for (const real of virtual.reals)
          if (inMaintenance(real, real.port || own, there, watcher.hostNames(real.address)))
            next.set(checkId(virtual, real), MAINTENANCE_REASON);
      }
    }
    const same = next.size === held.size && [...next.keys()].every((id) => held.has(id));
    if (same) return;
    for (const id of next.keys()) if (!held.has(id)) log('info', `${id}: ${MAINTENANCE_REASON}`);
    for (const id of held.keys()) if (!next.has(id)) log('info', `${id}: maintenance is over`);
    held = next;
    options.heldChanged();
  }
  const watcher = watchMaintenance({log, changed: findHeld, now: () => clock.now()});

  function reported(reports: readonly CheckReport[]): void {
    const byId = new Map(reports.map((report) => [report.id, report]));
    for (const {virtual, reals} of views()) {
      const {monitorFile} = virtual;
      if (monitorFile === undefined) continue;
      const fresh = reals.flatMap((view) => {
        const report = byId.get(view.id);
        if (!report || report.checks === 0 || written.get(view.id) === report.checks) return [];
        written.set(view.id, report.checks);
        return [
          monitorLine(virtual, view, {...report, state: view.state}, new Date(clock.wall()), process.pid),
        ];
      });
      if (fresh.length > 0)
        void appendFile(monitorFile, fresh.join('')).catch((error: unknown) =>
          log('error', `monitorfile ${monitorFile}: ${String(error)}`),
        );
    }
  }

  return {
    configure: (next, outside) => {
      notifier.configure(outside);
      if (files.length > 0) phase = 'reloading';
      files = next;
      listened = files.some((file) =>
        file.virtuals.some((one) => one.email.to.length > 0 || one.fallbackCommand !== undefined),
      );
      // What the last configuration started must still be undone.
      if (fallbacks.size > 0) listened = true;
      watcher.configure(
        files.flatMap(({maintenanceDir}) => maintenanceDir ?? []),
        files.flatMap((file) =>
          file.maintenanceDir === undefined
            ? []
            : file.virtuals.flatMap((virtual) => virtual.reals.map((real) => real.address)),
        ),
      );
      findHeld();
    },
    get held() {
      return held;
    },
    changed,
    transition: (transition) => notifier.tell([noticeOfTransition(transition)]),
    reported,
    get reportEvery() {
      const intervals = files.flatMap((file) =>
        file.virtuals.flatMap((one) => (one.monitorFile === undefined ? [] : [one.checkInterval])),
      );
      return intervals.length === 0 ? undefined : Math.min(...intervals) / 2;
    },
    stop: async () => {
      clearInterval(reminder);
      watcher.close();
      const last = views();
      phase = 'stopping';
      tell(stopEvents(last));
      runFallbacks(last, false);
      const limit = new Promise((resolve) => setTimeout(resolve, LAST_MAIL_LIMIT).unref());
      await Promise.race([Promise.all([flush(true), commands.idle(), notifier.stop()]), limit]);
      clearTimeout(timer);
    },
  };
}
