/** What the client and the reals of the drill say, and how the drill commands the client. */

/** Octets of a question and of its answer: 8 of the real's name, 12 of the question's number, filling. */
export const FRAME = 32;

export const question = (number: number): Buffer =>
  Buffer.from(`${' '.repeat(8)}${String(number).padStart(12)}`.padEnd(FRAME), 'latin1');

export const parseAnswer = (frame: Buffer): {readonly real: string; readonly number: number} => ({
  real: frame.toString('latin1', 0, 8).trim(),
  number: Number(frame.toString('latin1', 8, 20)),
});

/** Commands on the client's stdin, one JSON object a line; each is answered by one line. */
export type ClientCommand =
  | {
      readonly do: 'open';
      readonly service: string;
      readonly protocol: 'tcp' | 'udp';
      readonly host: string;
      readonly port: number;
      readonly count: number;
      /** Milliseconds between two questions; 0: idle until asked. */
      readonly interval: number;
      /** Addresses to come from, in turn. */
      readonly from?: readonly string[];
      /** Each must get the real that this service's stream from the same address has. */
      readonly sticks?: boolean;
    }
  /** Every idle stream asks once; answered when all have answered, broken, or the limit (ms) is over. */
  | {readonly do: 'ask'; readonly limit: number}
  /** Short connections, one after another, each closed after one answer; stopped by `calm`. */
  | {readonly do: 'churn'; readonly host: string; readonly port: number; readonly every: number}
  | {readonly do: 'calm'};

export interface ServiceCount {
  readonly service: string;
  readonly idle: number;
  readonly busy: number;
  /** Streams reset, closed or (idle ones) without an answer. */
  readonly broken: number;
  /** Answered by another real than at first. */
  readonly moved: number;
}

/** The state of all streams, summed since the client began. */
export interface ClientReport {
  readonly services: readonly ServiceCount[];
  readonly answers: number;
  /** Longest wait for an answer since the last report, of busy streams, ms. */
  readonly longest: number;
  readonly churned: number;
  readonly churnFailed: number;
  readonly errors: Readonly<Record<string, number>>;
}
