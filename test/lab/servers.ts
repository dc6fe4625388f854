/**
 * `servers.ts PROGRAM ARGUMENTS…`: runs the program with Debian's servers on the PATH, none of them installed. As root the
 * program gets its own namespaces: the tree of servers overlaid on /usr, /etc and /var with writes kept in memory; a private
 * loopback, so no port is taken; and no child process outlives it. Without root it runs in the micro-VM with the same tree.
 */
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {prepareAgents} from './agent-packages.ts';
import {LabError} from './apt.ts';
import {runOver} from './overlay.ts';
import {prepareLab} from './packages.ts';
import {prepareServers} from './server-packages.ts';
import {runInVm} from './vm.ts';
import {warm} from './warm.ts';

const root = path.resolve(import.meta.dirname, '../..');
const VM_LIMIT = 24 * 60_000;
const say = (line: string): void => void process.stderr.write(line + '\n');

/** Users compiled into the servers or named in their defaults; no maintainer script creates them here. */
const users = [
  'Debian-exim', 'dovecot', 'dovenull', 'news', 'ftp', 'mysql', 'postgres', 'openldap', 'bind', 'freerad', 'kamailio',
  'proxy', 'www-data', 'stunnel4',
]; // prettier-ignore

/** Shell: creates the users and names for loopback. /etc is private in both cases. */
const START = `
uid=64900
for user in ${users.join(' ')}; do
  grep -q "^$user:" /etc/group || echo "$user:x:$uid:" >> /etc/group
  grep -q "^$user:" /etc/passwd || echo "$user:x:$uid:$uid::/:/usr/sbin/nologin" >> /etc/passwd
  uid=$((uid - 1))
done
echo "127.0.0.1 localhost $(uname -n)" >> /etc/hosts
`;

const argv = process.argv.slice(2);

/** Runs in private namespaces, which end with this process in any case. Resolves to the exit status. */
const runHere = (tree: string): Promise<number> =>
  runOver({
    tree,
    folders: ['usr', 'etc', 'var'],
    isolated: true,
    before: START,
    argv,
    cwd: root,
    env: {PATH: `${process.env.PATH}:${folders(tree)}`, HACTL_SERVERS: '1'},
  });

/** Runs in the micro-VM, without root or with HACTL_LAB=vm. */
async function runInMachine(tree: string): Promise<number> {
  process.stderr.write('servers: not root, using the emulated micro-VM: takes about 15 minutes\n');
  const lab = prepareLab(say);
  const compiled = await warm(argv);
  return runInVm({
    lab,
    over: tree,
    cwd: root,
    argv: ['sh', '-c', `PATH=$PATH:${folders(tree)}; ${START}exec "$@"`, 'servers', ...argv],
    env: {...compiled, FORCE_COLOR: '0', HACTL_IN_VM: '1', HACTL_SERVERS: '1'},
    limit: VM_LIMIT,
    out: (line) => process.stdout.write(line + '\n'),
  });
}

/** Folders of Debian's servers: PostgreSQL has one per version, INN its own. */
function folders(tree: string): string {
  const postgres = [tree, '/'].flatMap((top) => {
    const base = path.join(top, 'usr/lib/postgresql');
    return existsSync(base) ? readdirSync(base).map((version) => `/usr/lib/postgresql/${version}/bin`) : [];
  });
  return ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib/news/bin', ...postgres].join(':');
}

try {
  const {tree} = prepareServers(say);
  prepareAgents(say);
  const here = process.getuid?.() === 0 && process.env.HACTL_LAB !== 'vm';
  process.exitCode = await (here ? runHere(tree) : runInMachine(tree));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
