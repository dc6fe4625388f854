/** State, events and effects of the table. Pure. */
import type {Instant} from '@hactl/base';
import type {CheckReport, Late, ServiceLateness} from '@hactl/checks';
import type {LdirectordConfig, VerdictSettings, VirtualService} from '@hactl/config';
import {keyText, type Operation, type ServiceKey, type VirtualTable} from '@hactl/ipvs';
import type {Drift} from './entries.ts';
import type {Outcome, Refusal, Refusals} from './refusals.ts';
import {reportsFor, type Reports} from './reports.ts';
import {checkId} from './services.ts';
import type {Counting} from './views.ts';
import type {Warmth} from './weights.ts';

export interface TableConfig {
  readonly files: readonly LdirectordConfig[];
  readonly verdicts: VerdictSettings | undefined;
}

export interface TableState {
  readonly config: TableConfig;
  readonly startedAt: Instant;
  readonly reports: Reports;
  /** How late checks are begun, by the name of the virtual service. */
  readonly lateness: ReadonlyMap<string, Late>;
  /** Checks in quarantine. */
  readonly quarantined: ReadonlySet<string>;
  /** Real servers in maintenance, each with the reason, by check. */
  readonly held: ReadonlyMap<string, string>;
  /** Weights set by operators, by check. */
  readonly ordered: ReadonlyMap<string, number>;
  readonly warmth: Warmth;
  readonly counting: Counting;
  /** Services that this daemon added to the kernel or adopted: only these are ever deleted. By key. */
  readonly owned: ReadonlySet<string>;
  /** `closed`: the kernel's IPVS is unreachable. */
  readonly phase: 'closed' | 'idle' | 'reading' | 'applying';
  readonly dirty: boolean;
  /** What the next turn must read: `all`, or the services with new verdicts. */
  readonly due: 'all' | readonly ServiceKey[];
  /** The whole configuration was programmed at least once, apart from refused entries. */
  readonly programmed: boolean;
  /** Why the table cannot be read. */
  readonly problem?: string;
  /** When the table is read again without a trigger: somebody may have changed it manually. */
  readonly auditAt: Instant;
  /** When a server in slow start gets more weight. */
  readonly warmAt: Instant;
  /** Our services as this director left them. */
  readonly expected?: readonly VirtualTable[];
  readonly refusals: Refusals;
}

export type TableEvent =
  | {readonly type: 'table-config'; readonly config: TableConfig}
  | {readonly type: 'verdict'; readonly report: CheckReport}
  | {
      readonly type: 'reports';
      readonly reports: readonly CheckReport[];
      readonly services?: readonly ServiceLateness[];
      readonly quarantined?: readonly string[];
    }
  | {
      readonly type: 'overrides';
      readonly held: ReadonlyMap<string, string>;
      readonly ordered: ReadonlyMap<string, number>;
    }
  | {readonly type: 'ipvs-opened'}
  | {readonly type: 'ipvs-failed'; readonly reason: string}
  /** The whole table, or those of the requested services that exist. */
  | {
      readonly type: 'table-read';
      readonly table: readonly VirtualTable[];
      readonly only?: readonly ServiceKey[];
    }
  | {readonly type: 'table-failed'; readonly reason: string}
  | {readonly type: 'table-applied'; readonly outcomes: readonly Outcome[]}
  | {readonly type: 'tick'};

export type TableEffect =
  /** Answered by `table-read`. `only`: these services and no others. */
  | {readonly type: 'read-table'; readonly only?: readonly ServiceKey[]}
  /** In this order; a failed operation does not stop the others. Answered by `table-applied`. */
  | {readonly type: 'apply-table'; readonly operations: readonly Operation[]}
  /** Facts, for the log and the journal. */
  | {readonly type: 'table-changed'; readonly operation: Operation}
  | {readonly type: 'table-drifted'; readonly drift: readonly Drift[]}
  | {readonly type: 'entry-refused'; readonly refusal: Refusal}
  | {readonly type: 'entry-accepted'; readonly refusal: Refusal}
  | {readonly type: 'table-unreachable'; readonly reason: string}
  /** A server's certificate expires soon, a day less is left, or it was renewed. */
  | {readonly type: 'certificate-ends'; readonly report: CheckReport}
  | {readonly type: 'verdict-changed'; readonly report: CheckReport; readonly first: boolean}
  /** A turn of the table has ended: alerts may have changes to report. */
  | {readonly type: 'table-settled'};

export type TableTurn = [TableState, readonly TableEffect[]];

export const virtualsOf = ({files}: TableConfig): readonly VirtualService[] =>
  files.flatMap((file) => file.virtuals);

export const idsOf = (config: TableConfig): ReadonlySet<string> =>
  new Set(virtualsOf(config).flatMap((virtual) => virtual.reals.map((real) => checkId(virtual, real))));

/** `left`: services of this director's previous supervisor that are no longer in any file: to be deleted. */
export const initialTable = (
  config: TableConfig,
  now: Instant,
  left: readonly ServiceKey[] = [],
): TableState => ({
  config,
  startedAt: now,
  reports: reportsFor(idsOf(config)),
  lateness: new Map(),
  quarantined: new Set(),
  held: new Map(),
  ordered: new Map(),
  warmth: new Map(),
  counting: {},
  owned: new Set(left.map(keyText)),
  phase: 'closed',
  dirty: true,
  due: 'all',
  programmed: false,
  auditAt: Infinity,
  warmAt: Infinity,
  refusals: new Map(),
});
