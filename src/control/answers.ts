/**
 * The answer type of each command: on the control socket (`Answers`) and between the two supervisors (`PeerAnswers`). Both
 * sides are typed by these maps, so neither casts an answer.
 */
import type {Fact, FactChange} from '@hactl/config';
import type {EventsAnswer} from './events.ts';
import type {OrderState} from './orders.ts';
import type {PeerCommand, PeerCommandName} from './peer-commands.ts';
import type {
  Command,
  CommandName,
  MoveOutcome,
  OrderOutcome,
  ReloadOutcome,
  ResourceOutcome,
  ResourceStatus,
  StatusSnapshot,
} from './protocol.ts';

/** One line of the plan. */
export interface PlannedChange {
  readonly kind: FactChange['kind'];
  readonly file: string;
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
  /** Its effect on the running pair. */
  readonly effect: string;
}

export interface Plan {
  readonly rows: readonly PlannedChange[];
  /** Set: the running daemon cannot apply this; nothing is changed. */
  readonly refused?: string;
}

export interface PlanOutcome extends Plan {
  readonly ok: boolean;
  /** Rendered, as on every outcome. */
  readonly diagnostics: readonly string[];
}

export interface PushOutcome {
  readonly ok: boolean;
  /** What happened, in a sentence. */
  readonly text: string;
  readonly dryRun: boolean;
  readonly peer: string;
  readonly here: {readonly diagnostics: readonly string[]; readonly rows: readonly PlannedChange[]};
  readonly there: {readonly diagnostics: readonly string[]; readonly rows: readonly PlannedChange[]};
}

export interface HistoryOutcome {
  readonly versions: readonly {
    readonly number: number;
    /** Wall clock, milliseconds. */
    readonly wall: number;
    readonly why: string;
    readonly digest: string;
    /** Files that differ from the version before. */
    readonly changed: readonly string[];
    readonly inUse: boolean;
  }[];
  readonly pushes: readonly {
    readonly id: string;
    readonly wall: number;
    readonly side: string;
    readonly peer: string;
    readonly state: string;
    readonly text: string;
  }[];
}

export interface DiffOutcome {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly string[];
}

export interface RollbackOutcome {
  readonly ok: boolean;
  readonly text: string;
  readonly diagnostics: readonly string[];
}

/** One file in use; `digest` is the SHA-256 of its text in hex; a missing file has that of the empty text. */
export interface ReadConfigFile {
  readonly name: string;
  readonly text: string;
  readonly digest: string;
}

export interface WriteOutcome {
  readonly ok: boolean;
  /** What happened, in a sentence. */
  readonly text: string;
  readonly rows: readonly PlannedChange[];
  readonly diagnostics: readonly string[];
}

export interface ResyncOutcome {
  readonly asked: true;
  /** Resyncs so far: this one has ended when the report's count exceeds it. */
  readonly resyncs: number;
}

/** The answer to `push-prepare`. */
export interface Prepared {
  readonly ok: boolean;
  readonly diagnostics: readonly string[];
  readonly rows: readonly PlannedChange[];
  readonly refused?: string;
  /** Digest of the shared part of the configuration as this director read it. */
  readonly digest?: string;
}

/** The answer to `push-commit` and `push-undo`. */
export interface Committed {
  readonly ok: boolean;
  readonly reason: string;
}

export interface FactsAnswer {
  readonly digest: string;
  readonly facts: readonly Fact[];
}

/** By the peer's command. */
export interface PeerAnswers {
  readonly status: StatusSnapshot;
  readonly events: EventsAnswer;
  readonly orders: OrderState;
  readonly facts: FactsAnswer;
  readonly 'push-prepare': Prepared;
  readonly 'push-commit': Committed;
  readonly 'push-undo': Committed;
  readonly 'push-abort': {readonly ok: true};
  readonly 'push-outcome': {readonly state: string; readonly text: string};
}

/** By the command on the control socket. */
export interface Answers {
  readonly status: StatusSnapshot;
  readonly events: EventsAnswer;
  readonly reload: ReloadOutcome;
  readonly resync: ResyncOutcome;
  readonly plan: PlanOutcome;
  readonly push: PushOutcome;
  readonly 'config-history': HistoryOutcome;
  readonly 'config-diff': DiffOutcome;
  readonly 'config-rollback': RollbackOutcome;
  readonly 'config-read': {readonly files: readonly ReadConfigFile[]};
  readonly 'config-write': WriteOutcome;
  readonly move: MoveOutcome;
  readonly order: OrderOutcome;
  /** `list` is answered with a list, a name with its outcome. */
  readonly resource: readonly ResourceStatus[] | ResourceOutcome;
  readonly peer: PeerAnswers[PeerCommandName];
}

/** The answer to one command, narrowed by its arguments. */
export type AnswerTo<C extends Command> = C extends {
  readonly command: 'peer';
  readonly ask: infer P extends PeerCommand;
}
  ? PeerAnswers[P['command']]
  : C extends {readonly command: 'resource'; readonly action: 'list'}
    ? readonly ResourceStatus[]
    : C extends {readonly command: 'resource'; readonly action: 'start' | 'stop' | 'status'}
      ? ResourceOutcome
      : Answers[C['command']];

/** A function for each command of the control socket; `gone` aborts when the client disconnects. */
export type Handlers = {
  readonly [K in CommandName]: (command: Command<K>, gone?: AbortSignal) => Promise<Answers[K]>;
};
/** A function for each command of the peer. */
export type PeerHandlers = {
  readonly [K in PeerCommandName]: (command: PeerCommand<K>) => Promise<PeerAnswers[K]>;
};

/** Executes commands of the control socket, or the peer's. */
export type Answerer = (command: Command, gone?: AbortSignal) => Promise<Answers[CommandName]>;
export type PeerAnswerer = (command: PeerCommand) => Promise<PeerAnswers[PeerCommandName]>;

/** Sends the peer a request; throws a CommandError with its code or ours. `limit` in milliseconds. */
export type AskPeer = <C extends PeerCommand>(
  command: C,
  limit: number,
) => Promise<PeerAnswers[C['command']]>;
