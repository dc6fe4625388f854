/** The drill itself, where IPVS is: in namespaces of this kernel. test/drill/start.ts brings us here. */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {makeNamespaces} from '../lab/namespaces.ts';
import {makeWebs} from '../lab/nginx.ts';
import {runDrill} from './run.ts';

const {values} = parseArgs({
  options: {
    help: {type: 'boolean', default: false},
    keepalive: {type: 'string', default: '200ms'},
    deadtime: {type: 'string', default: '1'},
    streams: {type: 'string', default: '20'},
    'keep-logs': {type: 'boolean', default: false},
    // For the test command: times are printed, and judge nothing there.
    'no-times': {type: 'boolean', default: false},
  },
});
if (values.help) {
  process.stdout.write('options: see parseArgs in this file, or docs/testing.md\n');
  process.exit(0);
}

const started = performance.now();
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..')});
const passed = await runDrill({
  site,
  keepalive: values.keepalive,
  deadtime: values.deadtime,
  streams: Number(values.streams),
  web: makeWebs(site),
  say: (line) =>
    process.stdout.write(
      line === '' || line.startsWith(' ')
        ? `${line}\n`
        : `${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`,
    ),
  logs: values['keep-logs'],
  judgeTimes: !values['no-times'],
});
await site.destroy();
process.stdout.write(passed ? 'drill passed\n' : 'drill FAILED\n');
process.exit(passed ? 0 : 1);
