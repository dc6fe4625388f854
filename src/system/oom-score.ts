/**
 * Which of our processes the kernel kills when memory runs out. A spare can be spared, and it is as large as the process that
 * it stands for: without this the kernel takes the largest, the supervisor that works, and again each time a spare has loaded.
 */
import {readFileSync, writeFileSync} from 'node:fs';

/** Added to oom_score_adj, in thousandths of the memory. */
const SPARE = 500;
const MOST = 1_000;

/** A spare is killed before those that work. */
export const offerToKernel = (pid: number | undefined): void => set(pid, SPARE);

/** The spare works now: it is as precious as this process. */
export const keepFromKernel = (pid: number | undefined): void => set(pid, 0);

function set(pid: number | undefined, more: number): void {
  if (pid === undefined) return;
  try {
    const current = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(current + more, MOST)));
  } catch {
    // It is gone, or a container without CAP_SYS_RESOURCE: the kernel chooses.
  }
}
