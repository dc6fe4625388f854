/** The failed servers of the UDP services: the sync process moves their flows to other servers. Pure. */
import type {Operation, ServiceKey} from '@hactl/ipvs';
import type {FailedServer} from '@hactl/sync';
import {reportOf} from './reports.ts';
import {checkId, destinationOf, serviceKey} from './services.ts';
import {virtualsOf, type TableState} from './table-state.ts';

const isUdp = (key: ServiceKey): boolean => key.kind === 'address' && key.protocol === 'udp';

/**
 * Servers that failed their checks. One in maintenance is drained: it still answers, and its flows stay as long as it is in
 * the table. undefined: no service is UDP.
 */
export function failedServers(state: TableState): readonly FailedServer[] | undefined {
  const virtuals = virtualsOf(state.config).filter((virtual) => isUdp(serviceKey(virtual)));
  if (virtuals.length === 0) return undefined;
  return virtuals.flatMap((virtual) =>
    virtual.reals.flatMap((real): FailedServer[] => {
      const id = checkId(virtual, real);
      if (state.held.has(id) || reportOf(state.reports, id)?.state !== 'down') return [];
      const {address, port} = destinationOf(virtual, real);
      return [{service: serviceKey(virtual), address, port}];
    }),
  );
}

/** Whether the operation changes the servers of a UDP service. */
export const changesFlows = (operation: Operation): boolean =>
  'destination' in operation && isUdp(operation.key);
