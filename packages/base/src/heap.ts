/** The heap of a process whose garbage is large and seldom. */
import {setFlagsFromString} from 'node:v8';

/**
 * From now on V8 collects the old generation after a fifth of growth. Call it once the program has loaded: on the command line
 * the option applies to loading too, and a supervisor loads 25 ms longer.
 */
export const collectEarly = (): void => setFlagsFromString('--heap-growing-percent=20');
