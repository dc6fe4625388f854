import {ask} from '../../control/client.ts';
import type {StatusSnapshot} from '../../control/protocol.ts';
import {CliError, exit} from '../exit.ts';
import {type MoveOutcome} from '../../control/protocol.ts';
import {moveGroups, moveText} from './move.ts';
import {jsonText} from '../render/shown.ts';
import {ASK_LIMIT_MS, PAIR_READY_LIMIT_MS} from '../../system/limits.ts';

const LOOK_EVERY = 200;

const look = (socket: string): Promise<StatusSnapshot> => ask(socket, {command: 'status'}, ASK_LIMIT_MS);

/** May this director take its groups back? It has just given them away, and has to be in sync again. */
async function readyAgain(socket: string): Promise<void> {
  const end = performance.now() + PAIR_READY_LIMIT_MS;
  // oxlint-disable no-await-in-loop -- this loop is the waiting.
  while (!(await look(socket)).ready.ready && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  // oxlint-enable no-await-in-loop
}

/** `hactl drill`: standby, then failback, on the running pair; what each cost. Stops where something is not done. */
export async function drill(socket: string, options: {json?: boolean}): Promise<number> {
  const {engine} = await look(socket);
  if (!engine) throw new CliError(exit.failed, 'this director has no ha.cf: there is no peer to drill with');
  const steps: ({readonly move: string} & MoveOutcome)[] = [];
  for (const kind of ['standby', 'failback'] as const) {
    // oxlint-disable no-await-in-loop -- there, and back.
    if (steps.length > 0) await readyAgain(socket);
    const outcome = await moveGroups(socket, kind, 'all');
    // oxlint-enable no-await-in-loop
    const {ok, reason, overlap} = outcome;
    steps.push({
      move: kind,
      ok,
      reason,
      ...(overlap === undefined ? {} : {overlap}),
    });
    if (!options.json) process.stdout.write(moveText(kind, 'all', outcome));
    if (!ok) break;
  }
  const ok = steps.length === 2 && steps.every((step) => step.ok);
  if (options.json) process.stdout.write(jsonText({version: 1, ok, steps}) + '\n');
  return ok ? exit.ok : exit.failed;
}
