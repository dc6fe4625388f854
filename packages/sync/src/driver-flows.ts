/**
 * Moves the UDP flows of failed servers (flows.ts). With connection sync the mirror knows the flows, and the injector is open.
 * Without, the kernel's list is read, and a backup daemon runs on `lo` for as long as the kernel takes to receive the entries.
 */
import {setTimeout as pause} from 'node:timers/promises';
import type {IpvsClient, ObservedService} from '@hactl/ipvs';
import {addressBytes, allowMulticast} from '@hactl/net';
import {BACKUP_MAXLEN, FLOWS_SYNCID} from './control.ts';
import {openInjector, type Injector} from './driver-injector.ts';
import {findInterface, KERNEL_PORT, LO, SYNC_GROUP} from './driver-link.ts';
import {readConnections} from './driver-proc.ts';
import type {SyncNode} from './driver.ts';
import {INJECTED_AT_ONCE, messageOf, piecesOf} from './entry.ts';
import {entriesToMove, readEntry, routesOf, type Reading, type Routes} from './flows.ts';
import type {FailedServer} from './messages.ts';
import {entryOfLine, methodsOf} from './proc-table.ts';

/** After a pass that found flows: some may have moved while the kernel listed them. In ms. */
const SOON = 1_000;
/** While a failed server is in the table: a persistence template may send it new clients. */
const LATER = 30_000;
/** Share of one processor for reading the kernel's list. */
const SHARE = 0.25;
const SLOW_SHARE = 0.02;
/** How long the kernel may take for the entries. */
const LIST_LIMIT_MS = 10_000;

export interface FlowPorts {
  ipvs(): Promise<IpvsClient>;
  /** undefined: no connection sync. */
  node(): SyncNode | undefined;
  /** Whether the kernel's sync daemons are somebody else's business: they are configured. */
  keepsDaemons(): boolean;
  log(level: 'warn' | 'info' | 'debug', message: string): void;
}

export interface Flows {
  configure(failed: readonly FailedServer[]): void;
  /** Resolves when no daemon of ours is left. */
  close(): Promise<void>;
}

/** Resolves when the kernel has them all; rejects after the limit. */
function injectAll(injector: Injector, entries: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the kernel does not receive them')), LIST_LIMIT_MS);
    const messages = piecesOf(entries, INJECTED_AT_ONCE).map((piece) => messageOf(0, piece));
    let left = messages.length;
    const done = (): void => {
      left -= 1;
      if (left > 0) return;
      clearTimeout(timer);
      resolve();
    };
    for (const message of messages) injector.add({message, done});
  });
}

/** Without connection sync: through a backup daemon of ours, or through one that the administrator started. */
async function injectAlone(ports: FlowPorts, entries: readonly Buffer[]): Promise<void> {
  const ipvs = await ports.ipvs();
  const running = (await ipvs.syncDaemons()).find(({role}) => role === 'backup');
  const daemon = running ?? {role: 'backup', interface: 'lo', syncid: FLOWS_SYNCID, maxlen: BACKUP_MAXLEN};
  const onLo = daemon.interface === 'lo';
  const isOurs = onLo && daemon.syncid === FLOWS_SYNCID;
  allowMulticast(LO);
  if (!running) await ipvs.startSyncDaemon({...daemon, role: 'backup'});
  try {
    const injector = await openInjector({
      group: SYNC_GROUP,
      port: KERNEL_PORT,
      source: onLo ? '127.0.0.1' : findInterface(daemon.interface).address,
      ttl: onLo ? 1 : 0,
      syncid: daemon.syncid,
    });
    try {
      await injectAll(injector, entries);
    } finally {
      injector.close();
    }
  } finally {
    // Connection sync may have been configured meanwhile.
    if (isOurs && !ports.keepsDaemons()) await ipvs.stopSyncDaemon('backup');
  }
}

/** The flows to move, from the kernel's list; `moved`: those that earlier passes moved. */
async function readFlows(
  services: readonly ObservedService[],
  routes: Routes,
  moved: ReadonlySet<string>,
  stopped: () => boolean,
  share: number,
): Promise<Reading> {
  const forward = methodsOf(services, addressBytes);
  const reading: Reading = {moving: new Map(), arrived: new Set()};
  await readConnections(
    (line) => {
      if (!line.startsWith('UDP')) return;
      const entry = entryOfLine(line, forward, 'masq')?.entry;
      if (entry) readEntry(reading, routes, moved, Buffer.from(entry));
    },
    stopped,
    share,
  );
  return reading;
}

export function openFlows(ports: FlowPorts): Flows {
  const ended = new AbortController();
  const stopped = (): boolean => ended.signal.aborted;
  let failed: readonly FailedServer[] = [];
  /** Wakes the loop from its pause. */
  let wake: AbortController | undefined;
  let due = false;
  let running: Promise<void> | undefined;
  /** Flows that were moved, until the kernel lists none at a failed server. */
  let moved: ReadonlySet<string> = new Set();

  /** The number of flows that moved. */
  const pass = async (share: number): Promise<number> => {
    const services = await (await ports.ipvs()).list();
    const node = ports.node();
    const routes = routesOf(services, failed, node === undefined, addressBytes);
    if (routes.size === 0) return 0;
    if (node) return node.moveFlows(routes);
    if (ports.keepsDaemons()) return 0;
    const reading = await readFlows(services, routes, moved, stopped, share);
    const entries = entriesToMove(reading);
    moved = new Set(reading.moving.keys());
    if (entries.length > 0) await injectAlone(ports, entries);
    return entries.length / 2;
  };

  const run = async (): Promise<void> => {
    let share = SHARE;
    while (!stopped()) {
      due = false;
      let count = 0;
      let problem = false;
      // oxlint-disable no-await-in-loop -- one pass after another, with a pause.
      try {
        count = await pass(share);
        if (count > 0)
          ports.log('info', `${count} UDP flows of failed servers moved to servers that get traffic`);
      } catch (error) {
        problem = true;
        ports.log('debug', `UDP flows of failed servers: ${String(error)}`);
      }
      if (!due) {
        const again = count > 0 || problem;
        if (!again && failed.length === 0) return;
        share = again ? SHARE : SLOW_SHARE;
        wake = new AbortController();
        await pause(again ? SOON : LATER, undefined, {signal: wake.signal, ref: false}).catch(
          () => undefined,
        );
      }
      // oxlint-enable no-await-in-loop
      if (due) share = SHARE;
    }
  };

  return {
    configure: (next) => {
      failed = next;
      due = true;
      wake?.abort();
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    close: async () => {
      ended.abort();
      wake?.abort();
      await running;
    },
  };
}
