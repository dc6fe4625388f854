import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';

export interface ReloadOutcome {
  readonly ok: boolean;
  readonly changes: readonly string[];
  /** Rendered diagnostics; with `ok: false` nothing was changed. */
  readonly diagnostics: readonly string[];
}

/** `hactl reload`: the daemon reads its files again; a broken file changes nothing. */
export async function reload(socket: string, options: {json?: boolean}): Promise<number> {
  const outcome = (await ask(socket, {command: 'reload'}, 30_000)) as ReloadOutcome;
  if (options.json) process.stdout.write(JSON.stringify({version: 1, ...outcome}) + '\n');
  else {
    for (const text of outcome.diagnostics) process.stderr.write(text + '\n\n');
    process.stdout.write(
      outcome.ok
        ? `reloaded: ${outcome.changes.length === 0 ? 'no change' : outcome.changes.join(', ')}\n`
        : 'not reloaded: the running configuration, table and addresses stay as they are\n',
    );
  }
  return outcome.ok ? exit.ok : exit.config;
}
