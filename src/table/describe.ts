/** What a change of the table is called in the log: ldirectord's own sentences, which people grep for. Pure. */
import type {Operation} from '@hactl/ipvs';
import {realName, serviceName} from './services.ts';

/** One line for one operation. */
export function describeOperation(operation: Operation): string {
  switch (operation.type) {
    case 'new-service':
      return `Added virtual server: ${serviceName(operation.service.key)}`;
    case 'set-service':
      return `Changed virtual server: ${serviceName(operation.service.key)}`;
    case 'del-service':
      return `Purged virtual server: ${serviceName(operation.key)}`;
    case 'new-dest':
      return `Added real server: ${realName(operation.destination)} (${serviceName(operation.key)}) (Weight set to ${operation.destination.weight})`;
    case 'set-dest':
      return operation.destination.weight === 0
        ? `Quiescent real server: ${realName(operation.destination)} (${serviceName(operation.key)}) (Weight set to 0)`
        : `Restored real server: ${realName(operation.destination)} (${serviceName(operation.key)}) (Weight set to ${operation.destination.weight})`;
    case 'del-dest':
      return `Deleted real server: ${realName(operation.destination)} (${serviceName(operation.key)})`;
  }
}
