/** Which of the kernel's sync daemons should run, and what to do to get there. Pure. */
import type {SyncDaemon, SyncRole} from '@hactl/ipvs';
import type {SyncGroup} from './messages.ts';

/**
 * Both roles on both directors, as kernels since 2.4.29 allow: the Active's connections reach the other side, and after
 * a takeover nothing has to be started first. A kernel namespace has one daemon of each role, so the first group that
 * asks decides the interface and the id.
 */
export function wantedDaemons(groups: readonly SyncGroup[]): SyncDaemon[] {
  const [first] = groups.toSorted((one, other) => Number(other.active) - Number(one.active));
  if (!first) return [];
  return (['backup', 'master'] as const).map((role) => ({
    role,
    interface: first.interface,
    syncid: first.syncid,
  }));
}

export type SyncOperation =
  {readonly type: 'start'; readonly daemon: SyncDaemon} | {readonly type: 'stop'; readonly role: SyncRole};

/** Stops what runs otherwise than wanted, starts what is missing. Nothing wanted: nothing of others is touched. */
export function planDaemons(running: readonly SyncDaemon[], wanted: readonly SyncDaemon[]): SyncOperation[] {
  const operations: SyncOperation[] = [];
  for (const daemon of wanted) {
    const there = running.find((one) => one.role === daemon.role);
    if (there?.interface === daemon.interface && there.syncid === daemon.syncid) continue;
    if (there) operations.push({type: 'stop', role: daemon.role});
    operations.push({type: 'start', daemon});
  }
  return operations;
}
