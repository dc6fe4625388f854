/**
 * The site of a drill: namespaces of this machine (or of the micro-VM), or machines reached over ssh. The drill's code
 * is the same; only the implementation of this interface differs.
 */

import type {Means} from '../../src/drill/event.ts';

/** A program started on a host. Its lines on stdout are JSON objects or text. */
export interface Program {
  readonly host: string;
  /** Set if the host shares our pid namespace. */
  readonly pid?: number | undefined;
  /** Every line so far. */
  readonly lines: readonly string[];
  readonly running: boolean;
  /** Sends one line to its stdin. */
  write(line: string): void;
  onLine(listener: (line: string) => void): void;
  /** Signals the process, or its whole process group. */
  kill(signal: NodeJS.Signals, group?: boolean): Promise<void>;
  /** Signals its whole process group without ending it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves when the process has ended. */
  readonly ended: Promise<number | string>;
}

export interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The interface through which the drill acts. */
export interface Site {
  readonly name: string;
  /** Operations on the hosts themselves; undefined: only running programs is possible. */
  readonly means?: ReadonlySet<Means>;
  /** Offset of a host's clock to ours in milliseconds (positive: ahead), if it has its own clock. */
  clockAhead?(host: string): Promise<number>;
  /** The host has gone: drop connections to it. */
  forget?(host: string): void;
  /** The address of a host on the LAN. */
  address(host: string): string;
  /** Whether hosts share the drill's file system: sockets can be reached by path. */
  readonly sharedFiles: boolean;
  readonly webs: readonly string[];
  readonly vip: string;
  /** The LAN device on a host. */
  device(host: string): string;
  /** Runs a command to completion on a host. */
  run(host: string, argv: readonly string[]): Promise<Outcome>;
  /** Starts a program on a host, in its own process group, with stdin and stdout connected. */
  start(host: string, argv: readonly string[], log: string): Promise<Program>;
  /** Writes a file on a host. */
  write(host: string, path: string, text: string, mode: number): Promise<void>;
  /** A directory on the host for this drill's files. */
  directory(host: string): string;
  cutLink(host: string): Promise<void>;
  restoreLink(host: string): Promise<void>;
  /** The Node that runs our programs there, and the path of the checkout. */
  readonly node: string;
  readonly checkout: string;
  destroy(): Promise<void>;
}
