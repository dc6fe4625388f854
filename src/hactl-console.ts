#!/usr/bin/env node
/** hactl-console: the web console (docs/console.md). */
import {runConsole} from './console/main.ts';

await runConsole(process.argv.slice(2));
