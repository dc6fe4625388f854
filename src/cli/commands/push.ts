import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';
import {renderPlan} from '../render/render-plan.ts';
import {jsonText, shownText} from '../render/shown.ts';
import {PUSH_LIMIT_MS} from '../../system/limits.ts';

export interface PushOptions {
  readonly dryRun?: boolean;
  readonly keys?: boolean;
  readonly json?: boolean;
}

/** `hactl push`: this director's files to the peer; both apply them, or neither. */
export async function push(socket: string, options: PushOptions): Promise<number> {
  const outcome = await ask(
    socket,
    {command: 'push', dryRun: options.dryRun === true, keys: options.keys === true},
    PUSH_LIMIT_MS,
  );
  if (options.json) process.stdout.write(jsonText({version: 1, ...outcome}) + '\n');
  else {
    for (const [where, {diagnostics, rows}] of [
      ['here', outcome.here],
      [`at ${outcome.peer}`, outcome.there],
    ] as const) {
      for (const text of diagnostics) process.stderr.write(shownText(`${where}: ${text}\n\n`));
      const lines = renderPlan(rows, (process.stdout.columns ?? 100) - 2);
      if (lines.length > 0)
        process.stdout.write([`${where}:`, ...lines.map((line) => `  ${line}`)].join('\n') + '\n');
    }
    process.stdout.write(`${outcome.ok ? '' : 'not pushed: '}${shownText(outcome.text)}\n`);
  }
  return outcome.ok ? exit.ok : exit.failed;
}
