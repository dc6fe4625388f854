/**
 * Kills process groups when the process that started them is gone, even by SIGKILL, which leaves it no chance to clean up. A
 * shell waits on a pipe; when the kernel closes the pipe the shell kills the groups it knows.
 */
import {spawn, type ChildProcess} from 'node:child_process';

/** POSIX sh: reads `+ PID` and `- PID`; at end of input it sends SIGKILL to the remaining groups. */
const SCRIPT = `trap '' TERM INT HUP
groups=' '
while read -r word group; do
  case $word in
    +) groups="$groups$group " ;;
    -) groups="${'${groups%% $group *}'} ${'${groups#* $group }'}" ;;
  esac
done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done`;

export interface Reaper {
  /** Call it before starting a program, to minimise the time in which a group is unknown. */
  prepare(): void;
  /** Kill this group when we exit. */
  watch(group: number): void;
  /** The group has ended by itself. */
  forget(group: number): void;
  /** Kills the remaining groups, then ends the reaper. */
  end(): void;
}

/** Starts its shell on first use, and again if it ends; does not keep this process alive. */
export function makeReaper(): Reaper {
  const groups = new Set<number>();
  let shell: ChildProcess | undefined;
  let over = false;

  const start = (): ChildProcess => {
    // A separate session: a signal to our group does not reach it.
    const child = spawn('/bin/sh', ['-c', SCRIPT], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    child.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    child.on('exit', () => {
      if (shell !== child) return;
      shell = undefined;
      if (!over && groups.size > 0) shell = start();
    });
    child.unref();
    (child.stdin as unknown as {unref?(): void} | null)?.unref?.();
    for (const group of groups) child.stdin?.write(`+ ${group}\n`);
    return child;
  };

  const prepare = (): void => {
    if (!over) shell ??= start();
  };

  return {
    prepare,
    watch: (group) => {
      if (groups.has(group) || over) return;
      prepare();
      groups.add(group);
      shell?.stdin?.write(`+ ${group}\n`);
    },
    forget: (group) => {
      if (groups.delete(group)) shell?.stdin?.write(`- ${group}\n`);
    },
    end: () => {
      over = true;
      shell?.stdin?.end();
    },
  };
}
