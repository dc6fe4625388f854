/** The command line of `npm run drill`, the same for each site. */
import {parseArgs} from 'node:util';
import {choose, expectedText, type Drill} from '../../src/drill/event.ts';
import type {Site} from '../lab/site.ts';
import {library} from './events/library.ts';
import type {LoadPlan} from './load/load.ts';
import type {Scene} from './scene.ts';

const USAGE = `npm run drill -- [options]

  --list               the drills that there are, and what each promises
  --all                every drill that this ground can do
  --only NAME[,NAME]   these
  --site vagrant       on vagrant/Vagrantfile's machines, over ssh
  --streams N          long-lived connections (20)
  --load RATE[,SECONDS]
                       beneath the drills, this many new connections per second, one request each; for at least that long (30)
  --load-ramp SECONDS  until the load has that rate (10)
  --tsung              Debian's Tsung too, at the same rate, for exactly those seconds (fetches 20 MB)
  --keepalive T        of ha.cf (200ms); --deadtime T (1)
  --limit SECONDS      how long a thing may take before the drill gives up on it (240; on virtual machines 300)
  --keep-logs          print the directors' logs, also after a success
  --no-times           print times, and do not judge by them
`;

export function drillOptions(argv: readonly string[]) {
  const {values} = parseArgs({
    args: [...argv],
    options: {
      help: {type: 'boolean', default: false},
      list: {type: 'boolean', default: false},
      all: {type: 'boolean', default: false},
      only: {type: 'string', multiple: true, default: []},
      keepalive: {type: 'string', default: '200ms'},
      deadtime: {type: 'string', default: '1'},
      streams: {type: 'string', default: '20'},
      load: {type: 'string'},
      'load-ramp': {type: 'string', default: '10'},
      tsung: {type: 'boolean', default: false},
      limit: {type: 'string'},
      'keep-logs': {type: 'boolean', default: false},
      // For `npm test`: times are printed but not checked.
      'no-times': {type: 'boolean', default: false},
      // Prints the report as lines of text, for the parent program.
      'print-report': {type: 'boolean', default: false},
    },
  });
  const limit = values.limit === undefined ? undefined : Number(values.limit) * 1_000;
  const {tsung} = values;
  if (tsung && values.load === undefined) throw new Error('--tsung: expected --load RATE[,SECONDS] with it');
  const load = values.load === undefined ? undefined : {...loadPlan(values.load, values['load-ramp']), tsung};
  return {...values, limit, load, only: values.only.flatMap((names) => names.split(','))};
}

/** Parses `--load RATE[,SECONDS]`; throws for anything else. */
function loadPlan(text: string, ramp: string): Omit<LoadPlan, 'tsung'> {
  const [, rate = '', seconds = '30'] = /^(\d+(?:\.\d+)?)(?:,(\d+))?$/.exec(text) ?? [];
  if (!(Number(rate) > 0))
    throw new Error(`--load ${text}: expected connections per second, and seconds if need be: 20 or 20,120`);
  if (!/^\d+$/.test(ramp)) throw new Error(`--load-ramp ${ramp}: expected seconds`);
  return {rate: Number(rate), ramp: Number(ramp), seconds: Math.max(Number(seconds), Number(ramp))};
}

/** Lists each drill with its events; the default ones are marked. */
const listing = (): string =>
  library
    .map(({name, summary, usual, safe, needs, events}) =>
      [
        `${usual ? '*' : ' '} ${name.padEnd(13)} ${summary}${safe ? ' (safe on a running pair)' : ''}`,
        ...(needs.length === 0 ? [] : [`                needs ${needs.join(', ')}`]),
        ...events.map((event) => `                ${event.name}: ${expectedText(event.expected)}`),
      ].join('\n'),
    )
    .join('\n');

export const helpText = (options: {readonly help: boolean; readonly list: boolean}): string | undefined =>
  options.help ? USAGE : options.list ? `${listing()}\n\n* run by default\n` : undefined;

/** Checks the command line before a machine is booted; returns the problem, if any. */
export function readOptions(
  argv: readonly string[],
): {readonly options: ReturnType<typeof drillOptions>} | {readonly problem: string} {
  try {
    const options = drillOptions(argv);
    const names = library.map(({name}) => name);
    const unknown = options.only.filter((name) => !names.includes(name));
    if (unknown.length === 0) return {options};
    return {problem: `unknown drill ${unknown.join(', ')}: see npm run drill -- --list`};
  } catch (error) {
    return {
      problem: `${error instanceof Error ? error.message : String(error)}: see npm run drill -- --help`,
    };
  }
}

/** The selected drills; throws for an unknown name. */
export function chosenDrills(
  site: Pick<Site, 'means' | 'name'>,
  options: {readonly only: readonly string[]; readonly all: boolean},
  say: (line: string) => void,
): readonly Drill<Scene>[] {
  const {chosen, left, unknown} = choose(library, {...options, means: site.means ?? new Set()});
  if (unknown.length > 0) throw new Error(`unknown drill ${unknown.join(', ')}: see npm run drill -- --list`);
  for (const {name, lacks} of left)
    say(`skipped: ${name} needs ${lacks.join(', ')}, not available on ${site.name}`);
  return chosen;
}
