/**
 * Keeps what a report's timeline is drawn from: holders, roles, connections, requests. It must cost next to nothing, or it
 * is what the drill measures: connections come from the kernel's own table, roles from the states that the drill asks for
 * anyway, and only a director that nobody asked for a while is asked here.
 */
import type {DrillReport, RequestSample} from '../../src/drill/report.ts';
import type {StatusSnapshot} from '../../src/control/protocol.ts';
import {holderChanges} from '../lab/holders.ts';
import {directors, type Cluster} from './cluster.ts';

export type Timeline = Pick<DrillReport, 'holders' | 'roles' | 'connections' | 'requests'>;

const number = (hex: string): number => Number.parseInt(hex, 16);

/** Active connections by real server, as /proc/net/ip_vs has them: `  -> 0A63000B:0050      Route   1      4          0`. Pure. */
export function activeConnections(table: string): Record<string, number> {
  const active: Record<string, number> = {};
  for (const [, address = '', port = '', count] of table.matchAll(
    /^ +-> ([\dA-F]{8}):([\dA-F]{4}) +\S+ +\d+ +(\d+)/gm,
  )) {
    const name = `${(address.match(/../g) ?? []).map(number).join('.')}:${number(port)}`;
    active[name] = (active[name] ?? 0) + Number(count);
  }
  return active;
}

/** Follows a pair; times count from `began` (wall clock, milliseconds). `every`: between two looks into the kernel. */
export function recordTimeline(cluster: Cluster, began: number, every: number) {
  const roles: {at: number; director: string; role: string}[] = [];
  const connections: {at: number; active: Record<string, number>}[] = [];
  const requests: RequestSample[] = [];
  const last = new Map<string, {readonly role: string; readonly at: number}>();
  /** A director that was not asked for so long is asked by us. */
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
      // oxlint-disable no-await-in-loop -- two directors; a slow one delays nobody but this record.
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
    /** Of the client: `at` of each counts from `since`. */
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
