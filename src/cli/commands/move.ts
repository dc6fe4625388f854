import type {Move, MoveScope} from '@hactl/failover';
import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';
import type {MoveOutcome} from '../../control/protocol.ts';
import {jsonText, shownLine} from '../render/shown.ts';
import {MOVE_LIMIT_MS} from '../../system/limits.ts';

/** Requests a move and waits for its end. */
export const moveGroups = async (socket: string, kind: Move, scope: MoveScope): Promise<MoveOutcome> =>
  await ask(socket, {command: 'move', move: kind, scope}, MOVE_LIMIT_MS);

/** Its cost, as a line. */
export function moveText(kind: Move, scope: MoveScope, {ok, reason, overlap}: MoveOutcome): string {
  const both =
    overlap === undefined ? '' : `; both directors held the addresses for ${overlap.toFixed(1)} ms`;
  return `${kind} ${scope}: ${ok ? 'done' : 'NOT done'}: ${shownLine(reason)}${both}\n`;
}

/** `hactl standby|takeover|failback [local|foreign|all]`: moves groups, waits, and reports the cost. */
export async function move(
  socket: string,
  kind: Move,
  scope: MoveScope,
  options: {json?: boolean},
): Promise<number> {
  const outcome = await moveGroups(socket, kind, scope);
  process.stdout.write(
    options.json ? jsonText({version: 1, ...outcome}) + '\n' : moveText(kind, scope, outcome),
  );
  return outcome.ok ? exit.ok : exit.failed;
}
