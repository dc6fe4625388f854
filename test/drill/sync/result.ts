/** The result of a drill, and its rendering. Pure. */
import type {ClientReport} from './frame.ts';
import type {TableDifference} from './tables.ts';

export interface Lost {
  readonly streams: number;
  readonly broken: number;
  readonly moved: number;
}

const sum = (report: ClientReport, what: 'idle' | 'busy' | 'broken' | 'moved', service?: string): number =>
  report.services.reduce(
    (all, one) => all + (service === undefined || one.service === service ? one[what] : 0),
    0,
  );

/** Streams in total and lost, of one service or of all. */
export const lostOf = (report: ClientReport, service?: string): Lost => ({
  streams: sum(report, 'idle', service) + sum(report, 'busy', service),
  broken: sum(report, 'broken', service),
  moved: sum(report, 'moved', service),
});

/** One move of the address. */
export interface MoveResult {
  readonly what: 'failover' | 'failback';
  /** Streams lost in this move, of those alive before it, by service. */
  readonly lost: Readonly<Record<string, Lost>>;
  /** Time until the other director had the address, ms. */
  readonly took: number;
  /** Longest wait for an answer, ms. */
  readonly longest: number;
}

export interface DrillResult {
  readonly drill: string;
  readonly pair: string;
  readonly moves: readonly MoveResult[];
  readonly failures: readonly string[];
  /** Losses are figures, not failures: keepalived's pair. */
  readonly judged: boolean;
}

export const moveResult = (
  what: MoveResult['what'],
  before: ClientReport,
  after: ClientReport,
  took: number,
): MoveResult => ({
  what,
  took,
  longest: after.longest,
  lost: Object.fromEntries(
    before.services.map(({service}) => {
      const [then, now] = [lostOf(before, service), lostOf(after, service)];
      return [
        service,
        {
          streams: then.streams - then.broken,
          broken: now.broken - then.broken,
          moved: now.moved - then.moved,
        },
      ];
    }),
  ),
});

export const totalLost = (move: MoveResult): number =>
  Object.values(move.lost).reduce((all, {broken, moved}) => all + broken + moved, 0);

export const describeMove = (move: MoveResult): string =>
  `${move.what}: ${Object.entries(move.lost)
    .map(
      ([service, {streams, broken, moved}]) =>
        `${service} ${broken} of ${streams} broken${moved > 0 ? `, ${moved} on another real server` : ''}`,
    )
    .join(
      '; ',
    )} (address moved after ${(move.took / 1_000).toFixed(1)} s, longest wait for an answer ${(move.longest / 1_000).toFixed(1)} s)`;

export function describeTables({same, onlyFirst, onlySecond, ending}: TableDifference): string {
  const some = [...onlyFirst, ...onlySecond].slice(0, 3);
  return (
    `ipvsadm -Lnc: ${same} living connections in both, ${onlyFirst.length} only in director1, ${onlySecond.length} only in director2` +
    (ending > 0 ? `, ${ending} ending ones in one only` : '') +
    (some.length > 0 ? ` (${some.join(', ')} …)` : '')
  );
}

/** A table of all drills. */
export function renderResults(results: readonly DrillResult[]): string[] {
  const rows = results.map((result) => {
    const lost = (what: string): string => {
      const move = result.moves.filter((one) => one.what === what);
      const streams = move.reduce(
        (all, one) => all + Object.values(one.lost).reduce((count, service) => count + service.streams, 0),
        0,
      );
      return move.length === 0 ? '-' : `${move.reduce((all, one) => all + totalLost(one), 0)} of ${streams}`;
    };
    return [
      result.drill,
      result.pair,
      lost('failover'),
      lost('failback'),
      result.failures.length > 0 ? 'FAILED' : result.judged ? 'passed' : 'not judged',
    ];
  });
  const table = [['drill', 'directors', 'broken at failover', 'at failback', 'verdict'], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
