/** The drill in namespaces of this kernel, which has IPVS. Started by test/drill/start.ts. */
import path from 'node:path';
import {makeNamespaces} from '../lab/namespaces.ts';
import {makeWebs} from '../lab/nginx.ts';
import {makeCluster} from './cluster.ts';
import {chosenDrills, drillOptions, helpText} from './options.ts';
import {reportLines} from './reports.ts';
import {runDrill} from './run.ts';

const options = drillOptions(process.argv.slice(2));
const help = helpText(options);
if (help !== undefined) {
  process.stdout.write(help);
  process.exit(0);
}

const started = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6);
  process.stdout.write(line === '' || line.startsWith(' ') ? `${line}\n` : `${seconds} s  ${line}\n`);
};
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..')});
const {keepalive, deadtime} = options;
const streams = Number(options.streams);
const report = await runDrill({
  site,
  cluster: makeCluster({site, keepalive, deadtime}),
  drills: chosenDrills(site, options, say),
  streams,
  web: makeWebs(site),
  load: options.load,
  say,
  logs: options['keep-logs'],
  ...(options.limit === undefined ? {} : {limit: options.limit}),
  judgeTimes: !options['no-times'],
  settings: {keepalive, deadtime, streams},
});
await site.destroy();
if (options['print-report']) for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
process.stdout.write(report.passed ? 'drill passed\n' : 'drill FAILED\n');
process.exit(report.passed ? 0 : 1);
