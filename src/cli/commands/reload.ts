import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';
import {askPlan, printPlan} from './plan.ts';
import {jsonText, shownText} from '../render/shown.ts';
import {LOAD_LIMIT_MS} from '../../system/limits.ts';

const KEPT = 'not reloaded: the running configuration, table and addresses stay as they are\n';

/** `hactl reload`: shows what changes, then the daemon reads its files again; a broken file changes nothing. */
export async function reload(socket: string, options: {json?: boolean}): Promise<number> {
  if (!options.json) {
    const plan = await askPlan(socket);
    printPlan(plan);
    if (!plan.ok) {
      process.stdout.write(KEPT);
      return exit.config;
    }
  }
  const outcome = await ask(socket, {command: 'reload'}, LOAD_LIMIT_MS);
  if (options.json) process.stdout.write(jsonText({version: 1, ...outcome}) + '\n');
  else if (!outcome.ok) {
    for (const text of outcome.diagnostics) process.stderr.write(shownText(text) + '\n\n');
    process.stdout.write(KEPT);
  } else {
    const count = outcome.changes.length;
    process.stdout.write(
      `reloaded: ${count === 0 ? 'no change' : `${count} change${count === 1 ? '' : 's'}`}\n`,
    );
  }
  return outcome.ok ? exit.ok : exit.config;
}
