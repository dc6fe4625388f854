/**
 * Sends the daemon a request as another user: `asker.fixture.ts RUN-DIR GID COMMAND`. Loads everything before dropping root.
 */
import {ask, ControlError} from './client.ts';
import {controlSocket} from '../system/paths.ts';
import type {Command} from './protocol.ts';

const NOBODY = 65_534;
const [runDir = '', gid = '', command = ''] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(gid));
process.setuid?.(NOBODY);
try {
  const result = await ask(controlSocket(runDir), {command} as Command, 20_000);
  process.stdout.write(JSON.stringify({result}));
} catch (error) {
  if (!(error instanceof ControlError)) throw error;
  process.stdout.write(JSON.stringify({code: error.code, message: error.message}));
}
