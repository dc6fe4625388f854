/** The connection of an HTTP check, in the clear or over TLS. */
import net from 'node:net';
import {TcpConnection} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import {addressOf} from './connect.ts';
import {startTls} from './tls-client.ts';

/** A connection that a request goes over. */
export interface Line {
  readonly say: (text: string) => void;
  /** Ends the events. A connection in the clear can be reset, which spares both sides the TCP close. */
  readonly close: (reset: boolean) => void;
}

export interface LineListener {
  readonly connected: () => void;
  readonly secured: () => void;
  readonly received: (text: string) => void;
  readonly ended: () => void;
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

export function openPlain(spec: CheckSpec, listener: LineListener): Line {
  const connection = new TcpConnection(
    addressOf(spec),
    {speaksFirst: true},
    {
      connected: listener.connected,
      received: (octets) => listener.received(octets.toString('latin1')),
      ended: listener.ended,
      failed: listener.failed,
    },
  );
  return {
    say: (text) => connection.send(Buffer.from(text)),
    close: (reset) => connection.close(reset),
  };
}

export function openSecure(spec: CheckSpec, host: string, listener: LineListener): Line {
  const socket = startTls(spec, host, net.connect({host: spec.address, port: spec.port}));
  let closed = false;
  socket.setEncoding('latin1');
  const on = (event: string, listen: (data: string & Error) => void): void => {
    socket.on(event, (data: string & Error) => {
      if (!closed) listen(data);
    });
  };
  on('connect', listener.connected);
  // Not after a renegotiation: the request is sent once.
  socket.once('secureConnect', () => {
    if (!closed) listener.secured();
  });
  on('data', listener.received);
  on('end', listener.ended);
  on('close', listener.ended);
  on('error', listener.failed);
  return {
    say: (text) => void socket.write(text),
    close: () => {
      closed = true;
      socket.destroy();
    },
  };
}
