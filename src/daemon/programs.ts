/** The child processes of a director: where their programs are and how they are started. */
import {programFile} from '../system/programs.ts';
import {makeSpareOf, type Program, type Spare} from './child.ts';

export const programs: Readonly<Record<'failover' | 'checks' | 'sync', Program>> = {
  // A small heap that is collected by the real-time thread itself: V8's helper threads have no such priority.
  failover: {entry: programFile('failover'), execArgv: ['--single-threaded-gc', '--max-semi-space-size=1']},
  // What a check leaves behind is dead at once: with V8's 16 MB for it 10,000 real servers take 307 MB, so 197.
  checks: {entry: programFile('checks'), execArgv: ['--max-semi-space-size=8']},
  // Netlink, sysctls and sockets of the network; its files belong to root, which it stays.
  sync: {entry: programFile('sync'), capabilities: ['net_admin', 'net_raw', 'net_bind_service']},
};

/** Starts all children beforehand, idle: for a supervisor that stands by. `loaded` is called when the last has loaded. */
export function preforkChildren(loaded: () => void): Map<string, Spare> {
  const names = Object.keys(programs);
  let loading = names.length;
  const countDown = (): void => {
    loading -= 1;
    if (loading === 0) loaded();
  };
  return new Map(
    Object.entries(programs).map(([name, program]) => [name, makeSpareOf(program, undefined, countDown)]),
  );
}
