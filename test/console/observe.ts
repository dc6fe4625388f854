/**
 * `npm run console:observe`: Prometheus, with the shipped alert rules, scrapes the consoles of a pair in namespaces through a
 * power loss and the return; then one console is flooded for a minute while the engine's lateness is measured. Needs root and
 * Debian's prometheus. Prints every query and its result.
 */
import {spawn} from 'node:child_process';
import {copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import https from 'node:https';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';
import {serveConsole, type RunningConsole} from './serve.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const executable = '/usr/bin/prometheus';
const LIMIT_MS = 120_000;
const PORT = 9_100 + (process.pid % 800);
const FLOOD = {perSecond: 1_000, seconds: 60};
const directors = ['director1', 'director2'] as const;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
if (process.getuid?.() !== 0 || !existsSync(executable)) {
  say(`console:observe needs root and ${executable}: apt-get install prometheus`);
  process.exit(1);
}

const folder = mkdtempSync(path.join(tmpdir(), 'hactl-observe-'));
const site = makeNamespaces({checkout, letter: 'o', secondLink: true});
const cluster = makeCluster({site, keepalive: '100ms', deadtime: '1'});
const consoles = new Map<string, RunningConsole>();
const tokenFile = (name: string): string => path.join(folder, `${name}.token`);

/** One job per director: each console has its own token. */
function configuration(): string {
  const job = (name: string, index: number): string =>
    [
      `  - job_name: ${name}`,
      '    scheme: https',
      '    tls_config: {insecure_skip_verify: true}',
      `    authorization: {credentials_file: ${tokenFile(name)}}`,
      `    static_configs: [{targets: ['127.0.0.1:${PORT + 1 + index}'], labels: {instance: ${name}}}]`,
    ].join('\n');
  const global = 'global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]';
  return `${global}\nscrape_configs:\n${directors.map(job).join('\n')}\n`;
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

async function ask<Data>(where: string): Promise<Data> {
  const response = await fetch(`http://127.0.0.1:${PORT}/api/v1/${where}`);
  return ((await response.json()) as {data: Data}).data;
}
const query = async (text: string): Promise<readonly Sample[]> =>
  (await ask<{result: readonly Sample[]}>(`query?query=${encodeURIComponent(text)}`)).result;

const inWords = ({metric, value}: Sample): string =>
  `${Object.entries(metric)
    .filter(([name]) => !['job', '__name__'].includes(name))
    .map(([name, label]) => `${name}="${label}"`)
    .join(' ')} ${value[1]}`;

async function show(text: string): Promise<void> {
  say(`  ${text}`);
  for (const sample of await query(text)) say(`    ${inWords(sample)}`);
}

const firing = async (): Promise<readonly string[]> => {
  const {alerts} = await ask<{alerts: readonly {state: string; labels: Readonly<Record<string, string>>}[]}>(
    'alerts',
  );
  return alerts
    .filter(({state}) => state === 'firing')
    .map(({labels}) => `${labels['alertname']} ${labels['instance'] ?? labels['group'] ?? ''}`.trim())
    .toSorted();
};
const fires = (alert: string): Promise<unknown> =>
  until(`${alert} fires`, LIMIT_MS, async () => (await firing()).includes(alert));

/** Both receive each other's adverts, and one is Active. */
async function wholePair(): Promise<boolean> {
  const hears = await query('hactl_peer_up == 1');
  const [active] = await query('sum(hactl_group_active)');
  return hears.length === directors.length && active?.value[1] === '1';
}

/** Sends requests to the console at a steady rate; returns the answers' codes. */
async function flood({port}: RunningConsole): Promise<ReadonlyMap<number, number>> {
  const agent = new https.Agent({keepAlive: true, maxSockets: 50, rejectUnauthorized: false});
  const codes = new Map<number, number>();
  const count = (code: number): void => void codes.set(code, (codes.get(code) ?? 0) + 1);
  const began = performance.now();
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passed = Math.min((performance.now() - began) / 1_000, FLOOD.seconds);
      for (; sent < passed * FLOOD.perSecond; sent += 1)
        https
          .get({host: '127.0.0.1', port, path: '/api/status', agent}, (answer) => {
            answer.resume();
            count(answer.statusCode ?? 0);
          })
          .on('error', () => count(0));
      if (passed < FLOOD.seconds) return;
      clearInterval(timer);
      resolve();
    }, 10);
  });
  agent.destroy();
  return codes;
}

const lateness = async (name: string): Promise<string> => {
  const late = (await cluster.status(name))?.engine?.lateness;
  return `p50 ${late?.p50.toFixed(2)} ms, p99 ${late?.p99.toFixed(2)} ms, longest ${late?.max.toFixed(2)} ms`;
};

const roles = async (name: string): Promise<string | undefined> =>
  (await cluster.status(name))?.engine?.groups.map(({role}) => role).join(' ');

try {
  for (const [index, name] of directors.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- the first must become Active.
    await cluster.writeConfig(name);
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await cluster.start(name);
    // oxlint-disable-next-line no-await-in-loop -- the same.
    const server = await serveConsole(cluster, name, PORT + 1 + index);
    consoles.set(name, server);
    writeFileSync(tokenFile(name), server.ask('token'));
  }
  await cluster.active('director1', LIMIT_MS);
  copyFileSync(path.join(checkout, 'docs/observability/alerts.yml'), path.join(folder, 'alerts.yml'));
  writeFileSync(path.join(folder, 'prometheus.yml'), configuration());
  const prometheus = spawn(
    executable,
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${PORT}`,
    ],
    {stdio: 'ignore'},
  );
  process.once('exit', () => void prometheus.kill());
  await until('Prometheus sees a whole pair', LIMIT_MS, () => wholePair().catch(() => false));
  say('a whole pair');
  await show('hactl_group_active');
  await show('hactl_peer_up');

  say('power loss of director1');
  await consoles.get('director1')?.stop();
  await cluster.powerOff('director1');
  await until(
    'Prometheus sees director2 Active',
    LIMIT_MS,
    async () => (await query('hactl_group_active{instance="director2"} == 1')).length > 0,
  );
  await fires('HactlPeerSilent director2');
  await show('up');
  await show('hactl_group_active');
  await show('changes(hactl_group_active[1m])');
  say(`  alerts: ${(await firing()).join(', ')}`);

  say('director1 is back');
  await cluster.powerOn('director1');
  consoles.set('director1', await serveConsole(cluster, 'director1', PORT + 1));
  await until('Prometheus sees a whole pair', LIMIT_MS, async () => {
    return (await wholePair()) && !(await firing()).includes('HactlPeerSilent director2');
  });
  await show('hactl_group_active');
  say(`  alerts: ${(await firing()).join(', ')}`);

  const target = consoles.get('director2');
  if (target) {
    say(
      `flood: ${FLOOD.perSecond} requests/s at the console of director2, which is Active, for ${FLOOD.seconds} s`,
    );
    say(`  engine before: ${await lateness('director2')}`);
    const before = await roles('director2');
    const codes = await flood(target);
    say(`  answers: ${[...codes].map(([code, number]) => `${number} with ${code}`).join(', ')}`);
    say(`  engine after: ${await lateness('director2')}`);
    const after = await roles('director2');
    if (before !== after) throw new Error(`roles changed from ${before} to ${after}`);
  }
  say('console:observe passed');
} finally {
  await Promise.all([...consoles.values()].map((server) => server.stop()));
  await cluster.stop();
  await site.destroy();
  rmSync(folder, {recursive: true, force: true});
}
process.exit(0);
