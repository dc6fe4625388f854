/** Log lines for changes of the table: ldirectord's own sentences, which people grep for. Pure. */
import type {CertificateEnd} from '@hactl/checks';
import type {Operation} from '@hactl/ipvs';
import type {Drift} from './entries.ts';
import type {Refusal} from './refusals.ts';
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

/** The entry that an operation is about, for messages. */
export function entryName(operation: Operation): string {
  if ('service' in operation) return `virtual server ${serviceName(operation.service.key)}`;
  if (operation.type === 'del-service') return `virtual server ${serviceName(operation.key)}`;
  return `real server ${realName(operation.destination)} (${serviceName(operation.key)})`;
}

function describeFound({operation, found}: Drift): string {
  const name = entryName(operation);
  switch (operation.type) {
    case 'new-service':
    case 'new-dest':
      return `${name} was missing`;
    case 'set-service':
      return `${name} had other settings`;
    case 'del-service':
    case 'del-dest':
      return `${name} was not in the configuration`;
    case 'set-dest':
      return found === undefined || found.weight === operation.destination.weight
        ? `${name} had other settings`
        : `${name} had weight ${found.weight} instead of ${operation.destination.weight}`;
  }
}

/** Beyond this number entries are only counted. */
const LISTED = 3;

/** Another program changed the kernel's table. */
export function describeDrift(drift: readonly Drift[]): string {
  const listed = drift.slice(0, LISTED).map(describeFound).join('; ');
  const more = drift.length > LISTED ? `; and ${drift.length - LISTED} more entries` : '';
  return `the IPVS table was changed by another program, and has been repaired: ${listed}${more}`;
}

/** The kernel refuses an entry, or accepts it after all. */
export const describeRefusal = ({operation, reason, tries}: Refusal, accepted: boolean): string =>
  accepted
    ? `the kernel accepts ${entryName(operation)} now, after ${tries} refusals`
    : `the kernel refuses ${entryName(operation)}: ${reason}; the rest of the table is served, this entry is retried`;

/** A change of a server's certificate state; undefined: it is valid for longer than `hactl_cert_days`. */
export const describeCertificate = (check: string, certificate: CertificateEnd | undefined): string =>
  `${check}: ${certificate?.words ?? 'the certificate is no longer about to expire'}`;
