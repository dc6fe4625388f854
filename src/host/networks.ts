/** Network arithmetic for the planners and the typo detectors. Pure. */
import {addressBytes} from '@hactl/net';

/** An address on a device. */
export interface OwnAddress {
  readonly device: string;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
}

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);
export const hostLength = (family: 4 | 6): number => (family === 4 ? 32 : 128);

const bits = (address: string): bigint =>
  [...addressBytes(address)].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

/** Is `address` in the network of `own`? */
export function within(address: string, network: Omit<OwnAddress, 'device'>): boolean {
  if (familyOf(address) !== network.family) return false;
  const shift = BigInt(hostLength(network.family) - network.prefixLength);
  return bits(address) >> shift === bits(network.address) >> shift;
}

const dotted = (value: number): string =>
  [24, 16, 8, 0].map((shift) => String((value >>> shift) & 255)).join('.');

/** The broadcast address of an IPv4 network. */
export const broadcastOf = (address: string, prefixLength: number): string => {
  const hosts = prefixLength === 32 ? 0 : 0xffff_ffff >>> prefixLength;
  return dotted((Number(bits(address)) | hosts) >>> 0);
};

/** `192.168.122.0/24`. */
export const networkText = ({address, prefixLength}: OwnAddress): string => {
  const mask = prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
  return familyOf(address) === 4
    ? `${dotted((Number(bits(address)) & mask) >>> 0)}/${prefixLength}`
    : `the network of ${address}/${prefixLength}`;
};
