import type {Move, MoveScope} from '@hactl/failover';
import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';

/** A planned move waits for its end; the engine has its own, shorter limit. */
const MOVE_LIMIT = 60_000;

export interface MoveOutcome {
  readonly ok: boolean;
  readonly reason: string;
  readonly outage?: number;
  readonly overlap?: number;
}

/** `hactl standby|takeover|failback [local|foreign|all]`: moves groups, waits, and says what it cost. */
export async function move(
  socket: string,
  kind: Move,
  scope: MoveScope,
  options: {json?: boolean},
): Promise<number> {
  const outcome = (await ask(socket, {command: 'move', move: kind, scope}, MOVE_LIMIT)) as MoveOutcome;
  if (options.json) process.stdout.write(JSON.stringify({version: 1, ...outcome}) + '\n');
  else {
    const cost =
      outcome.outage === undefined ? '' : `; nobody held an address for ${outcome.outage.toFixed(1)} ms`;
    const both = outcome.overlap === undefined ? '' : `, both for ${outcome.overlap.toFixed(1)} ms`;
    process.stdout.write(
      `${kind} ${scope}: ${outcome.ok ? 'done' : 'NOT done'}: ${outcome.reason}${cost}${both}\n`,
    );
  }
  return outcome.ok ? exit.ok : exit.failed;
}
