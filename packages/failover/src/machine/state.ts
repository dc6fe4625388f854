/** The machine's state, role by role. Instants are monotonic. */
import type {Instant, Millis} from '@hactl/base';
import type {Advert} from '../advert.ts';
import type {EngineConfig, EngineVip, Move, MoveScope, Transition} from '../messages.ts';

/** State of a group in every role. */
interface Group {
  readonly vrid: number;
  readonly since: Instant;
  /** Held by an operator: priority 255 until it is given away. */
  readonly operatorHold: boolean;
  /** Stood down by an operator: no preemption until failback, takeover, or the peer's death. */
  readonly stoodDown: boolean;
  /** A resource could not be kept running here: like stoodDown, until this instant. */
  readonly failedUntil?: Instant;
  /** Why it cannot be held here (its interface). */
  readonly blocked?: string;
  /** The kernel refused an address. `resting`: not retried before `retryAt`. */
  readonly refused?: {readonly count: number; readonly reason: string; readonly resting: boolean};
  /** Addresses withheld because a peer holds them in another group: which, and who has them. */
  readonly withheld?: string;
  /** No preemption before (hold-down). */
  readonly holdUntil: Instant;
  /** No takeover before this, because an attempt just failed. */
  readonly retryAt: Instant;
  /** While no heartbeat path works the preferred peer defends the address on the LAN: it has the group until this instant. */
  readonly peerDefendsUntil: Instant;
}

export interface InitializeGroup extends Group {
  readonly role: 'Initialize';
  /** Addresses that our earlier process left on the interface. */
  readonly leftover: readonly EngineVip[];
  /** When to renew their leases. */
  readonly renewAt: Instant;
}

export interface BackupGroup extends Group {
  readonly role: 'Backup';
  readonly leftover: readonly EngineVip[];
  /** Waiting for cold resources or for the fence before adding the addresses. */
  readonly waiting?: {readonly need: 'prepare' | 'fence'; readonly reason: string};
  /** Since when nobody has held it although a preferred director is alive. */
  readonly vacantSince?: Instant;
}

export interface ActiveGroup extends Group {
  readonly role: 'Active';
  /** The addresses on the interfaces: exactly these are renewed, announced and released. */
  readonly vips: readonly EngineVip[];
  /** The sequence of the first Active advert: a peer that echoes an older one does not know yet. Undefined: not sent yet. */
  readonly activeAdvert?: {readonly incarnation: bigint; readonly sequence: bigint};
  /** The group is offered to the peer until this instant. */
  readonly handoverUntil?: Instant;
  readonly announced: number;
  readonly announceAt?: Instant;
  readonly renewAt: Instant;
  /** Since when the peer, which is heard, is Active too: when it releases, announce to the clients. */
  readonly peerActiveSince?: Instant;
  /** When a live peer last claimed an address of the group on the LAN. */
  readonly peerClaimedAt?: Instant;
  /** When the last conflict was defended (RFC 5227), and the pending defence. */
  readonly defendedAt: Instant;
  readonly defence?: {readonly at: Instant; readonly vips: readonly EngineVip[]};
  /** The claimants reported since `at`, and how many claims came after each first. */
  readonly strangers?: {readonly from: readonly string[]; readonly at: Instant; readonly more: number};
  /** No heartbeat path works, but the peer claimed our address: announcing it at this interval shows that we are alive. */
  readonly lastResortAt?: Instant;
  /** When an address is announced again while the peer is silent but may be alive. */
  readonly suspicionAt: Instant;
}

export type GroupState = InitializeGroup | BackupGroup | ActiveGroup;

export interface PeerState {
  /** The highest incarnation heard from it, including by our earlier processes. */
  readonly incarnation: bigint;
  readonly nodeIndex: number;
  readonly name: string;
  readonly alive: boolean;
  readonly late: boolean;
  /** Whether it was ever heard. */
  readonly known: boolean;
  /**
   * Whether it is proven live and not a recording: the state file knows its incarnation, or it has echoed this process's.
   * Until then its adverts are only answered.
   */
  readonly proven: boolean;
  /** The newest advert received from it, proven or not: our adverts echo it. */
  readonly newest?: {readonly incarnation: bigint; readonly sequence: bigint};
  readonly heardAt: Instant;
  /** When that advert arrived; read later if this process did not run. */
  readonly arrivedAt: Instant;
  /**
   * How irregularly its adverts came of late: by how much the interval between two exceeded keepalive, at most by another one.
   * It or this director is busy then, or adverts are lost.
   */
  readonly jitter: Millis;
  readonly upSince: Instant;
  readonly downAt: Instant;
  /**
   * Whether its kernel was asked, or has answered, since its last advert; see `asksKernel`. `overruled`: its process claims an
   * address on the LAN, so its kernel's answer is no sign of a stall.
   */
  readonly kernel: 'not-asked' | 'asked' | 'answered' | 'overruled';
  /** When it was last heard on each path. */
  readonly paths: readonly Instant[];
  readonly advert?: Advert;
  /** It announced its shutdown (all priorities 0), so its silence is expected. */
  readonly saidGoodbye: boolean;
  /** It was fenced and has not been heard since. */
  readonly fenced: boolean;
}

/** A planned move whose requester waits for the result. */
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
  /** This process was suspended: it trusts and changes nothing until this instant. */
  readonly listenOnlyUntil?: Instant;
  readonly stopping?: {readonly until: Instant};
  /** Interfaces of addresses and heartbeat paths that are down. */
  readonly downDevices: readonly string[];
  /** An interface returned while no peer was heard: its silence proves nothing before this instant. */
  readonly isolatedUntil: Instant;
  /** It has sent `stopped` and makes no further decisions. */
  readonly ended?: true;
  /** Number of tracked targets (ping nodes, ping groups, interfaces, scripts) that are down here. */
  readonly trackedDown: number;
}

export type Event =
  | {readonly type: 'tick'}
  /** `waited`: for how long it was in the socket before it was read, in ms. */
  | {readonly type: 'advert'; readonly advert: Advert; readonly waited?: Millis}
  /** Addresses of the group left on the interfaces by an earlier process. */
  | {readonly type: 'found-address'; readonly vrid: number; readonly addresses: readonly string[]}
  | {readonly type: 'acquire-failed'; readonly vrid: number; readonly reason: string}
  /** Told only if it took a while: the addresses that the step at `from` acquired are on, and our advert is sent. */
  | {readonly type: 'acquired'; readonly vrid: number; readonly from: Instant}
  | {readonly type: 'prepared'; readonly vrid: number; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'fenced'; readonly ok: boolean; readonly reason: string}
  | {readonly type: 'readiness'; readonly ready: boolean}
  | {readonly type: 'move'; readonly id: number; readonly move: Move; readonly scope: MoveScope}
  | {readonly type: 'device'; readonly device: string; readonly problem?: string}
  | {readonly type: 'address-gone'; readonly vrid: number}
  /** An interface has a new hardware address or another cable: the LAN must learn where our addresses are. */
  | {readonly type: 'link-changed'; readonly device: string}
  /**
   * Another host claims an address of the group on the LAN. `peer`: signed and new; `peer-alive`: also answers our claim, so
   * its sender is alive; `stranger`: anything else. `from`: hardware address and interface.
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
  /** `leaveAddresses`: if no peer can take over, the addresses stay for this process's successor. */
  | {readonly type: 'stop'; readonly leaveAddresses: boolean}
  /** ARP: the peer's machine lives. Nobody signs it: it delays a takeover, within `stalledTime`, and causes none. */
  | {readonly type: 'kernel-answers'; readonly nodeIndex: number}
  | {readonly type: 'configure'; readonly previous: EngineConfig};

/** An action on a group's addresses; it lists them, so that the driver needs no configuration. */
interface AddressEffect<Type extends string> {
  readonly type: Type;
  readonly vrid: number;
  readonly vips: readonly EngineVip[];
}

/**
 * Effects for the driver, performed in order. Takeover: add the addresses, announce them, then send the Active advert; the
 * peer releases only when it hears that. Release: remove the addresses, then send the Backup advert.
 */
export type Effect =
  | AddressEffect<'acquire'>
  | AddressEffect<'renew'>
  | AddressEffect<'announce'>
  | AddressEffect<'release'>
  | AddressEffect<'leave-addresses'>
  | {readonly type: 'send-advert'}
  /** Ask whether the peer's machine lives: `kernel-answers` says so. */
  | {readonly type: 'ask-kernel'; readonly nodeIndex: number}
  /** The peer knows a higher incarnation of ours than our state directory: save it. */
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
