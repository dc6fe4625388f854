#!/usr/bin/env node
/** The operator's command. It queries the running director over the control socket. */
import {plainStatus} from './cli/plain-status.ts';
import {controlSocket, defaultPaths} from './system/paths.ts';

// `hactl events | head`: the reader has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const words = process.argv.slice(2);
const plain = plainStatus(words);
if (plain)
  try {
    const {status} = await import('./cli/commands/status.ts');
    process.exitCode = await status(controlSocket(plain.runDir ?? defaultPaths.runDir), plain);
  } catch (error) {
    process.exitCode = (await import('./cli/failure.ts')).tellFailure(error, 'status');
  }
else process.exitCode = await (await import('./cli/main.ts')).runCommand(words);
