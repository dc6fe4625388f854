/** The result of a command line: one of these, or an exit with a message. */
import type {Destination, Service, ServiceKey, SyncDaemon, SyncRole, Timeouts} from '@hactl/ipvs';

export interface ListFormat {
  readonly numeric: boolean;
  readonly sort: boolean;
  readonly exact: boolean;
  readonly columns: 'default' | 'stats' | 'rate' | 'thresholds' | 'persistent-conn' | 'tun-info';
}

export type Command =
  | {readonly type: 'add-service' | 'edit-service'; readonly service: Service}
  | {readonly type: 'delete-service'; readonly key: ServiceKey}
  | {readonly type: 'flush' | 'restore'}
  | {readonly type: 'save'; readonly numeric: boolean}
  | {
      readonly type: 'add-server' | 'edit-server' | 'delete-server';
      readonly key: ServiceKey;
      readonly destination: Destination;
    }
  | {readonly type: 'list'; readonly key?: ServiceKey; readonly format: ListFormat}
  | {readonly type: 'list-connections'; readonly numeric: boolean; readonly persistence: boolean}
  | {readonly type: 'list-timeouts' | 'list-daemons'}
  | {readonly type: 'zero'; readonly key?: ServiceKey}
  | {readonly type: 'set-timeouts'; readonly timeouts: Timeouts}
  | {readonly type: 'start-daemon'; readonly daemon: SyncDaemon}
  | {readonly type: 'stop-daemon'; readonly role: SyncRole};

export type Outcome =
  | {readonly type: 'command'; readonly command: Command}
  /** Exit: usage, version, or a refusal. */
  | {readonly type: 'end'; readonly status: number; readonly stdout: string; readonly stderr: string}
  /** The parser must know this host's address: look it up and parse again. */
  | {readonly type: 'lookup'; readonly host: string};

/** ipvsadm's exit statuses: for a refused command line, and for a refusal by popt or the kernel. */
export const status = {ok: 0, noSuchService: 1, refused: 2, failed: 255} as const;

/** Thrown to leave the parser at any depth. */
export class Left extends Error {
  override name = 'Left';
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.type);
    this.outcome = outcome;
  }
}

export const leave = (code: number, sentence: string): Left =>
  new Left({type: 'end', status: code, stdout: '', stderr: `${sentence}\n`});

/** A refusal of the command line. */
export const refuse = (sentence: string): Left => leave(status.refused, sentence);
