/** The connections of a control socket, and which to drop when there are too many. */
import type net from 'node:net';
import {REFUSAL_LIMIT_MS} from '../system/limits.ts';

/** A connection and its activity; `since` in milliseconds of performance.now(). */
export interface Connection {
  readonly socket: net.Socket;
  state: 'idle' | 'waiting' | 'working' | 'sending';
  since: number;
}

export interface Connections {
  /** Adds a connection, replacing an idle one if necessary; undefined: refused, because all are being answered. */
  readonly admit: (socket: net.Socket) => Connection | undefined;
  readonly drop: (connection: Connection) => void;
  readonly delete: (connection: Connection) => void;
  /** Drops the slowest client when more than `unread` have not read their answer, which stays in memory until then. */
  readonly limitUnread: () => void;
  readonly close: () => void;
}

export function makeConnections(
  most: {readonly connections: number; readonly unread: number},
  /** A connection was dropped in favour of a new one. */
  evicted: () => void,
): Connections {
  const connections = new Set<Connection>();
  const refused = new Set<net.Socket>();

  const longest = (state: Connection['state']): Connection | undefined =>
    [...connections]
      .filter((connection) => connection.state === state)
      .toSorted((left, right) => left.since - right.since)[0];

  const drop = (connection: Connection): void => {
    connections.delete(connection);
    connection.socket.destroy();
  };

  /** Makes room for one more connection. A wait for events is cheap to repeat: hactl does so. */
  function makeRoom(): boolean {
    if (connections.size < most.connections) return true;
    const leaving = longest('idle') ?? longest('waiting');
    if (!leaving) return false;
    drop(leaving);
    evicted();
    return true;
  }

  /** Sends the refusal, drains the input so that it arrives, and closes. */
  function refuse(socket: net.Socket): void {
    const message = 'too many clients are being answered; try again';
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LIMIT_MS);
    refused.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      refused.delete(socket);
    });
    socket.resume();
    socket.end(`${JSON.stringify({id: 0, ok: false, error: {code: 'busy', message}})}\n`);
  }

  return {
    admit: (socket) => {
      if (!makeRoom()) {
        refuse(socket);
        return undefined;
      }
      const connection: Connection = {socket, state: 'idle', since: performance.now()};
      connections.add(connection);
      return connection;
    },
    drop,
    delete: (connection) => void connections.delete(connection),
    limitUnread: () => {
      const sending = [...connections].filter(({state}) => state === 'sending').length;
      const slowest = sending > most.unread ? longest('sending') : undefined;
      if (slowest) drop(slowest);
    },
    close: () => {
      for (const {socket} of connections) socket.destroy();
      for (const socket of refused) socket.destroy();
    },
  };
}
