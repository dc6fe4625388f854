/** For tests: a relay in front of a real server that breaks the exchange off where it could look complete. */
import net from 'node:net';
import {systemClock} from '@hactl/base';
import type {ExecutionContext} from 'ava';
import type {CheckSpec} from '../messages.ts';
import {AMPLE} from './real-server.ts';
import type {Probe} from './services.ts';
import {closed, serve} from './testing.ts';

/** Long enough for an exchange on loopback up to the break. */
const HANG_LIMIT = 400;

type Break =
  /** After this many octets from the server nothing more passes, or the connection is reset. */
  | {readonly how: 'reset' | 'hang'; readonly after: number}
  /** The server's first octets are not TLS. */
  | {readonly how: 'garbage'};

interface Relay {
  readonly port: number;
  /** Octets that the server sent on the first connection. */
  readonly sent: () => number;
  readonly clients: readonly net.Socket[];
}

async function relayTo(t: ExecutionContext<unknown>, port: number, fault?: Break): Promise<Relay> {
  const clients: net.Socket[] = [];
  let sent = 0;
  const listening = await serve(t, (client) => {
    const first = clients.push(client) === 1;
    let passed = 0;
    const server = net.connect({host: '127.0.0.1', port, allowHalfOpen: true});
    server.on('error', () => client.destroy());
    client.on('close', () => server.destroy());
    client.on('data', (octets) => server.write(octets));
    client.on('end', () => server.end());
    server.on('data', (octets) => {
      if (first) sent += octets.length;
      if (!fault) return void client.write(octets);
      if (fault.how === 'garbage') return void client.write('220 not what you think\r\n'.repeat(4));
      const rest = fault.after - passed;
      passed += octets.length;
      if (rest > 0) client.write(octets.subarray(0, rest));
      // Earlier data must arrive first: a reset that overtakes it would prove less.
      if (passed >= fault.after && fault.how === 'reset') setImmediate(() => client.resetAndDestroy());
    });
    server.on('end', () => {
      if (!fault || fault.how === 'garbage') client.end();
    });
    if (fault?.how === 'garbage') client.once('data', () => client.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  return {port: listening, sent: () => sent, clients};
}

/**
 * A check that passes must fail, with a reason and without leaving a connection, when the server resets or hangs before its
 * first octet, after it, or a third of the way through; with TLS also when the server does not speak TLS.
 */
export async function failsWhenBroken(
  t: ExecutionContext<unknown>,
  probe: Probe,
  spec: CheckSpec,
  secure = false,
): Promise<void> {
  const whole = await relayTo(t, spec.port);
  const good = await probe({...spec, port: whole.port}, AMPLE, systemClock);
  t.true(good.passed, `through a relay: ${good.reason}`);
  const places = new Set([0, 1, Math.floor(whole.sent() / 3)]);
  const faults: Break[] = [...places].flatMap((after) => [
    {how: 'reset' as const, after},
    {how: 'hang' as const, after},
  ]);
  if (secure) faults.push({how: 'garbage'});
  await Promise.all(
    faults.map(async (fault) => {
      const relay = await relayTo(t, spec.port, fault);
      const limit = fault.how === 'hang' ? HANG_LIMIT : AMPLE;
      const result = await probe({...spec, port: relay.port}, limit, systemClock);
      const where = `${JSON.stringify(fault)} of ${whole.sent()}: ${result.reason}`;
      t.false(result.passed, where);
      t.regex(
        result.reason,
        fault.how === 'garbage' ? /TLS/ : /closed|reset|ended|disconnected|no answer/i,
        where,
      );
      await Promise.all(relay.clients.map(closed));
    }),
  );
}
