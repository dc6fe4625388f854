/**
 * Runs a program, as root, where a tree of Debian packages is laid over this machine's files. Nothing is installed, what
 * the program writes into a covered folder stays in memory, and the view ends with the program.
 */
import {spawn} from 'node:child_process';
import {mkdtempSync, rmdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Overlay {
  /** The unpacked tree; of it `folders` are laid over the machine's own. */
  readonly tree: string;
  readonly folders: readonly ('usr' | 'etc' | 'var')[];
  /** A network, processes and a /run of the program's own: no process of it outlives it. */
  readonly isolated: boolean;
  /** Shell, run in the new view before the program. */
  readonly before?: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Shell: $1 is the tree, $2 an empty folder, $3 the folders, $4 what to run first, the rest the program. A container's own
 * /etc/hosts and the like are mounts, which an overlay does not show: they are copied.
 */
const LAY_OVER = `
set -e
tree=$1 mine=$2 folders=$3 before=$4; shift 4
mount -t tmpfs -o mode=755 hactl "$mine"
for top in $folders; do
  [ -d "$tree/$top" ] || continue
  mkdir -p "$mine/$top/upper" "$mine/$top/work"
  if [ $top = etc ]; then
    for file in hosts hostname resolv.conf; do [ ! -f /etc/$file ] || cp -L /etc/$file "$mine/etc/upper/"; done
  fi
  mount -t overlay -o "lowerdir=$tree/$top:/$top,upperdir=$mine/$top/upper,workdir=$mine/$top/work" hactl /$top
done
eval "$before"
exec "$@"
`;

/** Needs root. Resolves to the program's exit status; 127 where the view could not be made. */
export function runOver({tree, folders, isolated, before = '', argv, cwd, env}: Overlay): Promise<number> {
  const mine = mkdtempSync(path.join(os.tmpdir(), 'hactl-over-'));
  const isolation = isolated ? ['--net', '--ipc', '--pid', '--mount-proc', '--fork', '--kill-child'] : [];
  const first = isolated ? `mount -t tmpfs -o mode=755 hactl /run\nip link set lo up\n${before}` : before;
  const child = spawn(
    'unshare',
    [
      '--mount',
      ...isolation,
      '--',
      'sh',
      '-c',
      LAY_OVER,
      'over',
      tree,
      mine,
      folders.join(' '),
      first,
      ...argv,
    ],
    {cwd, stdio: ['ignore', 'inherit', 'inherit'], env: {...process.env, ...env}},
  );
  // What has processes of its own ends with its first; anything else is asked, so that it can clean up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => child.kill(isolated ? 'SIGKILL' : signal));
  return new Promise((resolve) => {
    const end = (status: number): void => {
      rmdirSync(mine);
      resolve(status);
    };
    child.on('error', (error) => {
      process.stderr.write(`unshare: ${error.message}\n`);
      end(127);
    });
    child.on('exit', (status) => end(status ?? 1));
  });
}
