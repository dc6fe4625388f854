/** Drops root permanently: a process that reads untrusted input must hold no privilege that could be taken from it. */
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
  /** Keeps CAP_NET_RAW, where this process has it; its children get it too. */
  readonly raw: boolean;
  /** It and its children may start programs that become another user (sudo, a setuid ping). */
  readonly setuidPrograms: boolean;
  /** The account's groups besides its own. */
  readonly groups: boolean;
}

/**
 * This process becomes a user, without capabilities but the named one. Only root can. Every thread changes its user; the
 * capabilities that stay are this thread's, which also starts all children. Throws what the kernel refuses.
 */
export function becomeUser({name, uid, gid}: Account, {raw, setuidPrograms, groups}: Remains): void {
  const kept = raw ? permittedCapabilities() & (1 << CAP_NET_RAW) : 0;
  for (let capability = 0; capability < CAPABILITIES; capability += 1)
    // Unknown ones are refused, as all are without CAP_SETPCAP: the user below has none to gain anyway.
    if (kept === 0 || capability !== CAP_NET_RAW) threadControl(PR_CAPBSET_DROP, capability);
  threadControl(PR_SET_KEEPCAPS, 1);
  // Node has it; its types do not.
  if (groups) (process as {initgroups?(user: string, group: number): void}).initgroups?.(name, gid);
  else process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  threadControl(PR_SET_KEEPCAPS, 0);
  setCapabilities(kept);
  if (kept !== 0) threadControl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW);
  if (!setuidPrograms) threadControl(PR_SET_NO_NEW_PRIVS, 1);
}
