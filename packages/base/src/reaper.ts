/**
 * Ends process groups when the process that started them is gone, however it ended: SIGKILL leaves it no chance to clean up.
 * A shell waits on a pipe; the kernel closes the pipe, and the shell kills the groups it knows.
 */
import {spawn, type ChildProcess} from 'node:child_process';

/** POSIX sh: `+ PID` and `- PID` on its input; at the end of the input the groups that are left get SIGKILL. */
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
  /** Call it before a program is started: then there is hardly a gap in which a group is unknown. */
  prepare(): void;
  /** This group ends with us. */
  watch(group: number): void;
  /** It ended by itself. */
  forget(group: number): void;
  /** Ends the reaper, and first the groups that are left. */
  end(): void;
}

/** Starts its shell when it is first needed, and anew should that end; does not keep this process alive. */
export function makeReaper(): Reaper {
  const groups = new Set<number>();
  let shell: ChildProcess | undefined;
  let over = false;

  const start = (): ChildProcess => {
    // A session of its own: what ends our group does not end it.
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
