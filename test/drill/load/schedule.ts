/** When the requests of a load are due. Pure. */

/** Requests per second for a while; the last phase may last longer than planned. */
export interface Phase {
  readonly seconds: number;
  readonly rate: number;
}

/** Steps of a ramp: a load generator like Tsung has a constant rate in each phase. */
const STEPS = 4;

/** A ramp in equal steps to the rate, then that rate. `seconds` includes the ramp. Whole seconds: Tsung knows no others. */
export function rampPhases(rate: number, ramp: number, seconds: number): Phase[] {
  const start = (step: number): number => Math.round((ramp * step) / STEPS);
  const steps = Array.from({length: STEPS}, (_, step) => ({
    seconds: start(step + 1) - start(step),
    rate: (rate * (step + 1)) / (STEPS + 1),
  }));
  return [...steps.filter((step) => step.seconds > 0), {seconds: seconds - ramp, rate}];
}

/**
 * Milliseconds from the start of the load to each request, without end: the last phase goes on. Each is due anywhere within its
 * share of a second: at equal distances beside the drill's other client, a scheduler that takes turns would give all of them to
 * one server.
 */
export function* dueTimes(phases: readonly Phase[], random = Math.random): Generator<number, never> {
  let start = 0;
  for (const {seconds, rate} of phases.slice(0, -1)) {
    for (let count = 0; count < seconds * rate; count += 1) yield start + ((count + random()) * 1_000) / rate;
    start += seconds * 1_000;
  }
  const last = phases.at(-1);
  if (last === undefined) throw new Error('a load needs at least one phase');
  for (let count = 0; ; count += 1) yield start + ((count + random()) * 1_000) / last.rate;
}
