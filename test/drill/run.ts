/** Runs drills: real connections over real servers while components fail, one after another. */
import {failuresOf, lateLosses, type Drill, type DrillEvent} from '../../src/drill/event.ts';
import {loadReport, type Measured} from '../../src/drill/load.ts';
import {finite, type DrillReport, type EventResult} from '../../src/drill/report.ts';
import {renderLoad, renderReport} from '../../src/cli/render/drill-table.ts';
import {parseStatusTruth} from './truth.ts';
import type {ClientReport} from './client.ts';
import {couldServe, directors, LOOK, type Cluster} from './cluster.ts';
import {holderTimes} from '../lab/holders.ts';
import type {Program, Site} from '../lab/site.ts';
import {until} from '../lab/until.ts';
import {startLoad, type Load, type LoadPlan} from './load/load.ts';
import {recordTimeline} from './recorder.ts';
import {allWebsUp, pause, QUIET, type Scene, type Webs} from './scene.ts';

export interface DrillOptions {
  readonly site: Site;
  readonly cluster: Cluster;
  readonly drills: readonly Drill<Scene>[];
  readonly streams: number;
  readonly say: (line: string) => void;
  /** Print the directors' logs at the end, also after a success. */
  readonly logs: boolean;
  /** Fail if a daemon does not recover in time; off in test runs, where times are not checked. */
  readonly judgeTimes: boolean;
  readonly web: Webs;
  /** New connections at a rate beneath the drills. */
  readonly load?: LoadPlan | undefined;
  /** The directors and web servers are already running, as installed. */
  readonly installed?: boolean;
  /** Timeout of every wait, milliseconds. */
  readonly limit?: number;
  /** Polling interval of the directors' state for the report, milliseconds. */
  readonly lookEvery?: number;
  /** For the report. */
  readonly settings: Readonly<Record<string, string | number>>;
}

/** Default timeout; emulation is slow. */
const LIMIT = 240_000;
/** Time for a director's status to match its kernel; longer over ssh, where each poll is a new process. */
const TRUTH_LIMIT = 5_000;
const TRUTH_LIMIT_INSTALLED = 12_500;
/** A connection is synchronised from its third packet on, and the message is sent up to two seconds later. */
const SYNC_DELAY = 3_000;
const CLIENT = 'test/drill/client.ts';

/** In the format of /proc/net/ip_vs_conn. */
const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs every event; the report passes if nothing that should survive was lost. */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const {site, cluster, say, limit = LIMIT} = options;
  const events: EventResult[] = [];
  const began = Date.now();
  const truthLimit = options.installed ? TRUTH_LIMIT_INSTALLED : TRUTH_LIMIT;
  const recorder = recordTimeline(cluster, began, options.lookEvery ?? 1_000);
  let scene: Scene | undefined;
  let client: Program | undefined;
  let load: Load | undefined;
  let measured: Measured | undefined;
  let crashEnd: number | undefined;
  let marks = 0;
  try {
    const coldStart = await startAll();
    await truth('start', []);
    say('client: requests and streams');
    client = await startClient();
    recorder.start();
    await pause(QUIET);
    await pause(SYNC_DELAY);
    scene = {
      site,
      cluster,
      client,
      limit,
      coldStart,
      web: options.web,
      judgeTimes: options.judgeTimes,
      crashOver: (at) => {
        crashEnd = at;
      },
      showStatus,
    };
    await mark('warm-up');
    if (options.load) {
      say(`load: ${options.load.rate} connections/s`);
      load = await startLoad(options.load, cluster, began, limit);
    }
    for (const drill of options.drills)
      // oxlint-disable-next-line no-await-in-loop -- one drill at a time.
      await play(drill, scene);
    measured = await load?.finish();
  } catch (error) {
    events.push(aborted(error, Date.now() - began));
  } finally {
    recorder.stop();
    await load?.kill();
    await client?.kill('SIGTERM');
    await cluster.stop();
    if (!options.installed) await Promise.all(site.webs.map((web) => options.web.kill(web)));
  }
  if (options.logs || events.some((event) => event.failures.length > 0)) await printLogs();
  say('');
  for (const line of renderReport(events).split('\n')) say(line);
  const loaded = measured && loadReport(measured, events);
  if (loaded) for (const line of renderLoad(loaded).split('\n')) say(line);
  return {
    version: 1,
    site: site.name,
    began: new Date(began).toISOString(),
    length: Date.now() - began,
    passed: events.length > 0 && events.every((event) => event.failures.length === 0),
    settings: options.settings,
    events,
    ...recorder.taken(),
    ...(loaded === undefined ? {} : {load: loaded}),
  };

  // ------------------------------------------------------------------------------------------------- the parts

  /** Resolves to the shorter of the two cold starts. */
  async function startAll(): Promise<number> {
    const begun: [name: string, at: number][] = [];
    if (!options.installed) {
      say('web servers');
      await Promise.all(site.webs.map((web) => options.web.start(web)));
    }
    for (const name of directors) {
      // oxlint-disable no-await-in-loop -- one after the other, so that director1 is first.
      if (!options.installed) await cluster.writeConfig(name);
      await cluster.watchHolder(name);
      await cluster.start(name);
      // oxlint-enable no-await-in-loop
      begun.push([name, performance.now()]);
    }
    say('waiting for the pair');
    const coldStarts = begun.map(async ([name, from]) => {
      await until(`${name} could serve`, limit, async () => couldServe(await cluster.status(name)), LOOK);
      return Math.max(performance.now() - from, await cluster.startTook(name));
    });
    const coldStart = Math.min(...(await Promise.all(coldStarts)));
    await cluster.active('director1', limit);
    await cluster.whole('director1', limit);
    await cluster.whole('director2', limit);
    await allWebsUp({site, cluster, limit}, 'director1');
    return coldStart;
  }

  async function startClient(): Promise<Program> {
    const words = ['--vip', site.vip, '--streams', String(options.streams)];
    const log = `${site.directory('client')}/client.log`;
    const started = await site.start('client', [site.node, `${site.checkout}/${CLIENT}`, ...words], log);
    await until('the client runs', limit, () => started.lines.length);
    return started;
  }

  async function play(drill: Drill<Scene>, on: Scene): Promise<void> {
    for (const event of drill.events)
      // oxlint-disable-next-line no-await-in-loop -- one event at a time.
      await run(event, on);
    if (drill.usual || drill.events.every(({expected}) => expected.streamsKept)) return;
    on.client.write('refill');
    await pause(SYNC_DELAY + QUIET);
  }

  async function showStatus(name: string): Promise<void> {
    const {stdout, stderr} = await cluster.hactl(name, ['status']);
    say(` [${name}] # hactl status`);
    for (const line of `${stdout}${stderr}`.trimEnd().split('\n')) say(`   ${line}`);
  }

  async function printLogs(): Promise<void> {
    for (const name of directors) {
      const command = options.installed
        ? 'journalctl -u hactld -n 120 --no-pager'
        : `tail -n 120 ${cluster.directory(name)}/hactld-*.log`;
      // oxlint-disable-next-line no-await-in-loop -- two logs, one after the other.
      const {stdout} = await site.run(name, ['sh', '-c', command]);
      for (const line of stdout.split('\n')) say(` ${name}: ${line}`);
    }
  }

  async function mark(name: string): Promise<ClientReport> {
    const program = client;
    if (!program) throw new Error('no client');
    // Two drills may have an event of the same name: do not mistake an old report for the new one.
    marks += 1;
    const wanted = `${marks}-${name.replaceAll(' ', '-')}`;
    program.write(`mark ${wanted}`);
    const line = await until(`the client reports ${name}`, limit, () =>
      program.lines.findLast((one) => one.includes(`"mark":"${wanted}"`)),
    );
    const report = JSON.parse(line) as ClientReport;
    recorder.requests(report.samples, Date.now() - report.period);
    return report;
  }

  async function run({name, expected, act, before}: DrillEvent<Scene>, on: Scene): Promise<void> {
    await before?.(on);
    say(`— ${name}`);
    await mark(`before ${name}`);
    const from = Date.now();
    const failures: string[] = [];
    let note = '';
    crashEnd = undefined;
    try {
      note = await act(on);
    } catch (error) {
      failures.push(wordsOf(error));
    }
    await pause(QUIET);
    const report = await mark(name);
    const to = Date.now();
    await truth(name, failures);
    const {both, neither} = holderTimes(cluster.holdings, from, to);
    const crash =
      crashEnd === undefined ? {} : {bothInCrash: holderTimes(cluster.holdings, from, crashEnd).both};
    const seen = {...report, both, ...crash};
    failures.push(...failuresOf(expected, seen, QUIET));
    const late = expected.lost > 0 ? lateLosses(seen, QUIET) : [];
    if (late.length > 0) failures.push(await tablesOf(late.map(({port}) => port)));
    events.push({
      event: name,
      from: from - began,
      to: to - began,
      outage: report.outage,
      requests: report.requests,
      lost: report.failed.length,
      streams: report.streams,
      broken: report.broken.length,
      both,
      neither,
      expected: {...expected, lost: finite(expected.lost), both: finite(expected.both)},
      note,
      failures,
    });
    const outcome = failures.length === 0 ? 'ok' : `FAILED: ${failures.join('; ')}`;
    say(`  ${outcome}${note === '' ? '' : ` (${note})`}`);
  }

  /** Entries of the directors' connection tables for these client ports, as a debugging aid. */
  async function tablesOf(ports: readonly number[]): Promise<string> {
    const wanted = new RegExp(`^(${ports.map((port) => `TCP \\S+ ${hexPort(port)}`).join('|')}) `);
    const found: string[] = [];
    for (const name of directors) {
      // oxlint-disable-next-line no-await-in-loop -- two tables.
      const {stdout} = await site.run(name, ['cat', '/proc/net/ip_vs_conn']);
      const lines = stdout.split('\n').filter((line) => wanted.test(line));
      found.push(`${name}: ${lines.map((line) => line.replaceAll(/ +/g, ' ')).join(', ') || 'no entry'}`);
    }
    return found.join('; ');
  }

  /** Compares `hactl status` on each running director with its kernel. */
  async function truth(when: string, failures: string[]): Promise<void> {
    for (const name of directors) {
      if (!cluster.lives(name)) continue;
      const peerLives =
        cluster.lives(name === 'director1' ? 'director2' : 'director1') && cluster.hears(name);
      const look = async (): Promise<string[]> =>
        parseStatusTruth(await cluster.status(name), await cluster.holds(name), peerLives);
      const right = async (): Promise<string[] | undefined> => {
        const lies = await look();
        return lies.length === 0 ? lies : undefined;
      };
      // oxlint-disable-next-line no-await-in-loop -- two directors.
      const lies = await until(`${name}'s status matches its kernel`, truthLimit, right, LOOK).catch(look);
      for (const lie of lies) failures.push(`${when}: status of ${name}: ${lie}`);
    }
  }
}

/** The failure reported when the drill had to be aborted. */
const aborted = (error: unknown, at: number): EventResult => ({
  event: 'drill',
  from: at,
  to: at,
  outage: 0,
  requests: 0,
  lost: 0,
  streams: 0,
  broken: 0,
  both: 0,
  neither: 0,
  note: '',
  failures: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
});
