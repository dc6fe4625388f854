/** Verdicts and the kernel's current table → the desired IPVS table. Pure: the heart of the director. */
import type {CheckState} from '@hactl/checks';
import type {VerdictSettings, VirtualService} from '@hactl/config';
import type {Destination, VirtualTable} from '@hactl/ipvs';
import {checkId, destinationOf, serviceName, serviceKey, serviceOf} from './services.ts';
import {belowQuorum} from './weights.ts';

/** The state of each real server; one without an entry is unknown. */
export type Verdicts = ReadonlyMap<string, CheckState>;

const sameServer = (left: Destination, right: Destination): boolean =>
  left.address === right.address && left.port === right.port;

export interface DesiredOptions {
  readonly virtuals: readonly VirtualService[];
  readonly verdicts: Verdicts;
  /** The kernel's table now, by service name. */
  readonly current: readonly VirtualTable[];
  /** Weights that replace the configured ones, by check: an operator's override, slow start. */
  readonly weights?: ReadonlyMap<string, number>;
  readonly quorum?: VerdictSettings['quorum'];
  /** ldirectord's readdquiescent: a server that is down and absent is added with weight 0. */
  readonly readdQuiescent: boolean;
}

/**
 * The desired table.
 *
 * - up: the real server with its weight (0 if drained: its connections continue);
 * - down: removed, or weight 0 with `quiescent` if it is in the table (so its connections continue);
 * - unknown: as in the kernel. A running table is adopted without a flap, and a real server that is not in it gets no
 *   traffic before its first passed check;
 * - the fallback serves while no real server would get traffic, or fewer than the quorum: then it serves alone, and
 *   the real servers keep the connections they have.
 */
export function desiredTable(options: DesiredOptions): VirtualTable[] {
  const currentTables = new Map(options.current.map((table) => [serviceName(table.service.key), table]));
  return options.virtuals.map((virtual) => {
    const present = currentTables.get(serviceName(serviceKey(virtual)))?.destinations ?? [];
    const destinations: Destination[] = [];
    const put = (destination: Destination): void => {
      // ldirectord accepts the same real server twice in one virtual service; the kernel has it once, and the last line wins.
      const at = destinations.findIndex((candidate) => sameServer(candidate, destination));
      if (at === -1) destinations.push(destination);
      else destinations[at] = destination;
    };
    for (const real of virtual.reals) {
      const id = checkId(virtual, real);
      const configured = destinationOf(virtual, real);
      const wanted = {...configured, weight: options.weights?.get(id) ?? configured.weight};
      const existing = present.find((destination) => sameServer(destination, wanted));
      const state = options.verdicts.get(id) ?? 'unknown';
      if (state === 'up') put(wanted);
      else if (state === 'unknown' && existing)
        put({...wanted, weight: existing.weight === 0 ? 0 : wanted.weight});
      else if (state === 'down' && virtual.quiescent && (existing || options.readdQuiescent))
        put({...wanted, weight: 0});
    }
    const serving = destinations.filter((destination) => destination.weight > 0).length;
    if (belowQuorum(virtual, serving, options.quorum))
      for (const [at, destination] of destinations.entries()) destinations[at] = {...destination, weight: 0};
    const {fallback} = virtual;
    // checktype=off leaves a service without our servers, and without the fallback.
    if (fallback && virtual.checkType.kind !== 'off') {
      const wanted = destinationOf(virtual, fallback);
      const exists = present.some((destination) => sameServer(destination, wanted));
      if (!destinations.some((destination) => destination.weight > 0)) put(wanted);
      else if (
        virtual.quiescent &&
        exists &&
        !destinations.some((destination) => sameServer(destination, wanted))
      )
        put({...wanted, weight: 0});
    }
    return {service: serviceOf(virtual), destinations};
  });
}
