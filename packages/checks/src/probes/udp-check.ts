/** What the probes over UDP share: question and answer with one deadline; a lost datagram is sent again. */
import dgram from 'node:dgram';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import {printable, targetOf, type Finding} from './tcp-check.ts';

/** The question goes out this often within the limit. */
const SENDS = 4;

/** The end of the conversation that the real server sees. */
export interface Local {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks and waits. `answer` judges each datagram of the real server; undefined = not for us, wait on. The socket is
 * connected: others' datagrams never arrive, and a closed port is heard of at once.
 */
export function overUdp(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  question: (local: Local) => Buffer,
  answer: (datagram: Buffer) => Finding | undefined,
  hint = '',
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const target = targetOf(spec);
    const socket = dgram.createSocket(spec.family === 6 ? 'udp6' : 'udp4');
    let [sent, finished] = [0, false];
    let again: NodeJS.Timeout | undefined;
    const done = ({passed, reason}: Finding): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      clearInterval(again);
      socket.close();
      resolve({passed, reason: printable(reason), took: clock.now() - started});
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      const refused = error.code === 'ECONNREFUSED';
      const reason = refused ? `${target}/udp refused: nothing listens there` : explainError(error, target);
      done({passed: false, reason});
    };
    const timer = setTimeout(
      () =>
        done({passed: false, reason: `no answer from ${target} within ${limit} ms, asked ${sent}x${hint}`}),
      limit,
    );
    socket.on('error', fail);
    socket.on('message', (datagram) => {
      const finding = answer(datagram);
      if (finding)
        done({...finding, reason: `answered in ${Math.round(clock.now() - started)} ms, ${finding.reason}`});
    });
    const connected = (error?: NodeJS.ErrnoException): void => {
      if (error) fail(error);
      if (finished) return;
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
      // Port 0, which a virtual of a firewall mark may leave.
      done({passed: false, reason: error instanceof Error ? error.message : String(error)});
    }
  });
}
