/**
 * The virtual service reserved for connection sync (packages/sync/src/pulse.ts). It serves nobody, so lists, plans and
 * statistics omit it: `list` filters it. Pure.
 */
import type {Destination, Service, ServiceKey} from './model.ts';

/** The loopback network of its addresses, including the client addresses of its connections. */
export const RESERVED_NETWORK = '127.88.48.0/24';
const PREFIX = RESERVED_NETWORK.replace(/0\/24$/, '');

/** Whether an address, as text, is one of connection sync's own. */
export const isReservedAddress = (address: string): boolean => address.startsWith(PREFIX);

export const isReserved = (key: ServiceKey): boolean =>
  key.kind === 'address' && isReservedAddress(key.address);

export const reservedService = {
  key: {kind: 'address', family: 4, protocol: 'tcp', address: `${PREFIX}1`, port: 1},
  scheduler: 'rr',
  flags: {ops: false, flag1: false, flag2: false, flag3: false},
  netmask: 32,
} as const satisfies Service;

export const reservedDestination: Destination = {
  family: 4,
  address: `${PREFIX}3`,
  port: 1,
  forward: 'gate',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};
