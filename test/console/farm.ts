/**
 * The farms of the two Piranha tutorials: a pair without services, its console, the article's real servers with the virtual IP
 * on lo, and a client. Prints the console's one-time link, then the client's answers from the virtual IP until it is killed.
 * Runs in the micro-VM, which has IPVS, as `farm.ts web|mysql PORT`; started there by test/console/tutorials.ts.
 */
import {execFileSync} from 'node:child_process';
import {appendFileSync, chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {makeCluster} from '../drill/cluster.ts';
import {hostPrograms} from '../lab/host-programs.ts';
import {makeWebs} from '../lab/nginx.ts';
import type {Site} from '../lab/site.ts';
import {until} from '../lab/until.ts';
import {serveConsole} from './serve.ts';

/** Host parts of the article's addresses. */
const farms = {
  web: {
    network: '192.168.122',
    vip: 10,
    directors: {lvsrouter: 5, lvsrouter2: 6},
    servers: {node1: 1, node2: 2, node3: 3},
  },
  mysql: {
    network: '192.168.2',
    vip: 240,
    directors: {balancer: 228, balancer2: 229},
    servers: {mysql1: 241, mysql2: 242},
  },
} as const;
export type FarmName = keyof typeof farms;

/** The lines read by the parent program: first the link, then the answers of each round of requests. */
export type FarmLine =
  {readonly link: string} | {readonly answers: Readonly<Record<string, number>>; readonly table: string};

const LIMIT_MS = 300_000;
/** Answers of one round of requests. */
const REQUESTS = 12;
const ROUND_PAUSE_MS = 2_000;
const BRIDGE = 'farm';

/** The article's script, as printed there. */
const MONITOR = `#!/bin/sh
USER=monitor
PASS=MiPass123
####################################################################
CMD=/usr/bin/mysqladmin

IS_ALIVE=\`$CMD -h $1 -u $USER -p$PASS ping | grep -c "alive"\`

if [ "$IS_ALIVE" = "1" ]; then
echo "UP"
else
echo "DOWN"
fi
`;

const print = (line: FarmLine): boolean => process.stdout.write(`FARM ${JSON.stringify(line)}\n`);
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

function makeSite(name: FarmName, root: string): Site {
  const {network, vip, directors, servers} = farms[name];
  const hosts: Readonly<Record<string, number>> = {...directors, ...servers, client: 50};
  ip('link', 'add', BRIDGE, 'type', 'bridge', 'forward_delay', '0');
  ip('link', 'set', BRIDGE, 'up');
  for (const [host, number] of Object.entries(hosts)) {
    ip('netns', 'add', host);
    ip('link', 'add', `p-${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host);
    ip('link', 'set', `p-${host}`, 'master', BRIDGE, 'up');
    for (const words of [
      ['link', 'set', 'lo', 'up'],
      ['link', 'set', 'eth0', 'up'],
      ['address', 'add', `${network}.${number}/24`, 'brd', '+', 'dev', 'eth0'],
    ])
      ip('-n', host, ...words);
    const set = (...settings: string[]): string => ip('netns', 'exec', host, 'sysctl', '-qw', ...settings);
    if (host in directors) set('net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0');
    if (!(host in servers)) continue;
    set('net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2');
    ip('-n', host, 'address', 'add', `${network}.${vip}/32`, 'dev', 'lo');
  }
  return {
    name,
    sharedFiles: true,
    vip: `${network}.${vip}`,
    webs: Object.keys(servers),
    node: process.execPath,
    checkout: path.resolve(import.meta.dirname, '../..'),
    address: (host) => `${network}.${hosts[host]}`,
    device: () => 'eth0',
    directory: () => root,
    ...hostPrograms((host) => host).actions,
    cutLink: async (host) => void ip('link', 'set', `p-${host}`, 'down'),
    restoreLink: async (host) => void ip('link', 'set', `p-${host}`, 'up'),
    // The VM ends with the run.
    destroy: () => Promise.resolve(),
  };
}

/** A MariaDB on each server, with the article's user. The server_id identifies the server. */
async function startDatabases(site: Site, root: string): Promise<void> {
  const common = ['--no-defaults', '--user=root'];
  const first = path.join(root, 'data');
  execFileSync(
    'mariadb-install-db',
    [...common, `--datadir=${first}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    {stdio: 'ignore'},
  );
  const users = path.join(root, 'users.sql');
  writeFileSync(users, "GRANT USAGE ON *.* TO monitor@'%' IDENTIFIED BY 'MiPass123';\n");
  for (const [index, host] of site.webs.entries()) {
    const folder = path.join(root, host);
    mkdirSync(folder);
    cpSync(first, `${folder}/data`, {recursive: true});
    // oxlint-disable-next-line no-await-in-loop -- two databases.
    await site.start(
      host,
      [
        'mariadbd',
        ...common,
        `--datadir=${folder}/data`,
        `--socket=${folder}/socket`,
        `--pid-file=${folder}/pid`,
        `--init-file=${users}`,
        `--server-id=${index + 1}`,
        '--skip-name-resolve',
        '--innodb-buffer-pool-size=8M',
      ],
      `${folder}/mariadbd.log`,
    );
  }
  for (const host of site.webs)
    // oxlint-disable-next-line no-await-in-loop -- two databases.
    await until(`${host} answers`, LIMIT_MS, async () => {
      const {stdout} = await site.run('client', [
        'sh',
        path.join('/root', 'mysql_mon.sh'),
        site.address(host),
      ]);
      return stdout.includes('UP');
    });
}

/** Sends one request to the virtual IP; returns the answering server. */
async function ask(site: Site, name: FarmName): Promise<string | undefined> {
  if (name === 'web') {
    // A browser is not needed for one line of text.
    const request = `exec 3<>/dev/tcp/${site.vip}/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    const {status, stdout} = await site.run('client', ['timeout', '5', 'bash', '-c', request]);
    return status === 0 ? stdout.trim().split(' ').at(-1) : undefined;
  }
  const {status, stdout} = await site.run('client', [
    'mysql', '--no-defaults', '--connect-timeout=5', `-h${site.vip}`, '-umonitor', '-pMiPass123', '-N', '-e', 'SELECT @@server_id',
  ]); // prettier-ignore
  return status === 0 ? `mysql${stdout.trim()}` : undefined;
}

const [name = '', port = ''] = process.argv.slice(2);
if (process.env.HACTL_IN_VM !== '1' || !(name in farms)) {
  process.stderr.write('farm.ts runs in the micro-VM: npm run console:tutorials\n');
  process.exit(1);
}
const farm = name as FarmName;
const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-farm-'));
process.on('exit', () => rmSync(root, {recursive: true, force: true}));
chmodSync(root, 0o755);
// As installed by the package: checks run as their own user, which has no access to /root.
appendFileSync('/etc/passwd', 'hactl-check:x:990:990::/nonexistent:/usr/sbin/nologin\n');
appendFileSync('/etc/group', 'hactl-check:x:990:\n');
writeFileSync('/root/mysql_mon.sh', MONITOR);
chmodSync('/root/mysql_mon.sh', 0o755);
chmodSync('/root', 0o700);

const site = makeSite(farm, root);
const directors = Object.keys(farms[farm].directors);
const [first = ''] = directors;
if (farm === 'mysql') await startDatabases(site, root);
else {
  const webs = makeWebs(site);
  for (const host of site.webs)
    // oxlint-disable-next-line no-await-in-loop -- three servers.
    await webs.start(host);
}

const cluster = makeCluster({site, keepalive: '500ms', deadtime: '5'});
const empty: Readonly<Record<string, string>> = {
  'ha.cf': `keepalive 500ms\ndeadtime 5\nbcast eth0\nauto_failback on\nhactl_sync multicast\nnode ${directors.join(' ')}\n`,
  authkeys: 'auth 1\n1 sha256 0123456789abcdef0123456789abcdef\n',
  haresources: '',
  'ldirectord.cf': 'checkinterval=2\nchecktimeout=10\n',
};
for (const director of directors) {
  for (const [file, text] of Object.entries(empty))
    // oxlint-disable-next-line no-await-in-loop -- four small files.
    await site.write(director, `${cluster.directory(director)}/ha.d/${file}`, text, 0o600);
  // oxlint-disable-next-line no-await-in-loop -- two directors.
  await cluster.start(director);
}
for (const director of directors)
  // oxlint-disable-next-line no-await-in-loop -- two directors.
  await until(`${director} answers`, LIMIT_MS, () => cluster.status(director));
const {address} = Object.values(os.networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({family, internal}) => family === 'IPv4' && !internal) ?? {address: '127.0.0.1'};
const server = await serveConsole(cluster, first, Number(port), address);
print({link: server.ask('link')});

for (;;) {
  const answers: Record<string, number> = {};
  for (let request = 0; request < REQUESTS; request += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a single client.
    const answer = (await ask(site, farm)) ?? 'none';
    answers[answer] = (answers[answer] ?? 0) + 1;
    if (answer === 'none') break;
  }
  // oxlint-disable-next-line no-await-in-loop -- the next round comes after this one.
  const {stdout} = await cluster.hactl(first, ['ipvsadm', '-L']);
  print({answers, table: stdout});
  // oxlint-disable-next-line no-await-in-loop -- a client's pause.
  await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
}
