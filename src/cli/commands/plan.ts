import {ask} from '../../control/client.ts';
import type {PlanOutcome} from '../../control/answers.ts';
import {exit} from '../exit.ts';
import {renderPlan} from '../render/render-plan.ts';
import {jsonText, shownLine, shownText} from '../render/shown.ts';
import {LOAD_LIMIT_MS} from '../../system/limits.ts';

export const askPlan = (socket: string): Promise<PlanOutcome> =>
  ask(socket, {command: 'plan'}, LOAD_LIMIT_MS);

/** Prints the plan as text; diagnostics go to stderr. */
export function printPlan(plan: PlanOutcome): void {
  for (const text of plan.diagnostics) process.stderr.write(shownText(text) + '\n\n');
  const lines = renderPlan(plan.rows, process.stdout.columns ?? 100);
  process.stdout.write(lines.map((line) => line + '\n').join(''));
  if (plan.refused !== undefined) process.stdout.write(`refused: ${shownLine(plan.refused)}\n`);
}

/** `hactl plan`: what a reload would change; changes nothing. */
export async function plan(socket: string, options: {json?: boolean}): Promise<number> {
  const outcome = await askPlan(socket);
  if (options.json) process.stdout.write(jsonText({version: 1, ...outcome}) + '\n');
  else {
    printPlan(outcome);
    if (outcome.ok && outcome.rows.length === 0) process.stdout.write('no change\n');
    else if (!outcome.ok && outcome.refused === undefined)
      process.stdout.write('the files have errors: a reload would change nothing\n');
  }
  return outcome.ok ? exit.ok : exit.config;
}
