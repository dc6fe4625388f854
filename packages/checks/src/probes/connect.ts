/** checktype=connect: the TCP handshake, nothing more. */
import net from 'node:net';
import type {Clock, Millis} from '@hactl/base';
import {socketAddress, TcpConnection} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';

/** What a socket's error means to a person. */
export function explainError(error: NodeJS.ErrnoException, target: string): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `connection to ${target} refused: nothing listens there`;
    case 'ECONNRESET':
      return `connection to ${target} was reset`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${target} cannot be reached (${error.code}): no route, or the host does not answer`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return `what listens on ${target} does not speak TLS`;
    default:
      return `connection to ${target}: ${error.code ?? error.message}`;
  }
}

/** The name for SNI out of a Host header's value: without a port, and no address (RFC 6066 section 3). */
export function serverName(host: string | undefined): {readonly servername?: string} {
  const name = /^[A-Za-z0-9._-]+(?=(?::\d*)?$)/.exec(host ?? '')?.[0];
  return name === undefined || net.isIP(name) ? {} : {servername: name};
}

const addresses = new WeakMap<CheckSpec, Uint8Array>();

/** Where a check connects to, as the kernel wants it; worked out once for each check. */
export function addressOf(spec: CheckSpec): Uint8Array {
  const known = addresses.get(spec);
  if (known) return known;
  const made = socketAddress(spec.address, spec.port);
  addresses.set(spec, made);
  return made;
}

/** Connects within `limit` and closes. */
export function probeConnect(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const target = `${spec.address} port ${spec.port}`;
    const done = (passed: boolean, reason: string): void => {
      clearTimeout(timer);
      connection.close();
      resolve({passed, reason, took: clock.now() - started});
    };
    const timer = setTimeout(() => done(false, `no connection to ${target} within ${limit} ms`), limit);
    const connection = new TcpConnection(
      addressOf(spec),
      {},
      {
        connected: () => done(true, `connected in ${Math.round(clock.now() - started)} ms`),
        received: () => undefined,
        ended: () => undefined,
        failed: (error) => done(false, explainError(error, target)),
      },
    );
  });
}
