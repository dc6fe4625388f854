/** Sends our table to the peer and receives the peer's: connects resync-donor.ts and resync-joiner.ts to kernel and channel. */
import {randomBytes} from 'node:crypto';
import type {SyncContext} from './driver-context.ts';
import type {Injector} from './driver-injector.ts';
import type {Peer, PeerMessage} from './driver-peer.ts';
import {entriesOf, entriesOfMessage, isPulse, messageOf} from './entry.ts';
import type {SyncReport} from './messages.ts';
import {find, upsert} from './mirror.ts';
import {donorBusy, donorDefaults, donorStep, makeDonor, type DonorEvent} from './resync-donor.ts';
import {joinerStep} from './resync-joiner.ts';
import {joinerBusy, joinerDefaults, makeJoiner, type Chunk, type JoinerEvent} from './resync-state.ts';
import type {Hello, SyncPhase} from './resync-wire.ts';

export interface TransferPorts {
  readonly peer: Peer;
  readonly injector: Injector;
  /** Whether the entry's real server was removed from this director's table. */
  isGone(message: Buffer, start: number): boolean;
}

export interface Transfer {
  readonly phase: SyncPhase;
  /** When the donor last sent something for it, or connections went into the kernel. */
  readonly progressAt: number;
  readonly busy: boolean;
  /** A resync is due, but the peer goes first. */
  readonly due: boolean;
  readonly counts: Pick<SyncReport, 'missingHere' | 'repaired' | 'resyncs' | 'resent' | 'last'>;
  start(whole: boolean): void;
  newPeer(): void;
  hello(hello: Hello): void;
  message(message: PeerMessage): void;
  tick(): void;
}

function verdictText(inSync: boolean, connections: number, took: number): string {
  const seconds = (took / 1_000).toFixed(inSync ? 2 : 1);
  return inSync
    ? `in sync with the peer: ${connections} connections after ${seconds} s`
    : `not in sync after ${seconds} s: going on without (${connections} connections so far); hactl_sync_deadline says how long to wait`;
}

export function openTransfer(context: SyncContext, ports: TransferPorts): Transfer {
  const {mirror, now, mirrorTime, settings, log} = context;
  const {peer, injector} = ports;
  const options = {...joinerDefaults, deadline: settings.deadline};
  const donor = makeDonor();
  const joiner = makeJoiner(randomBytes(4).readUInt32BE(0));
  const state: {
    resyncs: number;
    /** Since when a resync is due for which the peer goes first. */
    dueSince?: number;
    lostSeen: number;
    last?: SyncReport['last'];
    acknowledging: {readonly number: number; readonly session: number}[];
  } = {resyncs: 0, lostSeen: 0, acknowledging: []};

  const toDonor = (event: DonorEvent): void => {
    for (const message of donorStep(donor, event, now(), mirrorTime(), mirror, donorDefaults))
      peer.send(message);
  };
  const toJoiner = (event: JoinerEvent): void => {
    for (const effect of joinerStep(joiner, event, now(), mirror, options, !peer.isAuthoritative())) {
      if (effect.type === 'send') peer.send(effect.message);
      else if (effect.type === 'inject') inject(effect.chunk);
      else onVerdict(effect.inSync, effect.took, effect.rounds);
    }
  };
  const onVerdict = (inSync: boolean, took: number, rounds: number): void => {
    context.startedActive = false;
    // Later changes are judged separately.
    context.recentSync = false;
    state.last = {took, connections: mirror.size, rounds, complete: inSync};
    log(inSync ? 'info' : 'warn', verdictText(inSync, mirror.size, took));
  };
  const isWanted = (chunk: Chunk, start: number): boolean =>
    find(mirror, chunk.message, start) < 0 && !ports.isGone(chunk.message, start);

  /** The kernel has it: only now update the mirror and acknowledge to the donor. */
  const taken = (chunk: Chunk, starts: readonly number[]): void => {
    const second = mirrorTime();
    for (const [index, start] of starts.entries())
      if (!isPulse(chunk.message, start) && (!peer.isAuthoritative() || isWanted(chunk, start)))
        upsert(mirror, chunk.message, start, second, chunk.remaining.readUInt32BE(4 * index));
    state.acknowledging.push({number: chunk.number, session: chunk.session});
    if (state.acknowledging.length > 1) return;
    // One acknowledgement for everything the kernel took at once.
    setImmediate(() => {
      const {session} = joiner;
      const numbers = state.acknowledging.flatMap((chunkOf) =>
        chunkOf.session === session ? [chunkOf.number] : [],
      );
      state.acknowledging = [];
      toJoiner({type: 'injected', numbers, session});
    });
  };
  const inject = (chunk: Chunk): void => {
    const starts = entriesOf(chunk.message) ?? [];
    const done = (): void => taken(chunk, starts);
    if (starts.length === 0 || (context.active && context.startedActive)) return done();
    if (!context.active) return injector.add({message: chunk.message, done});
    // Its own entries are newer than the peer's copies.
    const wanted = starts.filter((start) => isWanted(chunk, start));
    if (wanted.length === 0) done();
    else injector.add({message: messageOf(0, entriesOfMessage(chunk.message, wanted)), done});
  };
  const start = (whole: boolean): void => {
    state.resyncs += 1;
    delete state.dueSince;
    toJoiner({type: 'start', whole});
  };

  return {
    get phase() {
      return joiner.settled && joiner.phase !== 'in-sync' ? 'deadline' : joiner.phase;
    },
    get progressAt() {
      return joiner.progressAt;
    },
    get busy() {
      return donorBusy(donor) || joinerBusy(joiner);
    },
    get due() {
      return state.dueSince !== undefined;
    },
    get counts() {
      return {
        missingHere: joiner.missing,
        repaired: joiner.repaired,
        resyncs: state.resyncs,
        resent: donor.resent,
        ...(state.last ? {last: state.last} : {}),
      };
    },
    start,
    newPeer: () => {
      Object.assign(donor, makeDonor());
      Object.assign(joiner, makeJoiner(joiner.session));
      state.dueSince = now();
    },
    hello: (hello) => {
      if (state.dueSince === undefined) return;
      if (!peer.yields(hello) || now() - state.dueSince > settings.deadline) start(false);
    },
    message: (message) => {
      if (message.type === 'chunk' || message.type === 'groups' || message.type === 'buckets')
        toJoiner({type: 'message', message});
      else toDonor({type: 'message', message});
    },
    tick: () => {
      if (peer.lost > state.lostSeen && joiner.phase === 'in-sync' && joiner.step === 'idle') {
        // Request lost entries now, not at the next comparison.
        state.lostSeen = peer.lost;
        joiner.askedAt = Math.min(joiner.askedAt, now() - options.compareEvery);
      }
      toDonor({type: 'tick'});
      toJoiner({type: 'tick'});
    },
  };
}
