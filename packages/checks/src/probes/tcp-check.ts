/** Shared by the probes over TCP: one deadline over all phases, a progress text for the reason, sockets closed in every outcome. */
import net from 'node:net';
import type tls from 'node:tls';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import type {Meter} from './meter.ts';
import {oneVerdict} from './one-verdict.ts';
import {startTls} from './tls-client.ts';

/** How long the farewell may take after the verdict. */
const GOODBYE_MAX = 250;
/** The result of a conversation. */
export interface Finding {
  readonly passed: boolean;
  readonly reason: string;
  /** Settles when the client has said goodbye: servers log a connection that just breaks off. */
  readonly goodbye?: Promise<unknown>;
}

/** The tools of a conversation. */
export interface Line {
  /** To be called by readers before each piece. */
  readonly meter: Meter;
  /** Adds a socket, open or not, to this check: its progress is noted and it is closed at the end. */
  readonly track: (socket: net.Socket) => net.Socket;
  /** A connection to the real server. */
  readonly connect: () => Promise<net.Socket>;
  /** TLS over a connection; any certificate is accepted, as in ldirectord. */
  readonly secure: (socket: net.Socket) => Promise<tls.TLSSocket>;
  /** The current step: named if the limit is reached in it. */
  readonly phase: (what: string) => void;
}

/** The address and port for messages. */
export const targetOf = (spec: CheckSpec): string => `${spec.address} port ${spec.port}`;

/** Runs `talk` for at most `limit`; always resolves. */
export function overTcp(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  talk: (line: Line) => Promise<Finding>,
): Promise<ProbeResult> {
  return oneVerdict<Promise<unknown>>(spec, limit, clock, (verdict) => {
    const target = targetOf(spec);
    const sockets: net.Socket[] = [];

    const hangUp = (): void => {
      for (const socket of sockets) {
        socket.on('error', () => undefined);
        socket.destroy();
      }
    };
    const fail = (error: unknown): void => {
      const cause: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
      verdict.fail(cause, cause.syscall === undefined ? cause.message : explainError(cause, target));
    };

    const track = (socket: net.Socket): net.Socket => {
      if (verdict.over()) socket.destroy();
      const at = clock.now();
      sockets.push(socket);
      socket.once('connect', () => {
        verdict.note(`connected in ${Math.round(clock.now() - at)} ms`);
        if (verdict.doing() === 'connecting') verdict.phase('waiting for the answer');
      });
      socket.on('error', (error: NodeJS.ErrnoException) => setImmediate(fail, error));
      // The conversation may have a better reason for the end, so it comes first.
      socket.on('close', () =>
        setImmediate(() => {
          if (socket === sockets.at(-1))
            verdict.end(false, `${target} closed the connection (${verdict.doing()})`);
        }),
      );
      return socket;
    };
    const connect = (): Promise<net.Socket> =>
      new Promise((open, failed) => {
        const socket = track(net.connect({host: spec.address, port: spec.port, family: spec.family}));
        socket.once('connect', () => open(socket));
        socket.once('error', failed);
      });
    const secure = (socket: net.Socket): Promise<tls.TLSSocket> =>
      new Promise((open, failed) => {
        verdict.phase('TLS handshake');
        const wrapped = startTls(spec, spec.virtualHost, socket);
        track(wrapped);
        wrapped.once('secureConnect', () => {
          verdict.note('TLS ok');
          verdict.phase('waiting for the answer');
          open(wrapped);
        });
        wrapped.once('error', (error) => failed(new Error(`TLS handshake failed: ${error.message}`)));
      });

    talk({meter: verdict.meter, track, connect, secure, phase: verdict.phase}).then(
      ({passed, reason, goodbye}) => verdict.end(passed, reason, goodbye),
      fail,
    );
    return (goodbye) => {
      if (!goodbye) return hangUp();
      const late = setTimeout(hangUp, GOODBYE_MAX);
      const end = (): void => {
        clearTimeout(late);
        hangUp();
      };
      goodbye.then(end, end);
    };
  });
}
