/** Shrinks a failing scenario to the faults needed to make it fail. */
import {play, type Played} from './play.ts';
import type {Scenario} from './scenario.ts';
import type {Machine} from './world.ts';

/** At most `tries` runs. The result violates the same rule, with the fewest faults found. */
export function shrink(
  scenario: Scenario,
  machine: Machine,
  tries = 200,
): {scenario: Scenario; played: Played} {
  let best = scenario;
  let played = play(best, machine);
  const rule = played.violation?.rule;
  if (rule === undefined) return {scenario: best, played};
  let left = tries;
  // Faults after the violation are irrelevant.
  const at = (played.violation?.at ?? 0) - 1_000;
  best = {...best, troubles: best.troubles.filter((trouble) => trouble.at <= at), length: at + 1_000};
  for (let chunk = Math.ceil(best.troubles.length / 2); chunk >= 1 && left > 0;) {
    let cut = false;
    for (let from = 0; from < best.troubles.length && left > 0;) {
      left -= 1;
      const troubles = best.troubles.toSpliced(from, chunk);
      const candidate = {...best, troubles};
      const result = play(candidate, machine);
      if (result.violation?.rule === rule) {
        best = candidate;
        played = result;
        cut = true;
      } else from += chunk;
    }
    if (!cut) chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2);
  }
  return {scenario: best, played};
}
