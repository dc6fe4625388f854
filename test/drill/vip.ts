/**
 * `npm run drill:vip`: only the VIP, on this machine's kernel in namespaces (root; no IPVS needed), with fast intervals and
 * a probe with millisecond resolution. Every event runs several times; the table shows median (min..max).
 */
import path from 'node:path';
import {readOptions} from '../options.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {figures, median} from '../lab/figures.ts';
import {table} from '../../src/cli/render/table.ts';
import {makeCluster} from './cluster.ts';
import {markerOf} from './probe.ts';
import {until} from '../lab/until.ts';

const {values} = readOptions({
  options: {
    keepalive: {type: 'string', default: '10ms'},
    deadtime: {type: 'string', default: '30ms'},
    runs: {type: 'string', default: '5'},
    limit: {type: 'string', default: '60'},
  },
});
if (process.getuid?.() !== 0) {
  process.stderr.write('drill:vip creates network namespaces on this machine: run it as root\n');
  process.exit(1);
}

const LIMIT = 20_000;
const checkout = path.resolve(import.meta.dirname, '../..');
const site = makeNamespaces({checkout});
const cluster = makeCluster({site, keepalive: values.keepalive, deadtime: values.deadtime, vipOnly: true});
const results = new Map<string, {outage: number[]; lost: number[]}>();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const udp = `${checkout}/test/drill/udp.ts`;
let passed = true;

try {
  for (const name of ['director1', 'director2']) {
    await cluster.writeConfig(name);
    await cluster.watchHolder(name);
    await cluster.start(name);
    await site.start(name, [site.node, udp, 'echo'], `${site.root}/echo.log`);
  }
  await cluster.active('director1', LIMIT);
  await cluster.whole('director2', LIMIT);
  const probe = await site.start('client', [site.node, udp, 'probe', site.vip], `${site.root}/probe.log`);
  const mark = markerOf(probe);
  const event = async (name: string, work: () => Promise<void>): Promise<void> => {
    await pause(300);
    await mark();
    await work();
    await pause(300);
    const {outage, lost} = await mark();
    const kept = results.get(name) ?? {outage: [], lost: []};
    results.set(name, kept);
    kept.outage.push(outage);
    kept.lost.push(lost);
  };
  for (let run = 0; run < Number(values.runs); run += 1) {
    // The spares are ready a few seconds after the start; earlier, their loading would affect the measurement.
    await pause(run === 0 ? 6_000 : 4_000);
    await event('power loss', async () => {
      await cluster.powerOff('director1');
      await cluster.active('director2', LIMIT);
    });
    await event('return, preempts', async () => {
      await cluster.powerOn('director1');
      await cluster.active('director1', LIMIT);
    });
    await pause(4_000);
    await event('SIGKILL of the failover engine', async () => {
      const said = await cluster.status('director1');
      const pid = said?.processes.find((one) => one.name === 'failover')?.pid;
      if (pid === undefined) throw new Error('no pid of the engine');
      process.kill(pid, 'SIGKILL');
      await until('it is running again', LIMIT, async () =>
        (await cluster.status('director1'))?.processes.some(
          (one) => one.name === 'failover' && one.state === 'running' && one.pid !== pid,
        ),
      );
      await cluster.active('director1', LIMIT);
    });
    await event('hactl standby', async () => {
      const {status, stdout, stderr} = await cluster.hactl('director1', ['standby']);
      if (status !== 0) throw new Error(`${stdout}${stderr}`);
    });
    await event('hactl failback', async () => {
      const {status, stdout, stderr} = await cluster.hactl('director1', ['failback']);
      if (status !== 0) throw new Error(`${stdout}${stderr}`);
    });
    process.stderr.write(`run ${run + 1} of ${values.runs}\n`);
  }
} catch (error) {
  passed = false;
  process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
} finally {
  await cluster.stop();
  await site.destroy();
}

process.stdout.write(
  `keepalive ${values.keepalive}, deadtime ${values.deadtime}, ${values.runs} runs, 1,000 probes a second\n`,
);
const rows = [...results].map(([name, {outage, lost}]) => [name, figures(outage), figures(lost)]);
process.stdout.write(
  table([['event', 'outage ms, median (min..max)', 'probes lost'], ...rows]).join('\n') + '\n',
);
const loss = median(results.get('power loss')?.outage ?? []);
if (!(loss <= Number(values.limit))) passed = false;
process.stdout.write(
  `power loss: median ${loss} ms, limit ${values.limit} ms: ${passed ? 'passed' : 'FAILED'}\n`,
);
process.exit(passed ? 0 : 1);
