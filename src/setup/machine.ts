/** This machine's interfaces and addresses, for `hactl init` and `hactl join`. */
import os from 'node:os';
import type {Network} from './bundle.ts';
import type {LocalAddress} from './choices.ts';

/** Every address with its interface. */
export const localAddresses = (): LocalAddress[] =>
  Object.entries(os.networkInterfaces()).flatMap(([device, list]) =>
    (list ?? []).map(({address, cidr, internal}) => ({
      device,
      address: address.replace(/%.*$/, ''),
      prefixLength: Number(cidr?.split('/')[1] ?? 32),
      internal,
    })),
  );

/** Sent to the second director, to find its own interfaces. Link-local networks are the same everywhere. */
export const ownNetworks = (): Network[] =>
  localAddresses()
    .filter(({address, internal}) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({device, address, prefixLength}) => ({device, address, prefixLength}));

export const isRoot = (): boolean => process.getuid?.() === 0;
