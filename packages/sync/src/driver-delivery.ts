/**
 * Whether the peer has what this director's kernel has sent: measured continuously while the pulse beats, and awaited before
 * an address moves (the barrier).
 */
import type {Forward} from '@hactl/ipvs';
import {agesOf, noAges, noteAge} from './ages.ts';
import type {SyncContext} from './driver-context.ts';
import type {Injector} from './driver-injector.ts';
import type {Live} from './driver-live.ts';
import type {Peer, PeerMessage} from './driver-peer.ts';
import {readHandshakes} from './driver-proc.ts';
import type {Pulse} from './driver-pulse.ts';
import {messageOf} from './entry.ts';
import {isReached, MARKERS} from './pulse.ts';

/** Interval between probes of the peer, in ms. */
const ASK_EVERY = 100;
/** Time limit for a probe and its answer, in ms. */
const FORGET = 2_000;
/** The kernel's list is read for handshakes only if that takes a few milliseconds. */
const LISTED = 6_000;

export interface BarrierResult {
  readonly ok: boolean;
  readonly took: number;
  readonly reason: string;
}

export interface DeliveryPorts {
  readonly peer: Peer;
  readonly injector: Injector;
  readonly live: Live;
  readonly pulse: Pulse | undefined;
  readonly forward: () => ReadonlyMap<string, Forward>;
}

export interface Delivery {
  /** Age of the newest record at the peer, in ms; undefined: not measured yet. */
  readonly ages: {readonly p50: number; readonly p99: number} | undefined;
  /** A new incarnation of the peer: its beats start over. */
  newPeer(): void;
  /** A marker of the peer's pulse arrived. */
  peerMarker(marker: number): void;
  message(message: PeerMessage & {readonly type: 'mark' | 'marked' | 'pull'}): void;
  /**
   * Resolves when the peer's kernel has every connection that this one had at the call, handshakes included, and vice versa if
   * the peer is Active; or after `limit` ms.
   */
  barrier(limit: number): Promise<BarrierResult>;
  /** The first half: this kernel's connections. */
  push(limit: number): Promise<string | undefined>;
  tick(): void;
}

export function openDelivery(context: SyncContext, ports: DeliveryPorts): Delivery {
  const {mirror, now, settings} = context;
  const {peer, injector, live, pulse} = ports;
  const relay = settings.mode === 'relay';
  const ages = noAges();
  /** The newest marker sent by the peer's kernel. */
  let newestMarker: number | undefined;
  /** Probes of the peer that wait for a marker from its kernel. */
  const delayed: {
    readonly number: number;
    readonly marker: number;
    readonly settle: boolean;
    readonly at: number;
  }[] = [];
  const asked = new Map<number, {readonly at: number; readonly answered: () => void}>();
  let [lastNumber, askedAt, askedBeat] = [0, -Infinity, 0];

  const ask = (question: (number: number) => PeerMessage, answered: () => void): void => {
    // Send the data that the probe refers to first.
    live.flush();
    lastNumber += 1;
    asked.set(lastNumber, {at: now(), answered});
    peer.send(question(lastNumber));
  };
  const askBeat = (beat: number, settle: boolean, answered: () => void): void =>
    ask((number) => ({type: 'mark', number, marker: beat % MARKERS, settle}), answered);
  const answer = (number: number, settle: boolean): void => {
    if (settle) injector.add({message: messageOf(0, []), done: () => peer.send({type: 'marked', number})});
    else peer.send({type: 'marked', number});
  };
  const hasCome = (marker: number): boolean =>
    relay || (newestMarker !== undefined && isReached(newestMarker, marker));
  /** Whether the probe is answered within the limit. */
  const isAnswered = (limit: number, put: (answered: () => void) => void): Promise<boolean> =>
    new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), limit);
      put(() => {
        clearTimeout(late);
        resolve(true);
      });
    });

  /** Makes sure that the peer knows everything this kernel has. Resolves to the problem, if any. */
  const push = async (limit: number): Promise<string | undefined> => {
    const end = now() + limit;
    const left = (): number => Math.max(1, end - now());
    if (!peer.believed) return 'the peer is not heard';
    // Off by directive, or reported when it could not be opened.
    if (!pulse) return undefined;
    const beat = pulse.burst(left());
    if (mirror.size <= LISTED) live.tell(readHandshakes(ports.forward()));
    const heard = await beat;
    if (heard === undefined) return 'the local kernel did not send in time';
    const has = await isAnswered(left(), (answered) => askBeat(heard, true, answered));
    return has ? undefined : 'the peer did not answer in time';
  };
  /** Makes sure that this kernel knows everything the peer has. */
  const pull = async (limit: number): Promise<string | undefined> => {
    const done = await isAnswered(limit, (answered) => ask((number) => ({type: 'pull', number}), answered));
    return done ? undefined : 'the peer did not hand over in time';
  };
  const barrier = async (limit: number): Promise<BarrierResult> => {
    const started = now();
    const theirs = peer.believed && peer.hello?.active === true;
    const parts = [...(context.active || !theirs ? [push(limit)] : []), ...(theirs ? [pull(limit)] : [])];
    const reasons = (await Promise.all(parts)).flatMap((reason) => reason ?? []);
    const elapsed = now() - started;
    return reasons.length > 0
      ? {ok: false, took: elapsed, reason: reasons.join('; ')}
      : {ok: true, took: elapsed, reason: 'both directors have every connection'};
  };

  return {
    get ages() {
      return agesOf(ages);
    },
    peerMarker: (marker) => {
      if (newestMarker === undefined || isReached(marker, newestMarker)) newestMarker = marker;
      for (const question of delayed.splice(0)) {
        if (hasCome(question.marker)) answer(question.number, question.settle);
        else if (now() - question.at < FORGET) delayed.push(question);
      }
    },
    message: (message) => {
      if (message.type === 'marked') {
        asked.get(message.number)?.answered();
        asked.delete(message.number);
      } else if (message.type === 'pull')
        // Not answered if it failed: the peer has its own time limit.
        void push(FORGET).then((problem) => {
          if (problem === undefined) peer.send({type: 'marked', number: message.number});
        });
      else if (hasCome(message.marker)) answer(message.number, message.settle);
      else delayed.push({...message, at: now()});
    },
    newPeer: () => {
      newestMarker = undefined;
      delayed.splice(0);
    },
    barrier,
    push,
    tick: () => {
      for (const [number, {at}] of asked) if (now() - at > FORGET) asked.delete(number);
      if (!pulse?.beating || !peer.believed || now() - askedAt < ASK_EVERY) return;
      const beat = pulse.newestHeard;
      const sentAt = pulse.sentAt(beat);
      if (sentAt === undefined || beat === askedBeat) return;
      [askedAt, askedBeat] = [now(), beat];
      // A record just after that beat has waited for the next one by then.
      askBeat(beat, false, () => noteAge(ages, now() - sentAt + pulse.interval));
    },
  };
}
