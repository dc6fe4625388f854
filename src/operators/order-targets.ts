/** Resolves an operator's argument to real servers: addresses, host names, ports, names of virtual services. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {ipv4, ipv6, nearest, portNumber, type LdirectordConfig} from '@hactl/config';
import {checkId, destinationOf, realName, virtualName} from '../table/services.ts';
import type {Target} from '../control/orders.ts';

/** One real server of one virtual service, and the names that operators may use for both. */
export interface CheckTarget {
  readonly id: string;
  readonly virtual: string;
  readonly virtualNames: readonly string[];
  readonly address: string;
  readonly ports: readonly number[];
  /** Its name in the status. */
  readonly shown: string;
}

/** Every real server of every virtual service. */
export const checkTargetsOf = (files: readonly LdirectordConfig[]): CheckTarget[] =>
  files.flatMap((file) =>
    file.virtuals.flatMap((virtual) => {
      const name = virtualName(virtual);
      const {address} = virtual;
      const virtualNames = [
        name,
        name.replace(/^\S+ /, ''),
        ...(address.kind === 'address' ? [address.address] : []),
        ...(virtual.serviceName === undefined ? [] : [virtual.serviceName]),
      ];
      return virtual.reals.map((real) => {
        const kernel = destinationOf(virtual, real);
        return {
          id: checkId(virtual, real),
          virtual: name,
          virtualNames,
          address: real.address,
          ports: [...new Set([kernel.port, real.port])].filter((port) => port > 0),
          shown: realName(kernel),
        };
      });
    }),
  );

export const covers = (target: Target, checkTarget: CheckTarget): boolean =>
  target.address === checkTarget.address &&
  (target.port === undefined || checkTarget.ports.includes(target.port)) &&
  (target.virtual === undefined || target.virtual === checkTarget.virtual);

export const nameOf = ({address, port, virtual}: Target): string =>
  `${port === undefined ? address : realName({address, port})}${virtual === undefined ? '' : ` in ${virtual}`}`;

/** `10.0.0.1`, `10.0.0.1:80`, `[2001:db8::1]:80`, `2001:db8::1`, `web1`, `web1:80`. */
export function readReal(word: string): {readonly host: string; readonly port?: number} | undefined {
  const whole = ipv4(word) ?? ipv6(word);
  if (whole !== undefined) return {host: whole};
  const [, host = '', digits] = /^(\[[^\]]+\]|[^:]+)(?::([^:]*))?$/.exec(word) ?? [];
  const port = digits === undefined ? undefined : portNumber(digits);
  if (host === '' || (digits !== undefined && (port === undefined || port === 0))) return undefined;
  return {host: ipv4(host) ?? ipv6(host) ?? host, ...(port === undefined ? {} : {port})};
}

/** The addresses of host names, looked up beforehand. */
export type AddressesOf = (host: string) => readonly string[];

const suggestion = (word: string, words: readonly string[], all: string): string => {
  const near = nearest(word, words);
  return near === undefined
    ? `${all}: ${[...new Set(words)].slice(0, 5).join(', ')}`
    : `did you mean ${near}?`;
};

/** The virtual service that an argument names. */
export function readVirtual(word: string, places: readonly CheckTarget[]): Result<string, string> {
  const found = [
    ...new Set(
      places
        .filter((candidate) => candidate.virtualNames.includes(word))
        .map((candidate) => candidate.virtual),
    ),
  ];
  const [first] = found;
  if (found.length === 1 && first !== undefined) return ok(first);
  if (found.length > 1) return fail(`${word} is the name of several virtual services: ${found.join(', ')}`);
  const names = places.flatMap((candidate) => candidate.virtualNames);
  return fail(`there is no virtual service ${word}: ${suggestion(word, names, 'there are')}`);
}

/** The targets of an argument: one for each address it resolves to. */
export function targetsOf(
  word: string,
  virtual: string | undefined,
  places: readonly CheckTarget[],
  addressesOf: AddressesOf,
): Result<readonly Target[], string> {
  const within = places.filter((candidate) => virtual === undefined || candidate.virtual === virtual);
  const read = readReal(word);
  const literal = read && (ipv4(read.host) ?? ipv6(read.host));
  const addresses = read ? (literal === undefined ? addressesOf(read.host) : [literal]) : [];
  const targets = addresses.map((address): Target => ({
    address,
    ...(read?.port === undefined ? {} : {port: read.port}),
    ...(virtual === undefined ? {} : {virtual}),
  }));
  const found = targets.filter((target) => within.some((checkTarget) => covers(target, checkTarget)));
  if (found.length > 0) return ok(found);
  const where = virtual === undefined ? '' : ` in ${virtual}`;
  const what = addresses.length > 0 || literal !== undefined ? '' : ' (no such host name either)';
  const names = within.flatMap((candidate) => [candidate.shown, candidate.address]);
  return fail(`there is no real server ${word}${where}${what}: ${suggestion(word, names, 'there are')}`);
}
