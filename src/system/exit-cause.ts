/** Likely cause of a process's exit, for the line that reports it. Pure. */

const MEMORY = 'the kernel refused it memory (address space, vm.overcommit_memory=2, vm.max_map_count)';

/** Observed with Node 24 under resource limits: exit-cause.test.ts. */
const causes: Readonly<Record<string, string>> = {
  SIGTRAP: `${MEMORY}; V8 reports the place on standard error`,
  SIGABRT: 'its JavaScript heap was full, or an internal error of Node; it is described on standard error',
  SIGKILL: 'killed by hand, or by the kernel because the machine or its cgroup had no memory left: see dmesg',
  SIGSYS: 'a system call is not allowed: SystemCallFilter of its unit',
  SIGXCPU: 'it used up the processor time of LimitRTTIME or LimitCPU',
  SIGSEGV: 'a fault in native code, or its stack was full',
  SIGBUS: 'a file that it had mapped became shorter, or the memory is faulty',
  SIGILL: 'an instruction that this processor does not have',
};

/** Describes an exit (`SIGTRAP`, `exit status 1`) with its usual cause. */
export const withCause = (how: string): string =>
  causes[how] === undefined ? how : `${how}: ${causes[how]}`;
