/** Configuration, kernel and verdicts → the status of a virtual service. Pure. */
import type {Instant} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {VirtualService} from '@hactl/config';
import type {ObservedDestination, ObservedService} from '@hactl/ipvs';
import type {RealStatus, VirtualStatus} from '../control/protocol.ts';
import type {TableState} from './table-state.ts';
import {checkId, destinationOf, realName, serviceKey, serviceName, virtualName} from './services.ts';

const same = (left: {address: string; port: number}, right: {address: string; port: number}): boolean =>
  left.address === right.address && left.port === right.port;

const counters = (
  observed: ObservedDestination | undefined,
): Pick<RealStatus, 'activeConnections' | 'inactiveConnections'> & {weight?: number} => ({
  activeConnections: observed?.activeConnections ?? 0,
  inactiveConnections: observed?.inactiveConnections ?? 0,
  ...(observed === undefined ? {} : {weight: observed.weight}),
});

/** One virtual service with its real servers, its fallback, and any other destinations in the kernel. */
export function virtualStatus(
  virtual: VirtualService,
  observed: readonly ObservedService[],
  reports: ReadonlyMap<string, CheckReport>,
  now: Instant,
  weights: ReadonlyMap<string, number>,
  {lateness, quarantined}: Pick<TableState, 'lateness' | 'quarantined'>,
): VirtualStatus {
  const name = virtualName(virtual);
  const late = lateness.get(name);
  const kernel = observed.find(({service}) => serviceName(service.key) === serviceName(serviceKey(virtual)));
  const seen = new Set<ObservedDestination>();
  const find = (wanted: {address: string; port: number}): ObservedDestination | undefined => {
    const observed = kernel?.destinations.find((destination) => same(destination, wanted));
    if (observed) seen.add(observed);
    return observed;
  };
  const reals: RealStatus[] = virtual.reals.map((real) => {
    const wanted = destinationOf(virtual, real);
    const id = checkId(virtual, real);
    const report = reports.get(id);
    const ordered = weights.get(id);
    return {
      name: realName(wanted),
      method: real.method,
      configuredWeight: real.weight,
      ...(ordered === undefined ? {} : {orderedWeight: ordered}),
      ...counters(find(wanted)),
      check: report?.state ?? 'unknown',
      reason: report?.reason ?? 'not checked yet',
      ...(quarantined.has(id) ? {quarantined: true} : {}),
      ...(report === undefined ? {} : {checkedAgo: Math.max(0, now - report.at)}),
    };
  });
  if (virtual.fallback) {
    const wanted = destinationOf(virtual, virtual.fallback);
    const observed = find(wanted);
    reals.push({
      name: realName(wanted),
      method: virtual.fallback.method,
      configuredWeight: virtual.fallback.weight,
      ...counters(observed),
      check: 'fallback',
      reason: observed && observed.weight > 0 ? 'in use: no real server is up' : 'standby',
    });
  }
  for (const destination of kernel?.destinations ?? [])
    if (!seen.has(destination))
      reals.push({
        name: realName(destination),
        method: destination.forward,
        configuredWeight: 0,
        ...counters(destination),
        check: 'foreign',
        reason: 'in the kernel, not in the configuration',
      });
  return {
    name,
    scheduler: virtual.scheduler,
    ...(virtual.persistent === undefined ? {} : {persistent: virtual.persistent}),
    inKernel: kernel !== undefined,
    ...(late === undefined ? {} : {checkLateness: late}),
    connections: String(kernel?.statistics.connections ?? 0n),
    reals,
  };
}

/** Current connections of a real server; for a service, of all its real servers. */
export function connectionsOf(
  virtuals: readonly VirtualStatus[],
): (virtual: string, real?: string) => number {
  return (name, real) =>
    (virtuals.find((virtual) => virtual.name === name)?.reals ?? [])
      .filter((snapshot) => real === undefined || snapshot.name === real)
      .reduce((sum, real) => sum + real.activeConnections + real.inactiveConnections, 0);
}
