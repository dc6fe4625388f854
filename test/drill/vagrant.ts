/** `npm run drill -- --site vagrant`: the drills on the machines of vagrant/Vagrantfile, over ssh. */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Site} from '../lab/site.ts';
import {clientFiles} from './client-files.ts';
import {makeCluster} from './cluster.ts';
import {chosenDrills, drillOptions} from './options.ts';
import {reportLines} from './reports.ts';
import {runDrill} from './run.ts';
import type {Webs} from './scene.ts';
import {makeSshSite} from './ssh.ts';

const options = drillOptions(process.argv.slice(2));
if (options.tsung) {
  process.stderr.write('--tsung runs in namespaces only: on machines see docs/drills.md, Load\n');
  process.exit(2);
}
const checkout = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-vagrant-'));
const config = path.join(folder, 'ssh-config');
const machines = {
  director1: '10.99.1.2',
  director2: '10.99.1.3',
  web1: '10.99.1.11',
  web2: '10.99.1.12',
  client: '10.99.1.10',
};
/** The client's machine has no checkout: only the drill's client and the package's Node. */
const REMOTE = '/tmp/hactl-drill';

const said = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
try {
  const text = execFileSync('vagrant', ['ssh-config'], {
    cwd: path.join(checkout, 'vagrant'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  writeFileSync(config, text);
} catch (error) {
  process.stderr.write(
    `vagrant ssh-config failed: are the machines up? cd vagrant && vagrant up\n${said(error)}\n`,
  );
  process.exit(1);
}

/** The machines' nginx, run by systemd. */
const serviceOf = (site: Site): Webs => {
  const page = (host: string): string => `It Works! ${host}\n`;
  const kill = (signal: string, host: string): Promise<unknown> =>
    site.run(host, ['systemctl', 'kill', '--kill-who=all', '-s', signal, 'nginx']);
  return {
    start: async (host) => {
      const {status, stderr} = await site.run(host, ['systemctl', 'restart', 'nginx']);
      if (status !== 0) throw new Error(`nginx of ${host}: ${stderr}`);
    },
    kill: async (host) => {
      await kill('KILL', host);
    },
    freeze: async (host, signal) => {
      await kill(signal.replace('SIG', ''), host);
    },
    answer: (host, text = page(host)) => site.write(host, '/var/www/html/index.html', text, 0o644),
  };
};

const started = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6);
  process.stdout.write(line === '' || line.startsWith(' ') ? `${line}\n` : `${seconds} s  ${line}\n`);
};
const site = makeSshSite({
  config,
  addresses: machines,
  webs: ['web1', 'web2'],
  vip: '10.99.1.100',
  node: '/usr/lib/hactl/node',
  checkout: REMOTE,
});
for (const file of clientFiles)
  // oxlint-disable-next-line no-await-in-loop -- a handful of small files.
  await site.write('client', `${REMOTE}/${file}`, readFileSync(path.join(checkout, file), 'utf8'), 0o644);
const streams = Number(options.streams);
const report = await runDrill({
  site,
  cluster: makeCluster({site, keepalive: '', deadtime: '', installed: true}),
  drills: chosenDrills(site, options, say),
  streams,
  web: serviceOf(site),
  load: options.load,
  say,
  logs: options['keep-logs'],
  judgeTimes: !options['no-times'],
  installed: true,
  limit: options.limit ?? 300_000,
  lookEvery: 5_000,
  settings: {streams},
});
await site.destroy();
rmSync(folder, {recursive: true, force: true});
if (options['print-report']) for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
process.stdout.write(report.passed ? 'drill passed\n' : 'drill FAILED\n');
process.exit(report.passed ? 0 : 1);
