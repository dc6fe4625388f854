/** checktype=connect: the TCP handshake, nothing more. */
import net from 'node:net';
import type {Clock, Millis} from '@hactl/base';
import {socketAddress, SystemError, TcpConnection} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {startDeadline} from './deadline.ts';

/** A socket's error as text for people. */
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
      return `the server on ${target} does not speak TLS`;
    default:
      return `connection to ${target}: ${error.code ?? error.message}`;
  }
}

/**
 * Errors that do not concern the server: this machine is out of descriptors, memory or ports, or lacks a permission. `name` is
 * for the message.
 */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no descriptors left (EMFILE: raise LimitNOFILE)',
  ENFILE: 'this machine has no descriptors left (ENFILE: raise fs.file-max)',
  ENOMEM: 'this machine has no memory left (ENOMEM)',
  ENOBUFS: 'this machine has no buffers left (ENOBUFS)',
  EAGAIN: 'this machine cannot start another process (EAGAIN: raise TasksMax or LimitNPROC)',
  EADDRNOTAVAIL:
    'this machine has no local address or port left for it (EADDRNOTAVAIL: see net.ipv4.ip_local_port_range)',
  EAFNOSUPPORT: 'this machine does not speak this family of addresses (EAFNOSUPPORT: is IPv6 switched off?)',
};
/** No raw socket: ICMP needs CAP_NET_RAW. For an address or a port the same errors mean a wrong configuration. */
const refusals: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/** Marks a result as no verdict when the error is a local resource shortage. */
export function shortageOf(error: unknown): Pick<ProbeResult, 'shortage'> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof SystemError && error.op === 'socket' && refusals.has(code))
    return {shortage: `this process may not open a raw socket (${code}: pings need CAP_NET_RAW)`};
  const name = Object.hasOwn(shortages, code) ? shortages[code] : undefined;
  return name === undefined ? {} : {shortage: name};
}

/** The SNI name from a Host header's value: without port, and never an address (RFC 6066 section 3). */
export function serverName(host: string | undefined): {readonly servername?: string} {
  const name = /^[A-Za-z0-9._-]+(?=(?::\d*)?$)/.exec(host ?? '')?.[0];
  return name === undefined || net.isIP(name) ? {} : {servername: name};
}

const addresses = new WeakMap<CheckSpec, Uint8Array>();

/** The destination of a check as the kernel expects it; computed once per check. */
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
    const done = (passed: boolean, reason: string, more: Partial<ProbeResult> = {}): void => {
      deadline.clear();
      connection.close();
      resolve({passed, reason, took: clock.now() - started, ...more});
    };
    const deadline = startDeadline(clock, limit, () =>
      done(false, `no connection to ${target} within ${limit} ms`),
    );
    const connection = new TcpConnection(
      addressOf(spec),
      {},
      {
        connected: () => done(true, `connected in ${Math.round(clock.now() - started)} ms`),
        received: () => undefined,
        ended: () => undefined,
        failed: (error) => done(false, explainError(error, target), shortageOf(error)),
      },
    );
  });
}
