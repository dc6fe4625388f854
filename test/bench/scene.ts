/** Shared by the benchmarks: a 2 kHz probe of the VIP, its holders, nft rules. */
import {addressChange, holderTimes, watchCommand, type Holding} from '../lab/holders.ts';
import {markerOf} from '../drill/probe.ts';
import {until} from '../lab/until.ts';
import {libraries, toolPath, type Lab} from '../lab/packages.ts';
import type {NamespaceSite} from '../lab/namespaces.ts';
import {directors, type Director} from './subjects.ts';

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The cost of one event. */
export interface Cost {
  readonly outage: number;
  readonly lost: number;
  readonly both: number;
  readonly neither: number;
}

/**
 * How probe and echo run. `first`: they stand for other machines, neither the measured programs nor the bench delay them (a probe that
 * did not run for 11 ms was counted as 11 ms of outage). `ordinary`: they leave the real-time share of the processors to the
 * measured programs; two pairs' probes would use it up, and the kernel then stops all real-time processes for a while.
 */
const priorities = {first: ['chrt', '--fifo', '20'], ordinary: ['nice', '-n', '-15']} as const;

export type Scene = Awaited<ReturnType<typeof openScene>>;

/** Starts the echo servers, the probe and the address monitors. */
export async function openScene(site: NamespaceSite, lab: Lab, priority: keyof typeof priorities = 'first') {
  const prompt = priorities[priority];
  const holdings: Holding[] = [];
  const isolated = new Set<Director>();
  const holding = new Set<Director>();
  let changes = 0;
  const udp = `${site.checkout}/test/drill/udp.ts`;
  const nft = toolPath(lab.tree, 'nft');
  const run = async (director: Director, argv: readonly string[]): Promise<void> => {
    const {status, stderr} = await site.run(director, argv);
    if (status !== 0) throw new Error(`${argv.join(' ')} on ${director}: ${stderr}`);
  };
  const rule = (director: Director, words: string): Promise<void> =>
    run(director, ['env', `LD_LIBRARY_PATH=${libraries(lab.tree).LD_LIBRARY_PATH}`, nft, words]);
  for (const director of directors) {
    // oxlint-disable no-await-in-loop -- one director after the other.
    await site.start(director, [...prompt, site.node, udp, 'echo'], `${site.root}/${director}-echo.log`);
    await rule(
      director,
      'add table inet bench; add chain inet bench in { type filter hook input priority 0; }',
    );
    const watch = await site.start(director, watchCommand, `${site.root}/${director}-addresses.log`);
    // oxlint-enable no-await-in-loop
    watch.onLine((line) => {
      const change = addressChange(line, site.vip);
      if (!change) return;
      const {at, holds} = change;
      // A renewed lease is not a change.
      if (holds !== holding.has(director)) changes += 1;
      if (holds) holding.add(director);
      else holding.delete(director);
      if (!isolated.has(director)) holdings.push({at, director, holds});
    });
  }
  const probe = await site.start(
    'client',
    [...prompt, site.node, udp, 'probe', site.vip, '2'],
    `${site.root}/probe.log`,
  );
  const mark = markerOf(probe);
  return {
    holds: (director: Director): boolean => holding.has(director),
    alone: (director: Director): boolean => holding.size === 1 && holding.has(director),
    waitFor: (what: string, probeOf: () => boolean, limit = 20_000): Promise<boolean> =>
      until(what, limit, probeOf, 5),
    /** Milliseconds from an instant until a director first released the VIP; Infinity: it has not. */
    releasedAfter: (director: Director, at: number): number =>
      (holdings.find((holding) => holding.director === director && !holding.holds && holding.at >= at)?.at ??
        Infinity) - at,
    /** Number of additions and removals of the VIP since the start. */
    changes: (): number => changes,
    /** Drops matching packets received by a director. */
    drop: (director: Director, what: string): Promise<void> =>
      rule(director, `add rule inet bench in ${what} drop`),
    undrop: (director: Director): Promise<void> => rule(director, 'flush chain inet bench in'),
    /** Marks a director as cut off: its kernel's addresses no longer count. */
    isolate: async (director: Director): Promise<void> => {
      await site.cutLink(director);
      isolated.add(director);
      holdings.push({at: Date.now(), director, holds: false});
    },
    rejoin: async (director: Director): Promise<void> => {
      isolated.delete(director);
      if (holding.has(director)) holdings.push({at: Date.now(), director, holds: true});
      await site.restoreLink(director);
    },
    /** Starts the next measurement with the current holders. */
    forget: (): void => {
      holdings.length = 0;
      for (const director of holding) holdings.push({at: 0, director, holds: true});
    },
    /** Runs an event and returns its cost, measured until `after` ms after its end. */
    measure: async (work: () => Promise<void>, after = 300): Promise<Cost> => {
      await pause(200);
      await mark();
      const from = Date.now();
      await work();
      await pause(after);
      const to = Date.now();
      const {outage, lost} = await mark();
      return {outage, lost, ...holderTimes(holdings, from, to)};
    },
  };
}
