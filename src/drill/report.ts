/** A drill's report: a JSON document, from which the table and the page are generated. Pure. */
import type {Expected} from './event.ts';
import type {LoadReport} from './load-report.ts';

/** The result of an event. Times in milliseconds; `from` and `to` count from the start of the drill. */
export interface EventResult {
  readonly event: string;
  readonly from: number;
  readonly to: number;
  readonly outage: number;
  readonly requests: number;
  readonly lost: number;
  readonly streams: number;
  readonly broken: number;
  readonly both: number;
  readonly neither: number;
  /** `lost` is null where it is unlimited: JSON has no infinity. */
  readonly expected?: Omit<Expected, 'lost' | 'both'> & {
    readonly lost: number | null;
    readonly both: number | null;
  };
  readonly note: string;
  /** Violated expectations, and statuses that contradicted the kernel. */
  readonly failures: readonly string[];
}

/** A request: start, duration, and the real server that answered; null: lost. */
export type RequestSample = readonly [at: number, took: number, server: string | null];

export interface DrillReport {
  readonly version: 1;
  /** The site: namespaces, vagrant, pair. */
  readonly site: string;
  /** Wall clock, ISO 8601. */
  readonly began: string;
  /** Milliseconds from the first event to the last. */
  readonly length: number;
  readonly passed: boolean;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly events: readonly EventResult[];
  /** Changes of the VIP's holders. */
  readonly holders: readonly {readonly at: number; readonly director: string; readonly holds: boolean}[];
  /** Changes of role, as each director reports it; `gone`: no answer. */
  readonly roles: readonly {readonly at: number; readonly director: string; readonly role: string}[];
  /** Active connections of each real server on the director that holds the VIP. */
  readonly connections: readonly {readonly at: number; readonly active: Readonly<Record<string, number>>}[];
  readonly requests: readonly RequestSample[];
  /** Only of a drill under load. */
  readonly load?: LoadReport;
}

/** Represents Infinity in JSON. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Percentile of sorted values (nearest rank); undefined without values. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export interface Percentiles {
  readonly count: number;
  readonly lost: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly most: number;
  /** Requests answered by each real server. */
  readonly servers: Readonly<Record<string, number>>;
}

/** Statistics of the requests started between `from` and `to`. */
export function percentilesOf(requests: readonly RequestSample[], from: number, to: number): Percentiles {
  const those = requests.filter(([at]) => at >= from && at <= to);
  const took = those.filter(([, , server]) => server !== null).map(([, time]) => time);
  took.sort((a, b) => a - b);
  const servers: Record<string, number> = {};
  for (const [, , server] of those) if (server !== null) servers[server] = (servers[server] ?? 0) + 1;
  const of = (share: number): number => percentile(took, share) ?? 0;
  return {
    count: those.length,
    lost: those.length - took.length,
    p50: of(0.5),
    p90: of(0.9),
    p99: of(0.99),
    most: took.at(-1) ?? 0,
    servers,
  };
}

/** An event in two reports. */
export interface Difference {
  readonly event: string;
  readonly outage: readonly [before: number, now: number];
  readonly lost: readonly [before: number, now: number];
  readonly broken: readonly [before: number, now: number];
  readonly verdict: 'same' | 'mended' | 'failed now';
}

/** The events common to both reports, in the order of the new one. */
export function compareReports(before: DrillReport, now: DrillReport): Difference[] {
  return now.events.flatMap((event) => {
    const old = before.events.find((result) => result.event === event.event);
    if (!old) return [];
    const [failed, fails] = [old.failures.length > 0, event.failures.length > 0];
    return [
      {
        event: event.event,
        outage: [old.outage, event.outage],
        lost: [old.lost, event.lost],
        broken: [old.broken, event.broken],
        verdict: failed === fails ? 'same' : fails ? 'failed now' : 'mended',
      },
    ];
  });
}

const isLoad = (value: unknown): value is LoadReport => {
  const {seconds, spans, cpu} = (value ?? {}) as Partial<LoadReport>;
  return [seconds, spans, cpu?.samples].every(Array.isArray);
};

/** Whether this is a report of this version: a file may contain anything. */
export function isReport(value: unknown): value is DrillReport {
  if (typeof value !== 'object' || value === null) return false;
  const {version, began, events, holders, roles, connections, requests, load} = value as Record<
    string,
    unknown
  >;
  const eventLike = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as EventResult).event === 'string' &&
    Array.isArray((value as EventResult).failures);
  return (
    version === 1 &&
    typeof began === 'string' &&
    Array.isArray(events) &&
    events.every(eventLike) &&
    [holders, roles, connections, requests].every(Array.isArray) &&
    (load === undefined || isLoad(load))
  );
}
