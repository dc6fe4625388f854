/**
 * `servers.ts PROGRAM ARGUMENTS…`: runs the program where Debian's servers are on the PATH, none of them installed. As
 * root the program gets namespaces of its own: the tree of servers laid over /usr, /etc and /var, what it writes there
 * kept in memory; a loopback without anybody else's ports; and no process of it outlives it. Without root it runs in the
 * micro-VM, which is given the same tree.
 */
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, rmdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {prepareAgents} from './agent-packages.ts';
import {LabError} from './apt.ts';
import {prepareLab} from './packages.ts';
import {prepareServers} from './server-packages.ts';
import {runInVm} from './vm.ts';
import {compileCache, warm} from './warm.ts';

const root = path.resolve(import.meta.dirname, '../..');
const VM_LIMIT = 24 * 60_000;
const say = (line: string): void => void process.stderr.write(line + '\n');

/** Users whose names are compiled into the servers or stand in their defaults; no package's script creates them here. */
const users = [
  'Debian-exim', 'dovecot', 'dovenull', 'news', 'ftp', 'mysql', 'postgres', 'openldap', 'bind', 'freerad', 'kamailio',
  'proxy', 'www-data', 'stunnel4',
]; // prettier-ignore

/** Shell: the users, names for loopback, then the program. The /etc that it writes to is private in both worlds. */
const START = `
uid=64900
for user in ${users.join(' ')}; do
  grep -q "^$user:" /etc/group || echo "$user:x:$uid:" >> /etc/group
  grep -q "^$user:" /etc/passwd || echo "$user:x:$uid:$uid::/:/usr/sbin/nologin" >> /etc/passwd
  uid=$((uid - 1))
done
echo "127.0.0.1 localhost $(uname -n)" >> /etc/hosts
exec "$@"
`;

/**
 * Shell: $1 is the tree, $2 an empty folder, the rest the program. A container's own /etc/hosts and the like are mounts,
 * which an overlay does not show: they are copied.
 */
const LAY_OVER = `
set -e
tree=$1 mine=$2; shift 2
mount -t tmpfs -o mode=755 hactl "$mine"
for top in usr etc var; do
  [ -d "$tree/$top" ] || continue
  mkdir -p "$mine/$top/upper" "$mine/$top/work"
  if [ $top = etc ]; then
    for file in hosts hostname resolv.conf; do [ ! -f /etc/$file ] || cp -L /etc/$file "$mine/etc/upper/"; done
  fi
  mount -t overlay -o "lowerdir=$tree/$top:/$top,upperdir=$mine/$top/upper,workdir=$mine/$top/work" hactl /$top
done
mount -t tmpfs -o mode=755 hactl /run
ip link set lo up
${START}`;

const argv = process.argv.slice(2);

/** In namespaces of its own, which end with this process whatever happens to it. Resolves to the exit status. */
function runHere(tree: string): Promise<number> {
  const mine = mkdtempSync(path.join(os.tmpdir(), 'hactl-servers-'));
  const child = spawn(
    'unshare',
    [
      '--mount', '--net', '--ipc', '--pid', '--mount-proc', '--fork', '--kill-child', '--',
      'sh', '-c', LAY_OVER, 'servers', tree, mine, ...argv,
    ], // prettier-ignore
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {...process.env, PATH: `${process.env.PATH}:${folders(tree)}`, HACTL_SERVERS: '1'},
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => child.kill('SIGKILL'));
  return new Promise((resolve) => {
    const end = (status: number): void => {
      rmdirSync(mine);
      resolve(status);
    };
    child.on('error', (error) => {
      process.stderr.write(`servers: unshare: ${error.message}\n`);
      end(127);
    });
    child.on('exit', (status) => end(status ?? 1));
  });
}

/** In the micro-VM, for want of root (or because HACTL_LAB=vm says so). */
function runInMachine(tree: string): Promise<number> {
  process.stderr.write('servers: in the micro-VM, for want of root: emulated, a quarter of an hour or so\n');
  const lab = prepareLab(say);
  warm(argv);
  return runInVm({
    lab,
    over: tree,
    cwd: root,
    argv: ['sh', '-c', `PATH=$PATH:${folders(tree)}; ${START}`, 'servers', ...argv],
    env: {NODE_COMPILE_CACHE: compileCache, FORCE_COLOR: '0', HACTL_IN_VM: '1', HACTL_SERVERS: '1'},
    limit: VM_LIMIT,
    out: (line) => process.stdout.write(line + '\n'),
  });
}

/** Where Debian keeps servers: PostgreSQL's programs stand in a folder for each version, INN's in one of their own. */
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
