/** Which of the kernel's sync daemons should run, and the operations to get there. Pure. */
import type {SyncDaemon, SyncRole} from '@hactl/ipvs';
import type {SyncGroup, SyncSettings} from './messages.ts';

/**
 * The group whose LVSSyncDaemonSwap applies: a network namespace has one daemon of each role. An Active group takes precedence.
 */
export const chosenGroup = (groups: readonly SyncGroup[]): SyncGroup | undefined =>
  groups.toSorted((group, right) => Number(right.active) - Number(group.active))[0];

/**
 * A message of the kernel's master daemon is carried in one of our frames: together they must fit an Ethernet frame.
 */
const RELAY_MAXLEN = 1_400;
/** Room for three IPv4 records: with a pulse, small messages let a young connection leave at once. */
const PULSED_MAXLEN = 116;
/**
 * Maximum message size of the backup daemon. By default it accepts what fits the device's MTU and silently drops longer ones,
 * which would be everything a full resync sends.
 */
export const BACKUP_MAXLEN = 16_000;

/**
 * On `lo` the kernel would hear itself, so its two daemons have different ids. 0 would mean "any" to the backup daemon.
 */
export const relayBackupId = (syncid: number): number => (syncid + 128) % 256 || 1;

/** Of the backup daemon that runs on `lo` while UDP flows are moved on a director without connection sync. */
export const FLOWS_SYNCID = 251;

/** Size of the master daemon's messages with this delay (0: no pulse); undefined: what fits the device's MTU. */
export const masterMaxlen = (mode: SyncSettings['mode'], delay: number): number | undefined =>
  delay > 0 ? PULSED_MAXLEN : mode === 'relay' ? RELAY_MAXLEN : undefined;

/**
 * Both roles on both directors, as kernels since 2.4.29 allow: the Active's connections reach the other side, and a takeover
 * need not start anything first.
 */
export function wantedDaemons(
  groups: readonly SyncGroup[],
  mode: SyncSettings['mode'] = 'multicast',
  delay = 0,
): SyncDaemon[] {
  const group = chosenGroup(groups);
  if (!group) return [];
  const {interface: device, syncid} = group;
  const maxlen = masterMaxlen(mode, delay);
  const size = maxlen === undefined ? {} : {maxlen};
  if (mode === 'relay')
    return [
      {role: 'backup', interface: 'lo', syncid: relayBackupId(syncid), maxlen: BACKUP_MAXLEN},
      {role: 'master', interface: 'lo', syncid, ...size},
    ];
  return [
    {role: 'backup', interface: device, syncid, maxlen: BACKUP_MAXLEN},
    {role: 'master', interface: device, syncid, ...size},
  ];
}

export type SyncOperation =
  {readonly type: 'start'; readonly daemon: SyncDaemon} | {readonly type: 'stop'; readonly role: SyncRole};

/** A backup daemon may accept more; a kernel before 4.3 does not report it. A master must not send more. */
const fits = (wanted: SyncDaemon, running: SyncDaemon): boolean =>
  wanted.maxlen === undefined ||
  (wanted.role === 'backup'
    ? (running.maxlen ?? wanted.maxlen) >= wanted.maxlen
    : running.maxlen === wanted.maxlen);

/**
 * Stops daemons with other settings, starts missing ones. Without a wanted one, those of others are left alone; `earlier`: what
 * was wanted before the configuration changed.
 */
export function planDaemons(
  running: readonly SyncDaemon[],
  wanted: readonly SyncDaemon[],
  earlier: readonly SyncDaemon[] = [],
): SyncOperation[] {
  const operations: SyncOperation[] = [];
  for (const daemon of earlier) {
    const isWanted = wanted.some(({role}) => role === daemon.role);
    const existing = running.find(({role}) => role === daemon.role);
    if (!isWanted && existing?.interface === daemon.interface && existing.syncid === daemon.syncid)
      operations.push({type: 'stop', role: daemon.role});
  }
  for (const daemon of wanted) {
    const existing = running.find((candidate) => candidate.role === daemon.role);
    if (
      existing?.interface === daemon.interface &&
      existing.syncid === daemon.syncid &&
      fits(daemon, existing)
    )
      continue;
    if (existing) operations.push({type: 'stop', role: daemon.role});
    operations.push({type: 'start', daemon});
  }
  return operations;
}
