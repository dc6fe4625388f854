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

/** CPU milliseconds and resident megabytes of a tree, ended children included. */
export function usage(pid: number): {cpu: number; memory: number} {
  let [ticks, pages] = [0, 0];
  for (const member of treeOf(pid)) {
    try {
      const stat = readFileSync(`/proc/${member}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      for (const at of [11, 12, 13, 14]) ticks += fields[at] ?? 0;
      pages += fields[21] ?? 0;
    } catch {
      // Ended in between.
    }
  }
  return {cpu: ticks * 10, memory: (pages * 4_096) / 1e6};
}
