/**
 * Runs a program, as root, with a tree of Debian packages overlaid on this machine's files. Nothing is installed, writes to
 * an overlaid folder stay in memory, and the mounts end with the program.
 */
import {spawn} from 'node:child_process';
import {mkdtempSync, rmdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Overlay {
  /** The unpacked tree; its `folders` are overlaid on the machine's. */
  readonly tree: string;
  readonly folders: readonly ('usr' | 'etc' | 'var')[];
  /** Private network, pid namespace and /run: no child process outlives the program. */
  readonly isolated: boolean;
  /** Shell script run inside the overlay before the program. */
  readonly before?: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Shell: $1 is the tree, $2 an empty folder, $3 the folders, $4 the script to run first, the rest the program. In a container
 * /etc/hosts and the like are mounts, which an overlay does not include: they are copied.
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

/** Needs root. Resolves to the program's exit status; 127 if the overlay could not be set up. */
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
  // A pid namespace dies with its first process; otherwise forward the signal, so that the program can clean up.
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
