/** Selects the probe of a check. */
import type {Clock} from '@hactl/base';
import type {Pinger} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {probeConnect, shortageOf} from './connect.ts';
import {probeExternal} from './external.ts';
import {probePing} from './ping.ts';
import {printable} from './printable.ts';
import {withoutSent} from './sent.ts';
import {serviceProbes, withinCheckTimeout} from './services.ts';
import {certificateOf} from './tls-client.ts';

/** Runs one probe; always resolves within the check's own limit, with a reason that is safe to show on a terminal. */
export async function probe(
  spec: CheckSpec,
  kind: 'connect' | 'negotiate',
  clock: Clock,
  pinger: Pinger,
): Promise<ProbeResult> {
  try {
    const result = await probeUnchecked(spec, kind, clock, pinger);
    const reason = printable(withoutSent(result.reason, spec));
    const certificate = certificateOf(spec, Date.now());
    if (reason === result.reason && !certificate) return result;
    return {...result, reason, ...(certificate ? {certificate} : {})};
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return {
      passed: false,
      reason: printable(withoutSent(`the check itself failed: ${words}`, spec)),
      took: 0,
      ...shortageOf(error),
    };
  }
}

function probeUnchecked(
  spec: CheckSpec,
  kind: 'connect' | 'negotiate',
  clock: Clock,
  pinger: Pinger,
): Promise<ProbeResult> {
  switch (spec.checkType.kind) {
    case 'on':
      return Promise.resolve({passed: true, reason: 'checktype on: always up', took: 0});
    case 'off':
      return Promise.resolve({passed: false, reason: 'checktype off: never used', took: 0});
    case 'ping':
      return probePing(spec, spec.checkTimeout, clock, pinger);
    case 'external':
    case 'external-perl':
      return probeExternal(spec, spec.checkTimeout, clock);
    case 'connect':
      // UDP has no handshake: ldirectord pings the host.
      return spec.protocol === 'udp'
        ? probePing(spec, spec.checkTimeout, clock, pinger)
        : probeConnect(spec, spec.checkTimeout, clock);
    case 'combined':
      if (kind === 'connect') return probeConnect(spec, spec.checkTimeout, clock);
      return negotiate(spec, clock, pinger);
    case 'negotiate':
      return negotiate(spec, clock, pinger);
  }
}

/** Services whose protocol is not implemented, and why. */
const onlyConnected: Readonly<Record<string, string>> = {
  oracle: 'no client for Oracle exists in Debian, only the connection is checked',
};

function negotiate(spec: CheckSpec, clock: Clock, pinger: Pinger): Promise<ProbeResult> {
  const dialogue = serviceProbes[spec.service];
  if (dialogue)
    return dialogue(
      spec,
      withinCheckTimeout.has(spec.service) ? spec.checkTimeout : spec.negotiateTimeout,
      clock,
    );
  if (spec.service === 'none')
    return Promise.resolve({passed: true, reason: 'service none: always up', took: 0});
  // UDP has no connection to try.
  if (spec.protocol === 'udp')
    return probePing(spec, spec.negotiateTimeout, clock, pinger).then((result) => ({
      ...result,
      reason: `${result.reason} (service ${spec.service}: only the host is pinged)`,
    }));
  return probeConnect(spec, spec.negotiateTimeout, clock).then((result) => ({
    ...result,
    reason: `${result.reason} (service ${spec.service}: ${onlyConnected[spec.service] ?? 'only the connection is checked'})`,
  }));
}
