#!/usr/bin/env node
/** `heartbeat` as init scripts and administrators know it, backed by hactld. */
import {printableText} from '@hactl/base/printable';
import {act, runInForeground, status} from './compat/heartbeat/actions.ts';
import {readCommandLine, USAGE} from './compat/heartbeat/command-line.ts';
import {defaultPaths, VERSION} from './system/paths.ts';

const asked = readCommandLine(process.argv.slice(2));
switch (asked.kind) {
  case 'act':
    process.exitCode = await act(asked.action, asked.plain, defaultPaths);
    break;
  case 'run':
    process.exitCode = await runInForeground(defaultPaths, asked.debug);
    break;
  case 'version':
    process.stdout.write(`hactl ${VERSION}, drop-in for heartbeat 3.0.6\n`);
    break;
  case 'help':
    process.stdout.write(USAGE);
    break;
  case 'usage':
    process.stderr.write(
      asked.problem === undefined ? USAGE : `heartbeat: ${printableText(asked.problem)}\n`,
    );
    process.exitCode = status.usage;
}
