/** The graceful stop of a director: first the addresses move to the peer, then everything that served them here stops. */
import type {LdirectordConfig} from '@hactl/config';
import type {IpvsClient} from '@hactl/ipvs';
import type {Log} from '../system/log.ts';
import {serviceKey, virtualName} from '../table/services.ts';
import type {Drivers} from './drivers.ts';
import type {Loop} from './loop.ts';

export async function cleanStop(loop: Loop, drivers: Drivers, log: Log): Promise<void> {
  const {children, notifications, table, ipvs} = drivers;
  drivers.quiet();
  // While this director still speaks for the pair.
  await children.stopEngine();
  await drivers.stopResources();
  loop.feed({type: 'stopping'});
  await notifications.stop();
  await children.stopOthers();
  loop.stop();
  await table.idle();
  const client = ipvs.client();
  if (client) await clearTable(loop.state.table.config.files, client, log);
  ipvs.close();
}

/** ldirectord's cleanstop: removes what this daemon put into the table. */
export async function clearTable(
  files: readonly LdirectordConfig[],
  client: IpvsClient,
  log: Log,
): Promise<void> {
  for (const virtual of files.flatMap((file) => file.virtuals).filter((service) => service.cleanStop)) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- netlink requests go one after another.
      await client.apply({type: 'del-service', key: serviceKey(virtual)});
      log('info', `Deleted virtual server: ${virtualName(virtual)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', `cannot delete ${virtualName(virtual)}: ${reason}`);
    }
  }
}
