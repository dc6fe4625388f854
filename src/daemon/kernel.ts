/** The supervisor's own kernel access: which interface an address belongs on, and removing a dead engine's addresses. */
import {findRouteInterface, openAddresses} from '@hactl/net';
import type {EngineVip} from '@hactl/failover';
import type {FindInterface} from '../configuration/engine-config.ts';
import type {Log} from '../system/log.ts';

/** findif: reads the routes once, over npm netlink; valid for one load of the files. */
export async function findInterface(): Promise<FindInterface> {
  return findRouteInterface();
}

/** Removes addresses from their interfaces; missing ones are fine. */
export function removeVips(vips: readonly EngineVip[], log: Log): void {
  const addresses = openAddresses();
  try {
    const links = addresses.links();
    for (const vip of vips) {
      const index = links.find((link) => link.name === vip.device)?.index;
      if (index === undefined) continue;
      try {
        addresses.remove({family: vip.family, address: vip.address, prefixLength: vip.prefixLength, index});
      } catch (error) {
        if ((error as {code?: string}).code !== 'EADDRNOTAVAIL')
          log('error', `cannot remove ${vip.address}: ${String(error)}`);
      }
    }
  } finally {
    addresses.close();
  }
}
