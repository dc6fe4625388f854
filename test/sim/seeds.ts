/** Seeds and their simulated durations. */
import {makeScenario, type Scenario} from './scenario.ts';

/** Advert intervals, ms: from the benchmark's fastest to those common with heartbeat. */
export const keepalives = [10, 50, 200, 1_000, 2_000, 5_000, 10_000] as const;

const HOUR = 3_600_000;

/** The interval of a seed. */
const keepaliveOf = (seed: number): number => makeScenario(seed, 0, keepalives).config.keepalive;

/**
 * Scenarios of the seeds from `first` on, `hours` simulated hours in total. Every seed gets the same number of advert
 * intervals, so that a seed of 10 ms takes as much work, and has as many faults, as one of 10 s.
 */
export function scenarioOf(first: number, seeds: number, hours: number): (seed: number) => Scenario {
  let sum = 0;
  for (let seed = first; seed < first + seeds; seed += 1) sum += keepaliveOf(seed);
  const intervals = (hours * HOUR) / sum;
  return (seed) => makeScenario(seed, intervals * keepaliveOf(seed), keepalives);
}
