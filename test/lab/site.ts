/**
 * Where a drill runs: namespaces of this machine (or of the micro-VM), or machines reached over ssh. The drill's code
 * is the same; only this port differs.
 */

import type {Means} from '../../src/drill/event.ts';

/** A program that the drill started on a host. Its lines on stdout are JSON objects or text. */
export interface Program {
  readonly host: string;
  /** Where its machine's processes are ours too. */
  readonly pid?: number | undefined;
  /** Every line so far. */
  readonly lines: readonly string[];
  readonly running: boolean;
  /** Sends one line to its stdin. */
  write(line: string): void;
  onLine(listener: (line: string) => void): void;
  /** A signal to it alone, or to its whole process group. */
  kill(signal: NodeJS.Signals, group?: boolean): Promise<void>;
  /** A signal to its whole process group that does not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<number | string>;
}

export interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The port that the drill acts through. */
export interface Site {
  readonly name: string;
  /** What can be done to its hosts; undefined: nothing beside running programs. */
  readonly means?: ReadonlySet<Means>;
  /** How far a host's clock is ahead of ours, in milliseconds, where it has a clock of its own. */
  clockAhead?(host: string): Promise<number>;
  /** The host has gone: connections to it are void. */
  forget?(host: string): void;
  /** The address of a host on the LAN. */
  address(host: string): string;
  /** The hosts see the same files as the drill: sockets can be reached by path. */
  readonly sharedFiles: boolean;
  readonly webs: readonly string[];
  readonly vip: string;
  /** The LAN's device on a host. */
  device(host: string): string;
  /** Runs a command to its end on a host. */
  run(host: string, argv: readonly string[]): Promise<Outcome>;
  /** Starts a program on a host, in a process group of its own, with stdin and stdout connected. */
  start(host: string, argv: readonly string[], log: string): Promise<Program>;
  /** Writes a file on a host. */
  write(host: string, path: string, text: string, mode: number): Promise<void>;
  /** A directory on the host for this drill's files. */
  directory(host: string): string;
  cutLink(host: string): Promise<void>;
  restoreLink(host: string): Promise<void>;
  /** The Node that runs our programs there, and the checkout's place. */
  readonly node: string;
  readonly checkout: string;
  destroy(): Promise<void>;
}
