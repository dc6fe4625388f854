#!/usr/bin/env node
/** `ldirectord` as init scripts and administrators know it, backed by hactld with that one file. */
import {act, status} from './compat/ldirectord/actions.ts';
import {readCommandLine, USAGE} from './compat/ldirectord/command-line.ts';
import {defaultPaths, VERSION} from './system/paths.ts';

const asked = readCommandLine(process.argv.slice(2));
switch (asked.kind) {
  case 'act':
    process.exitCode = await act(asked, defaultPaths);
    break;
  case 'version':
    process.stdout.write(`hactl ${VERSION}, drop-in for ldirectord 4.12 (Linux Director v1.186-ha)\n`);
    break;
  case 'help':
    process.stdout.write(USAGE);
    break;
  case 'usage':
    process.stdout.write(USAGE);
    process.exitCode = status.usage;
}
