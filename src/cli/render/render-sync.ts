/** The output of `hactl sync`. Pure. */
import type {SyncReport} from '@hactl/sync';
import {shown} from './shown.ts';

const count = (number: number, text: string, more = `${text}s`): string =>
  `${number} ${number === 1 ? text : more}`;

/** The lines of `hactl sync`, also the sync section of `hactl status`. A line that begins with `warning:` asks for action. */
export function syncReportLines(given: SyncReport): string[] {
  const report = shown(given);
  const lines: string[] = [];
  const way = report.mode === 'relay' ? 'relay, encrypted' : "the kernels' multicast, not authenticated";
  lines.push(`${report.inSync ? 'ready' : 'NOT ready'}: ${report.reason} (${way})`);
  const remote = report.there === undefined ? 'peer not heard' : `${report.there} at the peer`;
  lines.push(`connections: ${report.here} here, ${remote}`);
  if (report.peer) {
    const lag = report.lag === 0 ? 'none' : `${report.lag.toFixed(0)} ms`;
    lines.push(
      `missing: ${report.missingHere} here, ${report.missingThere ?? 0} at the peer; lag: ${lag}; ` +
        `lost: ${count(report.lost, 'datagram')}, late: ${report.late}`,
    );
  }
  if (report.age)
    lines.push(
      `young connections: at the peer within ${report.age.p50.toFixed(0)} ms (median), ${report.age.p99.toFixed(0)} ms (99 of 100); ` +
        `backlog: ${count(report.backlog, 'octet')}`,
    );
  const {walks, added, lost} = report.audit;
  if (walks > 0 || report.retired > 0)
    lines.push(
      `audit: ${count(walks, 'walk')} through the kernel's list, ${added} taken in, ${lost} not there any more; ` +
        `ended with their real server: ${report.retired}`,
    );
  if (report.last)
    lines.push(
      `last resync: ${report.last.complete ? 'complete' : 'NOT complete'} after ${(report.last.took / 1_000).toFixed(2)} s, ` +
        `${count(report.last.connections, 'connection')}, ${count(report.last.rounds, 'comparison')}`,
    );
  return [...lines, ...warnings(report).map((text) => `warning: ${text}`)];
}

/** Problems and their remedies. */
/** A lag longer than a scheduling delay, in ms. */
const LONG_LAG = 5_000;
/** Lost datagrams are requested again; a loss above one in this many is more than a cable's. */
const TOO_MANY_LOST = 100;

export function warnings(report: SyncReport): string[] {
  const found: string[] = [];
  if (report.phase === 'deadline')
    found.push(
      'the whole table did not arrive in time: a takeover by this director may break connections; hactl sync resync tries again, hactl_sync_deadline waits longer',
    );
  if (report.missingHere > 0 && report.inSync && report.phase === 'in-sync')
    found.push(
      `${count(report.missingHere, 'connection')} of the peer did not arrive yet; if this stays: hactl sync resync`,
    );
  if (report.overflows > 0)
    found.push(
      `the kernel's queue overflowed (${count(report.overflows, 'datagram')}, sent again): hactl_ipvs sync_sock_size 4194304 in ha.cf`,
    );
  if (report.unheard > 0)
    found.push(
      `the sync process was too slow for ${count(report.unheard, 'datagram')} of the kernel (the audit takes in what they said): is a processor free for it? sync_refresh_period higher sends fewer`,
    );
  if (report.pulse === 'silent')
    found.push(
      'connections come, but the local kernel has sent no sync message for a second: does its master daemon run (ipvsadm -L --daemon), is backup_only 0?',
    );
  if (report.lag >= LONG_LAG)
    found.push(
      `the peer has been ahead for ${(report.lag / 1_000).toFixed(0)} s: what it says does not arrive; is the link full, or the sync process of this director short of processor time?`,
    );
  if (report.lost * TOO_MANY_LOST > report.heard + report.lost && report.lost > TOO_MANY_LOST)
    found.push(
      `${report.lost} of ${report.heard + report.lost} datagrams of the peer were lost (the comparison finds what they said): look at the link's errors with ip -s link, on both directors and the switch between`,
    );
  if (report.malformed > 0)
    found.push(
      `${count(report.malformed, 'sync message')} could not be read: does something else send with this syncid?`,
    );
  if (report.audit.lost > 0)
    found.push(
      `${count(report.audit.lost, 'connection')} had gone from the kernel unsaid (a Standby puts them back): is the table short of memory, or did somebody clear it?`,
    );
  if (report.forged > 0)
    found.push(
      `${count(report.forged, 'datagram')} on the sync port came without the cluster's key: is authkeys the same on both directors, or is somebody else on the segment?`,
    );
  if (report.replayed > 0)
    found.push(`${count(report.replayed, 'datagram')} came twice and were dropped: a loop, or a replay`);
  return found;
}
