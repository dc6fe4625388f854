/**
 * The order of a sorted listing: by mark, family, protocol, address and port. ipvsadm subtracts 32-bit numbers and looks
 * at the sign, so that 192.0.0.0 sorts before 1.0.0.0; as that is no total order, the result depends on the algorithm: the
 * top-down merge sort of Debian 12's C library. Pure.
 */
import type {Destination, Service} from '@hactl/ipvs';
import {addressBytes} from '@hactl/net';

type Compare<T> = (left: T, right: T) => number;

/** The difference of two 32-bit numbers, wrapped as in C. */
const difference = (left: number, right: number): number => (left - right) | 0;

const protocols = {tcp: 6, udp: 17, sctp: 132} as const;

/** Both as 16 octets: with mixed families the first 32 bits of an IPv6 address compare like an IPv4 address. */
function compareAddresses(left: string, right: string): number {
  const [first, second] = [Buffer.alloc(16), Buffer.alloc(16)];
  first.set(addressBytes(left));
  second.set(addressBytes(right));
  for (let offset = 0; offset < first.length; offset += 4) {
    const order = difference(first.readUInt32BE(offset), second.readUInt32BE(offset));
    if (order !== 0) return order;
  }
  return 0;
}

export const compareServices: Compare<Service> = ({key}, {key: rightKey}) => {
  const marks = difference(
    key.kind === 'fwmark' ? key.mark : 0,
    rightKey.kind === 'fwmark' ? rightKey.mark : 0,
  );
  if (marks !== 0) return marks;
  if (key.family !== rightKey.family) return key.family - rightKey.family;
  if (key.kind !== 'address' || rightKey.kind !== 'address') return 0;
  if (key.protocol !== rightKey.protocol) return protocols[key.protocol] - protocols[rightKey.protocol];
  return compareAddresses(key.address, rightKey.address) || key.port - rightKey.port;
};

export const compareDestinations: Compare<Destination> = (left, right) =>
  compareAddresses(left.address, right.address) || left.port - right.port;

/** Stable merge sort. */
export function mergeSort<T>(list: readonly T[], compare: Compare<T>): readonly T[] {
  if (list.length < 2) return list;
  const middle = Math.floor(list.length / 2);
  const [left, right] = [mergeSort(list.slice(0, middle), compare), mergeSort(list.slice(middle), compare)];
  const merged: T[] = [];
  let [leftIndex, rightIndex] = [0, 0];
  for (;;) {
    const [first, second] = [left[leftIndex], right[rightIndex]];
    if (first === undefined || second === undefined) break;
    if (compare(first, second) <= 0) {
      merged.push(first);
      leftIndex++;
    } else {
      merged.push(second);
      rightIndex++;
    }
  }
  return [...merged, ...left.slice(leftIndex), ...right.slice(rightIndex)];
}
