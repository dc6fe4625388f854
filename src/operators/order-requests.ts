/** An operator's request from the control socket: validated, its host names looked up. */
import {lookup} from 'node:dns/promises';
import {CommandError} from '../control/error.ts';
import type {OrderRequest} from '../control/protocol.ts';
import {isOrderRequest} from './orders.ts';
import {readReal} from './order-targets.ts';

/** Validates the request; throws a CommandError. */
export function readRequest(request: object): OrderRequest {
  if (!isOrderRequest(request)) throw new CommandError('bad-request', 'invalid override request');
  return request;
}

/** The addresses of the host names among real servers. */
export async function addressesOf(reals: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const hosts = reals.flatMap((word) => {
    const host = readReal(word)?.host;
    return host === undefined || /^[\d.]+$|:/.test(host) ? [] : [host];
  });
  const found = await Promise.all(
    hosts.map(async (host) => {
      const all = await lookup(host, {all: true}).catch(() => []);
      return [host, all.map(({address}) => address)] as const;
    }),
  );
  return new Map(found);
}
