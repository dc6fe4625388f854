/** Processes and their descendants, from /proc. */
import {readdirSync, readFileSync} from 'node:fs';

/** A process and all its descendants. */
export function treeOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])] as const];
      } catch {
        return [];
      }
    });
  const tree = [pid];
  for (const parentPid of tree)
    for (const [child, parent] of parents) if (parent === parentPid) tree.push(child);
  return tree;
}

/** Of a process tree. */
export interface Usage {
  /** Milliseconds of user and system time, ended children included. */
  readonly cpu: number;
  /** Resident megabytes: pages that several processes share count in each of them. */
  readonly rss: number;
  /** Proportional megabytes: a page that several processes share counts once. Source: smaps_rollup(5). */
  readonly pss: number;
}

/** What a process and its descendants use. */
export function usage(pid: number): Usage {
  let [ticks, pages, kilobytes] = [0, 0, 0];
  for (const member of treeOf(pid)) {
    try {
      const stat = readFileSync(`/proc/${member}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      for (const at of [11, 12, 13, 14]) ticks += fields[at] ?? 0;
      pages += fields[21] ?? 0;
      const rollup = readFileSync(`/proc/${member}/smaps_rollup`, 'utf8');
      kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
    } catch {
      // Ended in between.
    }
  }
  return {cpu: ticks * 10, rss: (pages * 4_096) / 1e6, pss: (kilobytes * 1_024) / 1e6};
}
