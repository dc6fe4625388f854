/** Shared by the probes over UDP: request and answer with one deadline; lost datagrams are sent again. */
import dgram from 'node:dgram';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import {oneVerdict} from './one-verdict.ts';
import {targetOf, type Finding} from './tcp-check.ts';

/** How often the request is sent within the limit. */
const SENDS = 4;

/** The local address, as seen by the real server. */
export interface Local {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks and waits. `answer` judges each datagram of the real server; undefined: not for us, keep waiting. The socket is
 * connected: datagrams from other senders never arrive, and a closed port is reported at once.
 */
export function overUdp(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  question: (local: Local) => Buffer,
  answer: (datagram: Buffer) => Finding | undefined,
  hint = '',
): Promise<ProbeResult> {
  const target = targetOf(spec);
  let sent = 0;
  return oneVerdict(
    spec,
    limit,
    clock,
    (verdict) => {
      const started = clock.now();
      const socket = dgram.createSocket(spec.family === 6 ? 'udp6' : 'udp4');
      let again: NodeJS.Timeout | undefined;
      const fail = (error: NodeJS.ErrnoException): void => {
        const refused = error.code === 'ECONNREFUSED';
        verdict.fail(
          error,
          refused ? `${target}/udp refused: nothing listens there` : explainError(error, target),
        );
      };
      socket.on('error', fail);
      socket.on('message', (datagram) => {
        verdict.meter.enter(datagram.length);
        if (verdict.over()) return;
        const finding = answer(datagram);
        if (finding)
          verdict.end(
            finding.passed,
            `answered in ${Math.round(clock.now() - started)} ms, ${finding.reason}`,
          );
      });
      const connected = (error?: NodeJS.ErrnoException): void => {
        if (error) fail(error);
        if (verdict.over()) return;
        const {address, port} = socket.address();
        const octets = question({address, port});
        const send = (): void => {
          sent += 1;
          socket.send(octets, (broken) => {
            if (broken) fail(broken);
          });
        };
        again = setInterval(send, limit / SENDS);
        send();
      };
      try {
        socket.connect(spec.port, spec.address, connected);
      } catch (error) {
        // Port 0, possible in a virtual service of a firewall mark.
        verdict.fail(error);
      }
      return () => {
        clearInterval(again);
        socket.close();
      };
    },
    () => `no answer from ${target} within ${limit} ms, asked ${sent}x${hint}`,
  );
}
