import {ask} from '../../control/client.ts';
import {paintFor} from '../render/paint.ts';
import {renderStatus} from '../render/render-status.ts';
import {jsonText} from '../render/shown.ts';
import {ASK_LIMIT_MS} from '../../system/limits.ts';

/** `hactl status`: the daemon's snapshot as a screen, or with --json as it is. */
export async function status(socket: string, options: {json?: boolean}): Promise<number> {
  const snapshot = await ask(socket, {command: 'status'}, ASK_LIMIT_MS);
  process.stdout.write(
    options.json
      ? jsonText(snapshot, 2) + '\n'
      : renderStatus(snapshot, process.stdout.columns ?? 100, paintFor(process.stdout)),
  );
  return 0;
}
