/**
 * Which of our processes the OOM killer selects. A spare is expendable and as large as the process it replaces: by default the
 * kernel would kill the largest, the working supervisor, and again each time a spare has loaded.
 */
import {readFileSync, writeFileSync} from 'node:fs';

/**
 * Added to oom_score_adj, in thousandths of the memory that may be used. Half of it was not enough: in a control group of 140 MB
 * the supervisor, whose mapped files count for it, outweighed a spare that had just begun to load.
 */
const SPARE = 1_000;
const MOST = 1_000;

/** Makes the kernel kill a spare before working processes. */
export const offerToKernel = (pid: number | undefined): void => set(pid, SPARE);

/** Restores the score of a spare that has become a working process. */
export const keepFromKernel = (pid: number | undefined): void => set(pid, 0);

function set(pid: number | undefined, more: number): void {
  if (pid === undefined) return;
  try {
    const current = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(current + more, MOST)));
  } catch {
    // It has ended, or a container lacks CAP_SYS_RESOURCE: leave it to the kernel.
  }
}
