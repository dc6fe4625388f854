/** The drill: real connections over real servers while things die, one after another. */
import {parseStatusTruth} from './truth.ts';
import type {ClientReport} from './client.ts';
import {couldServe, makeCluster, type Cluster} from './cluster.ts';
import {holderTimes} from '../lab/holders.ts';
import {renderReport, type Row} from '../../src/cli/render/drill-table.ts';
import type {Program, Site} from '../lab/site.ts';
import {until} from '../lab/until.ts';

export interface DrillOptions {
  readonly site: Site;
  readonly keepalive: string;
  readonly deadtime: string;
  readonly streams: number;
  readonly say: (line: string) => void;
  /** Print the directors' logs at the end, also after a success. */
  readonly logs: boolean;
  /** Fail when a daemon is not whole again in time; in a test run times judge nothing. */
  readonly judgeTimes: boolean;
  /** Starts and ends the web server of a host. */
  readonly web: {start(host: string): Promise<void>; kill(host: string): Promise<void>};
}

/** How long things may take before the drill gives up on them; emulation is slow. */
const LIMIT = 60_000;
/** Quiet time behind an event, in which nothing may be lost any more. */
const QUIET = 3_000;
/** From the moment the drill sees that an event is over until nothing may be lost any more. */
const SETTLE = 500;
/**
 * Of the requests that are under way while the address moves, so many may be lost: the kernel's sync daemon tells the peer
 * of a connection from its third packet on, and up to two seconds late, so the peer does not know the youngest.
 */
const YOUNG_LIMIT = 3;
/**
 * For a daemon with a dead process to be whole again; where a machine is so slow (emulated, as a rule) that a cold start
 * takes more than twice that, half of what it took in this run.
 */
const WHOLE_LIMIT = 2_000;
const OF_COLD_START = 0.5;
/** A planned move is made before it is broken: both hold the address for an advert's way there and back. */
const OVERLAP_LIMIT = 500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** As in /proc/net/ip_vs_conn. */
const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

interface Expectation {
  /** May requests be lost while the event happens? New connections cannot survive what kills their server. */
  readonly lossLimit: number;
  readonly streamsKept: boolean;
  readonly bothLimit: number;
}

/** Runs every event; resolves to true when nothing that should survive was lost. */
export async function runDrill(options: DrillOptions): Promise<boolean> {
  const {site, say} = options;
  const cluster = makeCluster(options);
  const rows: Row[] = [];
  let client: Program | undefined;
  let broken = 0;
  /** From the command until the director could serve, in milliseconds: how slow this machine is. */
  let coldStart = 0;
  try {
    const begun: [name: string, at: number][] = [];
    say('web servers');
    await Promise.all(site.webs.map((web) => options.web.start(web)));
    for (const name of ['director1', 'director2']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, so that director1 is first.
      await cluster.writeConfig(name);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await cluster.watchHolder(name);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await cluster.start(name);
      begun.push([name, performance.now()]);
    }
    say('waiting for the pair');
    const coldStarts = begun.map(async ([name, from]) => {
      await until(`${name} could serve`, LIMIT, async () => couldServe(await cluster.status(name)));
      return performance.now() - from;
    });
    coldStart = Math.min(...(await Promise.all(coldStarts)));
    await cluster.active('director1', LIMIT);
    await cluster.whole('director1', LIMIT);
    await cluster.whole('director2', LIMIT);
    await allWebsUp(cluster, 'director1');
    await truth('start', []);

    say('client: requests and streams');
    client = await site.start(
      'client',
      [
        site.node,
        `${site.checkout}/test/drill/client.ts`,
        '--vip',
        site.vip,
        '--streams',
        String(options.streams),
      ],
      `${site.directory('client')}/client.log`,
    );
    await until('the client runs', LIMIT, () => client?.lines.length);
    await pause(QUIET);
    // A connection is synced from its third packet on, and the message leaves up to two seconds later.
    await pause(3_000);
    await mark('warm-up');

    await event('nothing happens', {lossLimit: 0, streamsKept: true, bothLimit: 0}, async () => {
      await pause(QUIET);
      await showStatus('director1');
      const report = await cluster.status('director1');
      const answers = report?.virtuals[0]?.reals.filter((real) => real.activeConnections > 0).length ?? 0;
      return `connections on ${answers} of ${site.webs.length} reals`;
    });

    await realServerDies();
    for (const name of ['checks', 'sync', 'failover', 'supervisor'])
      // oxlint-disable-next-line no-await-in-loop -- one death at a time.
      await processDies(name);

    await event('broken file, hactl reload', {lossLimit: 0, streamsKept: true, bothLimit: 0}, brokenReload);

    await event(
      'power loss of director1',
      {lossLimit: Infinity, streamsKept: true, bothLimit: 0},
      async () => {
        const at = await cluster.powerOff('director1');
        await cluster.active('director2', LIMIT);
        await pause(QUIET);
        await showStatus('director2');
        const taken = changeOf('director2', true, at);
        return `director2 has the address ${taken === undefined ? '?' : Math.round(taken - at)} ms after`;
      },
    );

    await event(
      'director1 returns and takes back',
      {lossLimit: YOUNG_LIMIT, streamsKept: true, bothLimit: OVERLAP_LIMIT},
      async () => {
        await cluster.powerOn('director1');
        await cluster.active('director1', LIMIT);
        await cluster.whole('director1', LIMIT);
        return '';
      },
    );

    await event(
      'hactl standby on director1',
      {lossLimit: YOUNG_LIMIT, streamsKept: true, bothLimit: OVERLAP_LIMIT},
      async () => {
        const {stdout, stderr, status} = await cluster.hactl('director1', ['standby']);
        await cluster.active('director2', LIMIT);
        if (status !== 0) throw new Error(`hactl standby: ${stdout}${stderr}`);
        return stdout.trim().slice(0, 60);
      },
    );

    await event(
      'hactl failback',
      {lossLimit: YOUNG_LIMIT, streamsKept: true, bothLimit: OVERLAP_LIMIT},
      async () => {
        const {stdout, stderr, status} = await cluster.hactl('director2', ['failback']);
        await cluster.active('director1', LIMIT);
        if (status !== 0) throw new Error(`hactl failback: ${stdout}${stderr}`);
        return stdout.trim().slice(0, 60);
      },
    );
  } catch (error) {
    rows.push({
      event: 'drill',
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
  } finally {
    await client?.kill('SIGTERM');
    await cluster.stop();
    await Promise.all(site.webs.map((web) => options.web.kill(web)));
  }
  if (options.logs || rows.some((row) => row.failures.length > 0)) await printLogs();
  say('');
  for (const line of renderReport(rows).split('\n')) say(line);
  return rows.length > 0 && rows.every((row) => row.failures.length === 0);

  // ------------------------------------------------------------------------------------------------- the parts

  /** What an operator sees: the real command, at the moment of interest. */
  async function showStatus(name: string): Promise<void> {
    const {stdout, stderr} = await cluster.hactl(name, ['status']);
    say(` [${name}] # hactl status`);
    for (const line of `${stdout}${stderr}`.trimEnd().split('\n')) say(`   ${line}`);
  }

  async function printLogs(): Promise<void> {
    for (const name of ['director1', 'director2']) {
      // oxlint-disable-next-line no-await-in-loop -- two logs, one after the other.
      const {stdout} = await site.run(name, [
        'sh',
        '-c',
        `tail -n 120 ${cluster.directory(name)}/hactld-*.log`,
      ]);
      for (const line of stdout.split('\n')) say(` ${name}: ${line}`);
    }
  }

  async function mark(name: string): Promise<ClientReport> {
    const program = client;
    if (!program) throw new Error('no client');
    program.write(`mark ${name.replaceAll(' ', '-')}`);
    const wanted = name.replaceAll(' ', '-');
    const line = await until(`the client reports ${name}`, LIMIT, () =>
      program.lines.findLast((one) => one.includes(`"mark":"${wanted}"`)),
    );
    return JSON.parse(line) as ClientReport;
  }

  async function event(
    name: string,
    expected: Expectation,
    work: (crashOver: (at: number) => void) => Promise<string>,
  ): Promise<void> {
    say(`— ${name}`);
    await mark(`before ${name}`);
    const from = Date.now();
    const failures: string[] = [];
    let note = '';
    // Until a crash is over nobody may share the VIP; what follows is a planned move, made before broken.
    let crashEnd: number | undefined;
    try {
      note = await work((at) => {
        crashEnd = at;
      });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
    await pause(QUIET);
    const report = await mark(name);
    const to = Date.now();
    await truth(name, failures);
    const {both, neither} = holderTimes(cluster.holdings, from, to);
    broken += report.broken.length;
    if (report.failed.length > expected.lossLimit)
      failures.push(`${report.failed.length} requests lost: ${JSON.stringify(report.failed.slice(0, 3))}`);
    // Judged by when a request began: one that began before (a SYN that is sent again, say) may fail any time later.
    const late = report.failed.filter((one) => one.at > report.period - QUIET + SETTLE);
    if (expected.lossLimit > 0 && late.length > 0)
      failures.push(
        `requests lost after recovery: ${JSON.stringify(late)}; ${await tablesOf(late.map(({port}) => port))}`,
      );
    if (expected.streamsKept && report.broken.length > 0)
      failures.push(`streams broken: ${JSON.stringify(report.broken.slice(0, 3))}`);
    const crash = crashEnd === undefined ? undefined : holderTimes(cluster.holdings, from, crashEnd);
    if (crash && crash.both > 0)
      failures.push(`two directors held the VIP for ${crash.both.toFixed(0)} ms after the crash`);
    if (both > expected.bothLimit) failures.push(`two directors held the VIP for ${both.toFixed(0)} ms`);
    rows.push({
      event: name,
      outage: report.outage,
      requests: report.requests,
      lost: report.failed.length,
      streams: report.streams,
      broken: report.broken.length,
      both,
      neither,
      note,
      failures,
    });
    say(
      `  ${failures.length === 0 ? 'ok' : `FAILED: ${failures.join('; ')}`}${note === '' ? '' : ` (${note})`}`,
    );
  }

  /** When a director's kernel had the VIP, or had it no more, for the first time from then on. */
  function changeOf(director: string, holds: boolean, from: number): number | undefined {
    return cluster.holdings.find((one) => one.director === director && one.holds === holds && one.at >= from)
      ?.at;
  }

  /** What the directors' connection tables have of these ports of the client; for a person who looks for a cause. */
  async function tablesOf(ports: readonly number[]): Promise<string> {
    const wanted = new RegExp(`^(${ports.map((port) => `TCP \\S+ ${hexPort(port)}`).join('|')}) `);
    const found: string[] = [];
    for (const name of ['director1', 'director2']) {
      // oxlint-disable-next-line no-await-in-loop -- two tables.
      const {stdout} = await site.run(name, ['cat', '/proc/net/ip_vs_conn']);
      const lines = stdout.split('\n').filter((line) => wanted.test(line));
      found.push(`${name}: ${lines.map((line) => line.replaceAll(/ +/g, ' ')).join(', ') || 'no entry'}`);
    }
    return found.join('; ');
  }

  /** What `hactl status` says on each living director, against what the kernel shows. */
  async function truth(when: string, failures: string[]): Promise<void> {
    for (const name of ['director1', 'director2']) {
      if (!cluster.daemon(name)?.running) continue;
      const peerLives = cluster.daemon(name === 'director1' ? 'director2' : 'director1')?.running === true;
      const lies = await until(`${name} tells the truth`, 5_000, async () => {
        const [said, held] = [await cluster.status(name), await cluster.holds(name)];
        const found = parseStatusTruth(said, held, peerLives);
        return found.length === 0 ? {found} : undefined;
      }).catch(async () => ({
        found: parseStatusTruth(await cluster.status(name), await cluster.holds(name), peerLives),
      }));
      for (const lie of lies.found) failures.push(`${when}: status of ${name}: ${lie}`);
    }
  }

  async function allWebsUp(pair: Cluster, name: string): Promise<void> {
    await until('all reals are up', LIMIT, async () => {
      const said = await pair.status(name);
      const reals = said?.virtuals[0]?.reals.filter((real) => real.check !== 'fallback') ?? [];
      return (
        reals.length === site.webs.length && reals.every((real) => real.check === 'up' && real.weight === 1)
      );
    });
  }

  async function realServerDies(): Promise<void> {
    const web = site.webs[1] ?? '';
    const address = site.address(web);
    // The streams on the dead server die with it: that is the server's death, not the director's.
    await event('web2 is killed', {lossLimit: Infinity, streamsKept: false, bothLimit: 0}, async () => {
      const at = performance.now();
      await options.web.kill(web);
      await until('web2 gets no more connections', LIMIT, async () => {
        const said = await cluster.status('director1');
        const real = said?.virtuals[0]?.reals.find((one) => one.name.startsWith(`${address}:`));
        return real?.check === 'down' && (real.weight ?? 0) === 0;
      });
      const took = Math.round(performance.now() - at);
      // From a port that they have seen it come from: the directors know that connection yet, and its real.
      client?.write(`again ${web}`);
      const again = await until('the same port is answered', LIMIT, () =>
        client?.lines.find((line) => line.includes('"again":')),
      );
      if (again.includes('"error":')) throw new Error(`a client that came again from its port: ${again}`);
      return `out after ${took} ms`;
    });
    await event('web2 is back', {lossLimit: 0, streamsKept: true, bothLimit: 0}, async () => {
      await options.web.start(web);
      await allWebsUp(cluster, 'director1');
      return 'weight 1 again';
    });
  }

  async function processDies(name: string): Promise<void> {
    const handsOver = name === 'failover' || name === 'supervisor';
    const bothLimit = handsOver ? OVERLAP_LIMIT : 0;
    // As on a director that has run for a while; an emulated machine takes a minute to load them all.
    await until(`director1 has a spare for ${name}`, LIMIT, async () => {
      const said = await cluster.status('director1');
      return said?.processes.some((process) => process.name === name && process.spare === 'loaded');
    });
    await event(
      `SIGKILL of ${name}`,
      {lossLimit: handsOver ? YOUNG_LIMIT : 0, streamsKept: true, bothLimit},
      async (crashOver) => {
        const before = await cluster.status('director1');
        const pid = before?.processes.find((process) => process.name === name)?.pid;
        if (pid === undefined) throw new Error(`no pid of ${name}`);
        const [at, killed] = [performance.now(), Date.now()];
        await site.run('director1', ['kill', '-KILL', String(pid)]);
        await until(`${name} runs again`, LIMIT, async () => {
          const said = await cluster.status('director1');
          const now = said?.processes.find((process) => process.name === name);
          return now?.state === 'running' && now.pid !== pid && couldServe(said);
        });
        const took = Math.round(performance.now() - at);
        if (handsOver) {
          // By what the kernels said: on a slow machine director1 has taken back already when it says that it is whole.
          await until('director2 takes over', LIMIT, () => changeOf('director2', true, killed));
          await cluster.active('director1', LIMIT);
          const gone = changeOf('director1', false, killed);
          crashOver((gone && changeOf('director1', true, gone)) ?? Date.now());
        }
        const limit = Math.max(WHOLE_LIMIT, OF_COLD_START * coldStart);
        if (took > limit && options.judgeTimes)
          throw new Error(`whole again only after ${took} ms (limit ${Math.round(limit)} ms)`);
        return `whole again after ${took} ms${took > WHOLE_LIMIT ? `, a cold start took ${Math.round(coldStart)}` : ''}`;
      },
    );
  }

  async function brokenReload(): Promise<string> {
    const file = `${cluster.directory('director1')}/ha.d/ldirectord.cf`;
    const good = (await site.run('director1', ['cat', file])).stdout;
    // An answer that was cut short is asked for again: `undefined` is no table.
    const tableNow = () =>
      until('director1 shows its table', LIMIT, async () => {
        const virtuals = (await cluster.status('director1'))?.virtuals;
        return (
          virtuals && JSON.stringify(virtuals.map((one) => one.reals.map(({name, weight}) => [name, weight])))
        );
      });
    const before = await tableNow();
    await site.write('director1', file, good.replace('scheduler=rr', 'scheduler=\nnonsense=1'), 0o644);
    const outcome = await cluster.hactl('director1', ['reload']);
    const after = await tableNow();
    await site.write('director1', file, good, 0o644);
    const mended = await cluster.hactl('director1', ['reload']);
    if (outcome.status === 0) throw new Error('a broken file was taken');
    if (!/ldirectord\.cf:\d+:\d+: error/.test(outcome.stderr))
      throw new Error(`no place in: ${outcome.stderr}`);
    if (before !== after) throw new Error(`the table changed: ${before} -> ${after}`);
    if (mended.status !== 0) throw new Error(`the good file was refused: ${mended.stderr}`);
    return 'refused with file:line:column, table unchanged';
  }
}
