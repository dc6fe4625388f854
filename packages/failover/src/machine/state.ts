/** What the machine remembers, role by role. Instants are of the monotonic clock. */
import type {Instant} from '@hactl/base';
import type {Advert} from '../advert.ts';
import type {EngineConfig, EngineVip, Move, MoveScope, Transition} from '../messages.ts';

/** What a group has in every role. */
interface Group {
  readonly vrid: number;
  readonly since: Instant;
  /** An operator wants it here: priority 255 until it is given away. */
  readonly operatorHold: boolean;
  /** An operator sent it away: no preemption until failback, takeover, or the peer's death. */
  readonly stoodDown: boolean;
  /** A resource could not be kept running here: as with stoodDown, until then. */
  readonly failedUntil?: Instant;
  /** Why it cannot be held here: its interface. */
  readonly blocked?: string;
  /** The kernel refused an address. `resting`: not tried again before `retryAt`. */
  readonly refused?: {readonly count: number; readonly reason: string; readonly resting: boolean};
  /** Addresses that a peer holds in another group are not put on: which, and who has them. */
  readonly withheld?: string;
  /** No preemption before (hold-down). */
  readonly holdUntil: Instant;
  /** No takeover before this: an attempt has just failed. */
  readonly retryAt: Instant;
  /** The preferred peer defends the address on the LAN while no heartbeat path works: it has the group, until then. */
  readonly peerDefendsUntil: Instant;
}

export interface InitializeGroup extends Group {
  readonly role: 'Initialize';
  /** Addresses that an earlier process of ours left on the interface. */
  readonly leftover: readonly EngineVip[];
  /** When their leases are renewed. */
  readonly renewAt: Instant;
}

export interface BackupGroup extends Group {
  readonly role: 'Backup';
  readonly leftover: readonly EngineVip[];
  /** Waits for cold resources or for the fence before it takes the addresses. */
  readonly waiting?: {readonly need: 'prepare' | 'fence'; readonly reason: string};
  /** Since when nobody holds it although a better director lives. */
  readonly vacantSince?: Instant;
}

export interface ActiveGroup extends Group {
  readonly role: 'Active';
  /** What is on the interfaces: exactly this is renewed, announced and released. */
  readonly vips: readonly EngineVip[];
  /** The advert that first said Active: a peer that echoes an older one does not know of it. Undefined: not yet sent. */
  readonly activeAdvert?: {readonly incarnation: bigint; readonly sequence: bigint};
  /** The group is offered to the peer until then. */
  readonly handoverUntil?: Instant;
  readonly announced: number;
  readonly announceAt?: Instant;
  readonly renewAt: Instant;
  /** Since when the peer, which is heard, is Active too: when it lets go, clients must be told. */
  readonly peerActiveSince?: Instant;
  /** When a living peer last claimed an address of the group on the LAN. */
  readonly peerClaimedAt?: Instant;
  /** When another's claim was last answered (RFC 5227), and what is to be answered next. */
  readonly defendedAt: Instant;
  readonly defence?: {readonly at: Instant; readonly vips: readonly EngineVip[]};
  /** Whose claims were last reported, when, and how many came since. */
  readonly stranger?: {readonly from: string; readonly at: Instant; readonly more: number};
  /** No heartbeat path works, but the peer claimed our address: announcing it at this interval shows that we are alive. */
  readonly lastResortAt?: Instant;
  /** When an address is announced again, should the peer be silent and perhaps alive. */
  readonly suspicionAt: Instant;
}

export type GroupState = InitializeGroup | BackupGroup | ActiveGroup;

export interface PeerState {
  /** The highest heard from it, including by earlier processes of ours. */
  readonly incarnation: bigint;
  readonly nodeIndex: number;
  readonly name: string;
  readonly alive: boolean;
  readonly late: boolean;
  /** Has it ever been heard. */
  readonly known: boolean;
  /**
   * Is it not a recording? The state file knows its incarnation, or it has echoed this process's. Before that its adverts are
   * only answered.
   */
  readonly proven: boolean;
  /** The newest that arrived of it, proven or not: what our adverts echo. */
  readonly newest?: {readonly incarnation: bigint; readonly sequence: bigint};
  readonly heardAt: Instant;
  readonly upSince: Instant;
  readonly downAt: Instant;
  /** When it was heard on each path. */
  readonly paths: readonly Instant[];
  readonly advert?: Advert;
  /** It announced its shutdown (all priorities 0), so its silence is expected. */
  readonly saidGoodbye: boolean;
  /** It was fenced, and has not been heard since. */
  readonly fenced: boolean;
}

/** A planned move that somebody waits for. */
export interface PendingMove {
  readonly id: number;
  readonly move: Move;
  readonly vrids: readonly number[];
  readonly until: Instant;
  /** A takeover: since when both directors may hold the groups. */
  readonly overlapFrom?: Instant;
}

export interface State {
  readonly nodeIndex: number;
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
  /** This process was suspended: it trusts nothing and changes nothing until then. */
  readonly listenOnlyUntil?: Instant;
  readonly stopping?: {readonly until: Instant};
  /** Interfaces of addresses and heartbeat paths that are down. */
  readonly downDevices: readonly string[];
  /** An interface has come back while no peer was heard: its silence proves nothing before then. */
  readonly isolatedUntil: Instant;
  /** It has sent `stopped`: it decides nothing any more. */
  readonly ended?: true;
  /** How many of the tracked things (ping nodes, ping groups, interfaces, scripts) are down here. */
  readonly trackedDown: number;
}

export type Event =
  | {readonly type: 'tick'}
  | {readonly type: 'advert'; readonly advert: Advert}
  /** Addresses of the group that an earlier process left on the interfaces. */
  | {readonly type: 'found-address'; readonly vrid: number; readonly addresses: readonly string[]}
  | {readonly type: 'acquire-failed'; readonly vrid: number; readonly reason: string}
  | {readonly type: 'prepared'; readonly vrid: number; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'fenced'; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'readiness'; readonly ready: boolean}
  | {readonly type: 'move'; readonly id: number; readonly move: Move; readonly scope: MoveScope}
  | {readonly type: 'device'; readonly device: string; readonly problem?: string}
  | {readonly type: 'address-gone'; readonly vrid: number}
  /** An interface has another hardware address, or another cable: the LAN must learn where our addresses are. */
  | {readonly type: 'link-changed'; readonly device: string}
  /**
   * Somebody else claims an address of the group on the LAN. `peer`: it is signed and new; `peer-alive`: it answers a claim
   * of ours too, so its sender lives; `stranger`: everything else. `from`: hardware address and interface.
   */
  | {
      readonly type: 'conflict';
      readonly vrid: number;
      readonly address: string;
      readonly claimant: 'peer' | 'peer-alive' | 'stranger';
      readonly from: string;
    }
  | {readonly type: 'give-up'; readonly vrid: number; readonly reason: string; readonly holdOff: number}
  | {readonly type: 'tracked-down'; readonly count: number}
  /** `leaveAddresses`: where no peer could take over, the addresses stay for the successor of this process. */
  | {readonly type: 'stop'; readonly leaveAddresses: boolean}
  | {readonly type: 'configure'; readonly previous: EngineConfig};

/** An action on a group's addresses; it names them, so that the driver needs no configuration. */
interface AddressEffect<Type extends string> {
  readonly type: Type;
  readonly vrid: number;
  readonly vips: readonly EngineVip[];
}

/**
 * What the driver does, in this order. To take over: the addresses go on the interface, they are announced, then the
 * advert says so; the peer releases only when it hears that. To release: the addresses go, then the advert says so.
 */
export type Effect =
  | AddressEffect<'acquire'>
  | AddressEffect<'renew'>
  | AddressEffect<'announce'>
  | AddressEffect<'release'>
  | AddressEffect<'leave-addresses'>
  | {readonly type: 'send-advert'}
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
    }
  | {readonly type: 'stopped'};
