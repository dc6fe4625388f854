/** The protocol between client and real servers of the drill, and the drill's commands to the client. */

/** Octets of a request and of its answer: 8 of the real server's name, 12 of the request's number, padding. */
export const FRAME = 32;

export const question = (number: number): Buffer =>
  Buffer.from(`${' '.repeat(8)}${String(number).padStart(12)}`.padEnd(FRAME), 'latin1');

export const parseAnswer = (frame: Buffer): {readonly real: string; readonly number: number} => ({
  real: frame.toString('latin1', 0, 8).trim(),
  number: Number(frame.toString('latin1', 8, 20)),
});

/** Commands on the client's stdin, one JSON object per line; each is answered with one line. */
export type ClientCommand =
  | {
      readonly do: 'open';
      readonly service: string;
      readonly protocol: 'tcp' | 'udp';
      readonly host: string;
      readonly port: number;
      readonly count: number;
      /** Milliseconds between requests; 0: idle until `ask`. */
      readonly interval: number;
      /** Source addresses, used in turn. */
      readonly from?: readonly string[];
      /** Each must reach the same real server as the stream of this service with the same source address. */
      readonly sticks?: boolean;
    }
  /** Every idle stream sends one request; returns when all are answered or broken, or after the limit (ms). */
  | {readonly do: 'ask'; readonly limit: number}
  /** Short sequential connections, each closed after one answer; stopped by `calm`. */
  | {readonly do: 'churn'; readonly host: string; readonly port: number; readonly every: number}
  | {readonly do: 'calm'};

export interface ServiceCount {
  readonly service: string;
  readonly idle: number;
  readonly busy: number;
  /** Streams reset, closed or (idle ones) without an answer. */
  readonly broken: number;
  /** Answered by a different real server than at first. */
  readonly moved: number;
}

/** Totals of all streams since the client started. */
export interface ClientReport {
  readonly services: readonly ServiceCount[];
  readonly answers: number;
  /** Longest wait for an answer since the last report, of busy streams, ms. */
  readonly longest: number;
  readonly churned: number;
  readonly churnFailed: number;
  readonly errors: Readonly<Record<string, number>>;
}
