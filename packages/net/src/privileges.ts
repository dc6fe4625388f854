/** Drops root permanently: a process that reads untrusted input must have no privilege worth stealing. */
import {permittedCapabilities, setCapabilities, threadControl} from './sys-process.ts';

const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const CAPABILITIES = 64;
/** Raw sockets: ICMP echo. */
export const CAP_NET_RAW = 13;

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Remains {
  /** Keeps CAP_NET_RAW, if this process has it; its children inherit it. */
  readonly raw: boolean;
  /** Allows the process and its children to start setuid programs (sudo, ping). */
  readonly setuidPrograms: boolean;
  /** The account's supplementary groups. */
  readonly groups: boolean;
}

/**
 * Switches this process to a user, without capabilities apart from the one kept. Needs root. Every thread changes its user; the
 * kept capability belongs to this thread, which also starts all children. Throws if the kernel refuses.
 */
export function becomeUser({name, uid, gid}: Account, {raw, setuidPrograms, groups}: Remains): void {
  const kept = raw ? permittedCapabilities() & (1 << CAP_NET_RAW) : 0;
  for (let capability = 0; capability < CAPABILITIES; capability += 1)
    // The kernel refuses unknown capabilities, and all without CAP_SETPCAP; the unprivileged user could not use them anyway.
    if (kept === 0 || capability !== CAP_NET_RAW) threadControl(PR_CAPBSET_DROP, capability);
  threadControl(PR_SET_KEEPCAPS, 1);
  // Missing in Node's types.
  if (groups) (process as {initgroups?(user: string, group: number): void}).initgroups?.(name, gid);
  else process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  threadControl(PR_SET_KEEPCAPS, 0);
  setCapabilities(kept);
  if (kept !== 0) threadControl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW);
  if (!setuidPrograms) threadControl(PR_SET_NO_NEW_PRIVS, 1);
}
