/** Checks the owner and mode of a log file: root and 0640. Pure. */
import {found, type HostFinding} from '../finding.ts';

export function judgeLog(
  file: string,
  {mode, uid}: {readonly mode: number; readonly uid: number},
): HostFinding[] {
  const help = `chown root ${file}; chmod 0640 ${file}`;
  if (uid !== 0) return [found('warning', file, `user ${uid} can change this log file`, help)];
  if ((mode & 0o022) !== 0)
    return [found('warning', file, `${(mode & 0o002) !== 0 ? 'everybody' : 'its group'} can change this log file`, help)]; // prettier-ignore
  return (mode & 0o007) === 0 ? [] : [found('warning', file, 'everybody can read this log file', help)];
}
