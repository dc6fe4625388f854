/** Which real servers a maintenancedir takes out of service: a file named by a real server's address or name, with or without port. Pure. */
import type {RealServer} from '@hactl/config';

export const MAINTENANCE_REASON = 'Server in maintenance';

/** Names of a real server: address, brackets or none for IPv6, host names in full and their first label. */
function namesOf(address: string, hostNames: readonly string[]): string[] {
  const short = hostNames.map((name) => name.split('.')[0] ?? '').filter((name) => name !== '');
  return [address, ...(address.includes(':') ? [`[${address}]`] : []), ...hostNames, ...short];
}

/** Is a file there for this real server? `port` is the one that is used where the real server's own was not written. */
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

/** Are there files whose names are no addresses? Only then the real servers' host names must be asked for. */
export const needsHostNames = (files: Iterable<string>): boolean =>
  [...files].some(
    (file) => !/^\d+\.\d+\.\d+\.\d+(:\d+)?$|^\[?[0-9A-Fa-f]*:[0-9A-Fa-f:]*\]?(:\d+)?$/.test(file),
  );
