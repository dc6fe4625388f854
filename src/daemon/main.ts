/**
 * The supervisor's process, started by the launcher or manually. One that works at once starts its engine first: loading is most
 * of a start, and the engine loads while this process does. It has nothing to do before it is configured.
 */
import {existsSync} from 'node:fs';
import path from 'node:path';
import {given} from './command-line.ts';
import {isSpare} from './launcher-messages.ts';
import {programFile} from '../system/programs.ts';
import {prefork} from './programs.ts';

// Files made by this process and its children are for root and its group, whoever started it.
process.umask(0o027);
const isPair = given('ldirectord') === '' && existsSync(path.join(given('config-dir'), 'ha.cf'));
const pool = isPair && !isSpare() ? prefork(['failover']) : undefined;
const {supervise} = (await import(programFile('director'))) as typeof import('./supervisor.ts');
await supervise(pool);
