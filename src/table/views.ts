/** The current view of each virtual service and its real servers, for alerts and fallback commands. Pure. */
import type {Instant} from '@hactl/base';
import type {CheckReport, CheckState} from '@hactl/checks';
import type {LdirectordConfig, RealServer, VerdictSettings, VirtualService} from '@hactl/config';
import {checkId} from './services.ts';
import {belowQuorum, type Weights} from './weights.ts';

export interface RealView {
  readonly id: string;
  readonly real: RealServer;
  readonly state: CheckState;
  readonly reason: string;
}

export interface VirtualView {
  readonly file: LdirectordConfig;
  readonly virtual: VirtualService;
  readonly reals: readonly RealView[];
  /** Whether no real server would get traffic. undefined: not known yet. */
  readonly inFallback: boolean | undefined;
  /** Whether this director speaks for it. If each of the two serves part of the farm, each speaks for its own part. */
  readonly acting: boolean;
}

/** Weights other than the configured ones, and how many real servers are enough. */
export interface Counting {
  readonly weights?: Weights['weights'];
  readonly quorum?: VerdictSettings['quorum'];
}

function inFallback(
  virtual: VirtualService,
  reals: readonly RealView[],
  {weights, quorum}: Counting,
): boolean | undefined {
  // checktype=off: ldirectord touches neither real servers nor fallback.
  if (virtual.checkType.kind === 'off') return false;
  const serving = reals.filter(
    ({id, state, real}) => state === 'up' && (weights?.get(id) ?? real.weight) > 0,
  ).length;
  if (serving > 0 && !belowQuorum(virtual, serving, quorum)) return false;
  return reals.some(({state}) => state === 'unknown') ? undefined : true;
}

/** One view for each virtual service of each file. `reports` and the weights already include the operators' overrides. */
export const viewsOf = (
  files: readonly LdirectordConfig[],
  reports: ReadonlyMap<string, CheckReport>,
  counting: Counting = {},
  speaksFor: (virtual: VirtualService) => boolean = () => true,
): VirtualView[] =>
  files.flatMap((file) =>
    file.virtuals.map((virtual) => {
      const reals = virtual.reals.map((real) => {
        const id = checkId(virtual, real);
        const report = reports.get(id);
        return {id, real, state: report?.state ?? 'unknown', reason: report?.reason ?? 'not checked yet'};
      });
      return {
        file,
        virtual,
        reals,
        inFallback: inFallback(virtual, reals, counting),
        acting: speaksFor(virtual),
      };
    }),
  );

/** The checks' verdicts with the operators' overrides: a real server in maintenance is down. */
export function judgedReports(
  reports: ReadonlyMap<string, CheckReport>,
  existing: ReadonlyMap<string, string>,
  startedAt: Instant,
): ReadonlyMap<string, CheckReport> {
  if (existing.size === 0) return reports;
  const all = new Map(reports);
  for (const [id, reason] of existing) {
    const report = reports.get(id) ?? {id, failures: 0, checks: 0, took: 0, at: startedAt};
    all.set(id, {...report, state: 'down', reason});
  }
  return all;
}
