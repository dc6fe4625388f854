/**
 * The directors' CPU, once a second. Where the daemons run on this kernel: of the supervisor and its processes; what the kernel
 * does for a director, forwarding above all, is nobody's there. On a machine of its own: all that this machine does.
 */
import {readFile} from 'node:fs/promises';
import type {CpuSample, LoadReport} from '../../../src/drill/load-report.ts';
import {directors, type Cluster} from '../cluster.ts';

/** Milliseconds per tick: USER_HZ is 100. */
const TICK = 10;
const EVERY = 1_000;

/** CPU time since boot in ticks, by process id; a whole machine is one entry. */
export type Ticks = ReadonlyMap<number, number>;

/** User and system time of a process from /proc/PID/stat, whose second field may contain anything. Pure. */
export function processTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Everything but idle and waiting time of a machine, from /proc/stat. Pure. */
export function machineTicks(stat: string): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (stat.split('\n')[0] ?? '')
    .split(/ +/)
    .map(Number);
  return user + nice + system + irq + softirq;
}

/** Ticks between two readings; a process that is only in the second began after the first. Pure. */
export function ticksBetween(before: Ticks, now: Ticks): number {
  let sum = 0;
  for (const [pid, ticks] of now) sum += Math.max(0, ticks - (before.get(pid) ?? 0));
  return sum;
}

/** The process and its descendants; a process that ends meanwhile is left out. */
async function treeTicks(pid: number, into = new Map<number, number>()): Promise<Ticks> {
  try {
    const [stat, children] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'),
    ]);
    into.set(pid, processTicks(stat));
    await Promise.all(
      children
        .split(' ')
        .filter(Boolean)
        .map((child) => treeTicks(Number(child), into)),
    );
  } catch {
    // It has ended.
  }
  return into;
}

/** Records from `start` to `stop`; times count from `began` (wall clock, milliseconds). */
export function recordCpu(cluster: Cluster, began: number) {
  const samples: CpuSample[] = [];
  const last = new Map<string, {readonly at: number; readonly ticks: Ticks}>();
  const shared = cluster.site.sharedFiles;
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;

  async function read(name: string): Promise<Ticks | undefined> {
    if (shared) {
      const pid = cluster.daemon(name)?.pid;
      // A director without power uses nothing.
      return pid === undefined ? new Map() : treeTicks(pid);
    }
    const {status, stdout} = await cluster.site.run(name, ['cat', '/proc/stat']);
    return status === 0 ? new Map([[0, machineTicks(stdout)]]) : undefined;
  }

  async function look(): Promise<void> {
    await Promise.all(
      directors.map(async (director) => {
        const ticks = await read(director);
        const at = Date.now() - began;
        const before = last.get(director);
        if (ticks === undefined) last.delete(director);
        else last.set(director, {at, ticks});
        if (before === undefined || ticks === undefined || at === before.at) return;
        const percent = (ticksBetween(before.ticks, ticks) * TICK * 100) / (at - before.at);
        samples.push({at, director, percent: Math.round(percent)});
      }),
    );
    if (!stopped) timer = setTimeout(() => void look(), EVERY);
  }

  return {
    start: (): void => {
      stopped = false;
      void look();
    },
    stop: (): LoadReport['cpu'] => {
      stopped = true;
      clearTimeout(timer);
      return {of: shared ? 'processes' : 'machine', samples};
    },
  };
}
