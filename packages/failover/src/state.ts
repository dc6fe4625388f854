/** What the machine remembers. Every deadline lives in the state that needs it; instants are of the monotonic clock. */
import type {Instant} from '@hactl/base';
import type {Advert} from './advert.ts';
import type {EngineConfig, Move, MoveScope, Role, Transition} from './messages.ts';

export interface GroupState {
  readonly vrid: number;
  readonly role: Role;
  readonly since: Instant;
  /** An operator wants it here: priority 255 until it is given away. */
  readonly claim: boolean;
  /** An operator sent it away: no preemption until failback, takeover, or the peer's death. */
  readonly heldBack: boolean;
  /** A resource could not be kept running here: as with heldBack, until then. */
  readonly failedUntil?: Instant;
  /** Active, and offers the group to the peer until then. */
  readonly handoverUntil?: Instant;
  /** Waits for cold resources or for the fence before it takes the addresses. */
  readonly waiting?: {readonly need: 'prepare' | 'fence'; readonly reason: string; readonly force: boolean};
  /** Since when nobody holds it although a better director lives. */
  readonly vacantSince?: Instant;
  /** Why it cannot be held here. */
  readonly blocked?: string;
  /** The advert that first said Active: a peer that echoes an older one has not heard of it. */
  readonly activeSequence: bigint;
  /** No takeover by choice before (hold-down). */
  readonly holdUntil: Instant;
  /** No takeover at all before: an attempt has just failed, or the peer claims the address on the LAN. */
  readonly retryAt: Instant;
  /** Addresses left over from an earlier process of ours. */
  readonly adopted: boolean;
  readonly announced: number;
  readonly announceAt?: Instant;
  /** Since when the peer, which is heard, is known to claim the address too: when it lets go, clients must be told. */
  readonly rivalSince: Instant;
  /** When another's claim was last answered. */
  readonly correctedAt: Instant;
  /** The preferred peer claims the address on the LAN while no heartbeat comes: it has the group, at least until then. */
  readonly claimedUntil: Instant;
  /** No heartbeat works, but the peer claimed our address on the LAN: announcing it at this pace says that we live. */
  readonly claimAt: Instant;
  readonly renewAt: Instant;
}

export interface PeerState {
  /** The highest heard of it, also by earlier processes of ours. */
  readonly incarnation: bigint;
  readonly place: number;
  readonly name: string;
  readonly alive: boolean;
  readonly late: boolean;
  /** Has it ever been heard. */
  readonly known: boolean;
  readonly heardAt: Instant;
  readonly upSince: Instant;
  readonly downAt: Instant;
  readonly paths: readonly Instant[];
  readonly advert?: Advert;
  /** It said that it goes (all priorities 0): its silence is no riddle. */
  readonly saidGoodbye: boolean;
}

/** A planned move that somebody waits for. */
export interface PendingMove {
  readonly id: number;
  readonly move: Move;
  readonly vrids: readonly number[];
  readonly until: Instant;
  readonly overlapFrom?: Instant;
  readonly overlap: number;
}

export interface State {
  readonly place: number;
  readonly startedAt: Instant;
  readonly initUntil: Instant;
  readonly incarnation: bigint;
  readonly sequence: bigint;
  readonly ready: boolean;
  readonly readySince: Instant;
  readonly advertAt: Instant;
  readonly sentAt: Instant;
  readonly groups: readonly GroupState[];
  readonly peers: readonly PeerState[];
  readonly moves: readonly PendingMove[];
  /** We were not running for a while: nothing is believed, and nothing touched, until then. */
  readonly probationUntil?: Instant;
  readonly stopping?: {readonly until: Instant; readonly bequeath: boolean};
  /** How many of the things that are watched (ping nodes, ping groups, interfaces, scripts) are lost here. */
  readonly lost: number;
}

export type Event =
  | {readonly type: 'tick'}
  | {readonly type: 'advert'; readonly advert: Advert}
  | {readonly type: 'found-address'; readonly vrid: number}
  | {readonly type: 'acquire-failed'; readonly vrid: number; readonly reason: string}
  | {readonly type: 'prepared'; readonly vrid: number; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'fenced'; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'readiness'; readonly ready: boolean}
  | {readonly type: 'move'; readonly id: number; readonly move: Move; readonly scope: MoveScope}
  | {readonly type: 'device'; readonly device: string; readonly problem?: string}
  | {readonly type: 'address-gone'; readonly vrid: number}
  /** Somebody else claims an address of the group on the LAN; the peer's own announcements are known by their mark. */
  | {readonly type: 'conflict'; readonly vrid: number; readonly byPeer: boolean}
  | {readonly type: 'give-up'; readonly vrid: number; readonly reason: string; readonly holdOff: number}
  | {readonly type: 'reach'; readonly lost: number}
  | {readonly type: 'stop'; readonly bequeath: boolean}
  | {readonly type: 'configure'; readonly previous: EngineConfig};

/**
 * What the driver does, in this order. To take over: the addresses go on the interface, they are announced, then the
 * advert says so; the giver releases only when it hears that. To release: the addresses go, then the advert says so.
 */
export type Effect =
  | {readonly type: 'acquire'; readonly vrid: number}
  | {readonly type: 'renew'; readonly vrid: number}
  | {readonly type: 'announce'; readonly vrid: number}
  | {readonly type: 'release'; readonly vrid: number}
  | {readonly type: 'send-advert'}
  | {readonly type: 'bequeath'; readonly vrid: number}
  /** The peer knows a higher incarnation of ours than our state directory: it must be remembered. */
  | {readonly type: 'remember-incarnation'; readonly incarnation: bigint}
  | {readonly type: 'prepare'; readonly vrid: number}
  | {readonly type: 'fence'; readonly node: string}
  | {readonly type: 'transition'; readonly transition: Omit<Transition, 'wall'>}
  | {
      readonly type: 'event';
      readonly level: 'error' | 'warn' | 'info' | 'debug';
      readonly code: string;
      readonly message: string;
      readonly peer?: string;
      readonly silence?: number;
    }
  | {
      readonly type: 'move-done';
      readonly id: number;
      readonly ok: boolean;
      readonly reason: string;
      readonly overlap?: number;
      readonly outage?: number;
    }
  | {readonly type: 'stopped'};
