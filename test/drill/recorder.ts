/**
 * Records the data of a report's timeline: holders, roles, connections, requests. It must cost next to nothing, or the drill
 * would measure the recorder: connections come from the kernel's table, roles from the statuses that the drill requests anyway;
 * only a director not polled for a while is polled here.
 */
import {isReservedAddress} from '@hactl/ipvs';
import type {DrillReport, RequestSample} from '../../src/drill/report.ts';
import type {StatusSnapshot} from '../../src/control/protocol.ts';
import {holderChanges} from '../lab/holders.ts';
import {directors, type Cluster} from './cluster.ts';

export type Timeline = Pick<DrillReport, 'holders' | 'roles' | 'connections' | 'requests'>;

const number = (hex: string): number => Number.parseInt(hex, 16);

/** Parses active connections by real server from /proc/net/ip_vs: `  -> 0A63000B:0050      Route   1      4          0`. Pure. */
export function activeConnections(table: string): Record<string, number> {
  const active: Record<string, number> = {};
  for (const [, address = '', port = '', count] of table.matchAll(
    /^ +-> ([\dA-F]{8}):([\dA-F]{4}) +\S+ +\d+ +(\d+)/gm,
  )) {
    const server = (address.match(/../g) ?? []).map(number).join('.');
    // Connection sync's own.
    if (isReservedAddress(server)) continue;
    const name = `${server}:${number(port)}`;
    active[name] = (active[name] ?? 0) + Number(count);
  }
  return active;
}

/** Records a pair; times count from `began` (wall clock, milliseconds). `every`: polling interval of the kernel's table. */
export function recordTimeline(cluster: Cluster, began: number, every: number) {
  const roles: {at: number; director: string; role: string}[] = [];
  const connections: {at: number; active: Record<string, number>}[] = [];
  const requests: RequestSample[] = [];
  const last = new Map<string, {readonly role: string; readonly at: number}>();
  /** A director not polled by the drill for this long is polled here. */
  const patience = 5 * every;
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;

  const noteRole = (director: string, snapshot: StatusSnapshot | undefined): void => {
    const at = Date.now() - began;
    const role = snapshot?.engine?.groups[0]?.role ?? 'gone';
    if (last.get(director)?.role !== role) roles.push({at, director, role});
    last.set(director, {role, at});
  };
  cluster.onStatus(noteRole);

  async function look(): Promise<void> {
    for (const name of directors) {
      // oxlint-disable no-await-in-loop -- two directors; a slow one delays only this recording.
      const alive = cluster.lives(name);
      const quietFor = Date.now() - began - (last.get(name)?.at ?? -Infinity);
      if (!alive) noteRole(name, undefined);
      else if (quietFor > patience) await cluster.status(name);
      if (alive && last.get(name)?.role === 'Active') {
        const table = await cluster.kernelTable(name);
        if (table !== undefined) connections.push({at: Date.now() - began, active: activeConnections(table)});
      }
      // oxlint-enable no-await-in-loop
    }
    if (!stopped) timer = setTimeout(() => void look(), every);
  }

  return {
    start: (): void => {
      stopped = false;
      void look();
    },
    stop: (): void => {
      stopped = true;
      clearTimeout(timer);
    },
    /** The client's requests; `at` of each counts from `since`. */
    requests: (samples: readonly RequestSample[], since: number): void => {
      for (const [at, took, server] of samples) requests.push([Math.round(since - began + at), took, server]);
    },
    taken: (): Timeline => ({
      holders: holderChanges(cluster.holdings).map(({at, director, holds}) => ({
        at: at - began,
        director,
        holds,
      })),
      roles,
      connections,
      requests: requests.toSorted((a, b) => a[0] - b[0]),
    }),
  };
}
