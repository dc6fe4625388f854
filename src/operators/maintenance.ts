/** Which real servers a maintenancedir takes out of service: a file named by a real server's address or name, with or without port. Pure. */
import type {RealServer} from '@hactl/config';

export const MAINTENANCE_REASON = 'Server in maintenance';

/** Names of a real server: address, brackets or none for IPv6, host names in full and their first label. */
function namesOf(address: string, hostNames: readonly string[]): string[] {
  const short = hostNames.map((name) => name.split('.')[0] ?? '').filter((name) => name !== '');
  return [address, ...(address.includes(':') ? [`[${address}]`] : []), ...hostNames, ...short];
}

/** Whether a file exists for this real server. `port` is used where the real server has none of its own. */
export function inMaintenance(
  real: Pick<RealServer, 'address' | 'port'>,
  port: number,
  files: ReadonlySet<string>,
  hostNames: readonly string[],
): boolean {
  if (files.size === 0) return false;
  return namesOf(real.address, hostNames).some(
    (name) => files.has(name) || files.has(`${name}:${real.port}`) || files.has(`${name}:${port}`),
  );
}

/** Whether a file name is not an address: only then the real servers' host names must be looked up. */
export const needsHostNames = (files: Iterable<string>): boolean =>
  [...files].some(
    (file) => !/^\d+\.\d+\.\d+\.\d+(:\d+)?$|^\[?[0-9A-Fa-f]*:[0-9A-Fa-f:]*\]?(:\d+)?$/.test(file),
  );
