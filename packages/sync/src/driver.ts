/**
 * One director's side of the sync: hears its own kernel and the peer, keeps the mirror, gives and takes tables, feeds
 * the kernel. Decisions are in base's session.ts, resync-donor.ts and resync-joiner.ts; here they meet sockets and the clock.
 */
import {randomBytes} from 'node:crypto';
import {admit, lostOf, makeSession, seal, senderNumber, type Sender} from '@hactl/channel';
import {asVersion1, entriesOf, entriesOfMessage, messageOf} from './entry.ts';
import {openKernelSide, readOwnKernel, type KernelPorts, type KernelSide} from './driver-kernel.ts';
import {findPlace, openPeerLink, type PeerLink, type Place} from './driver-link.ts';
import {openUpkeep, type Upkeep} from './driver-upkeep.ts';
import {makeKeyring, openAny} from './keyring.ts';
import type {SyncLink, SyncReport} from './messages.ts';
import {createMirror, find, reseed, sweep, upsert, upsertMessage, type Mirror} from './mirror.ts';
import {readinessOf} from './readiness.ts';
import {donorBusy, donorDefaults, donorStep, makeDonor, type DonorEvent} from './resync-donor.ts';
import {joinerStep} from './resync-joiner.ts';
import {joinerBusy, joinerDefaults, makeJoiner, type Chunk, type JoinerEvent} from './resync-state.ts';
import {decodeResync, encodeResync, type Hello, type ResyncMessage, type SyncPhase} from './resync-wire.ts';

const BUSY_TICK = 20;
const IDLE_TICK = 100;
const HELLO_EVERY = 500;
/** How long a director that starts waits for a first word of a peer. */
const PEER_WAIT = 10_000;
const PEER_GONE = 3_000;

export interface SyncNode {
  readonly place: Place;
  readonly mirror: Mirror;
  setActive(active: boolean): void;
  /** Other keys from now on; the session goes on. */
  setKeys(keys: Pick<SyncLink, 'secret' | 'accepted'>): void;
  resync(): void;
  report(): SyncReport;
  close(): void;
}

const random64 = (): bigint => randomBytes(8).readBigUInt64BE(0);

/**
 * `trusted`: the kernel was in sync a moment ago, under a process before this one. `known`: the table of a node that was
 * closed because its interface changed; it is taken over.
 */
export async function openNode(
  settings: SyncLink,
  ports: KernelPorts,
  trusted: boolean,
  known?: Mirror,
): Promise<SyncNode> {
  const relay = settings.mode === 'relay';
  const place = findPlace(settings.interface);
  let keyring = makeKeyring(settings);
  const sender: Sender = {
    keys: keyring.signing,
    sender: senderNumber(settings.cluster, settings.node),
    // The clock alone could stand still or go back; the lower bits are random.
    incarnation: (BigInt(Date.now()) << 20n) | BigInt(randomBytes(4).readUInt32BE(0) & 0xfffff),
    sequence: 0n,
  };
  const mirror = known ?? createMirror(randomBytes(4).readUInt32BE(0));
  const session = makeSession(random64());
  const donor = makeDonor();
  const joiner = makeJoiner(randomBytes(4).readUInt32BE(0));
  const joinerOptions = {...joinerDefaults, deadline: settings.deadline};
  const startedAt = performance.now();
  const counts = {relayed: 0, heard: 0, malformed: 0, forged: 0, resyncs: 0};
  let active = false;
  /** A process that began while its director was Active: its kernel knows better than any peer. */
  let bornActive = true;
  let peerAddress: string | undefined;
  let peerAt = -Infinity;
  /** When this life of the peer was heard first. */
  let peerSince = -Infinity;
  let hello: Hello | undefined;
  let behindSince: number | undefined;
  let lostSeen = 0;
  let last: SyncReport['last'];
  /** Since when a resync is due that lets the peer go first. */
  let startDueAt: number | undefined;
  let helloAt = -Infinity;
  let sweptAt = 0;
  let confirmed: {readonly number: number; readonly session: number}[] = [];

  const now = (): number => performance.now();
  /** The mirror's clock: whole seconds since the process began. */
  const second = (): number => 1 + Math.floor(now() / 1_000);
  const peerLives = (): boolean => now() - peerAt < PEER_GONE;
  /** Counted anew with every hello. */
  let lostCount = 0;
  const countLost = (): void => {
    lostCount = session.lostBefore + (session.peer ? lostOf(session.peer.window) : 0);
  };

  // Opened last to first: what is open already is closed when a later one fails.
  const closers: (() => void)[] = [];
  const close = (): void => {
    clearTimeout(timer);
    for (const one of closers.splice(0)) one();
  };
  let timer: NodeJS.Timeout | undefined;
  let peerLink: PeerLink;
  let kernel: KernelSide;
  let upkeep: Upkeep;

  const say = (message: ResyncMessage, to = peerAddress): void => {
    peerLink.send(seal(sender, encodeResync(message)), to);
  };
  const phase = (): SyncPhase => (joiner.settled && joiner.phase !== 'in-sync' ? 'deadline' : joiner.phase);
  const sayHello = (echo = session.echo, to = peerAddress): void => {
    say(
      {
        type: 'hello',
        phase: phase(),
        active,
        relayed: counts.relayed % 2 ** 32,
        connections: mirror.size,
        missing: joiner.missing,
        seed: mirror.seed,
        challenge: session.challenge,
        echo,
      },
      to,
    );
  };

  /**
   * Whose word counts for a connection that both have: the Active's. Were it nobody's, two that repair each other would
   * swap what they have, for ever.
   */
  const leads = (): boolean =>
    active === (hello?.active ?? false) ? sender.sender > (session.peer?.sender ?? 0) : active;

  const atDonor = (event: DonorEvent): void => {
    for (const message of donorStep(donor, event, now(), second(), mirror, donorDefaults)) say(message);
  };

  const atJoiner = (event: JoinerEvent): void => {
    for (const effect of joinerStep(joiner, event, now(), mirror, joinerOptions, !leads())) {
      if (effect.type === 'send') say(effect.message);
      else if (effect.type === 'inject') inject(effect.chunk);
      else {
        bornActive = false;
        // What comes later is judged by itself.
        trusted = false;
        last = {
          took: effect.took,
          connections: mirror.size,
          rounds: effect.rounds,
          complete: effect.inSync,
        };
        ports.log(
          effect.inSync ? 'info' : 'warn',
          effect.inSync
            ? `in sync with the peer: ${mirror.size} connections after ${(effect.took / 1_000).toFixed(2)} s`
            : `not in sync after ${(effect.took / 1_000).toFixed(1)} s: going on without (${mirror.size} connections so far); hactl_sync_deadline says how long to wait`,
        );
      }
    }
  };

  /** The kernel has it: only now the mirror says so too, and the donor hears of it. */
  const done = (chunk: Chunk, starts: readonly number[]): void => {
    const at = second();
    for (const [index, start] of starts.entries())
      if (!leads() || (find(mirror, chunk.message, start) < 0 && !upkeep.isGone(chunk.message, start)))
        upsert(mirror, chunk.message, start, at, chunk.remaining.readUInt32BE(4 * index));
    confirmed.push({number: chunk.number, session: chunk.session});
    if (confirmed.length > 1) return;
    // One acknowledgement for all that the kernel took at once.
    setImmediate(() => {
      const {session: now} = joiner;
      const numbers = confirmed.filter((one) => one.session === now).map(({number}) => number);
      confirmed = [];
      atJoiner({type: 'injected', numbers, session: now});
    });
  };

  const inject = (chunk: Chunk): void => {
    const starts = entriesOf(chunk.message) ?? [];
    const finish = (): void => done(chunk, starts);
    if (starts.length === 0 || (active && bornActive)) finish();
    else if (!active) kernel.injector.add({message: chunk.message, done: finish});
    else {
      // What it has itself is newer than anything that the peer says of it.
      const wanted = starts.filter(
        (at) => find(mirror, chunk.message, at) < 0 && !upkeep.isGone(chunk.message, at),
      );
      if (wanted.length === 0) finish();
      else
        kernel.injector.add({message: messageOf(0, entriesOfMessage(chunk.message, wanted)), done: finish});
    }
  };

  /** The own kernel said something: into the mirror, and to the peer. */
  const onOwn = (bytes: Buffer): void => {
    const message = asVersion1(bytes);
    if (!message || upsertMessage(mirror, message, second()) < 0) {
      counts.malformed += 1;
      return;
    }
    counts.relayed += 1;
    if (relay && session.peer && peerLives()) say({type: 'live', message});
  };

  /** `told`: the peer's process says so, not its kernel. */
  const onPeerKernel = (bytes: Buffer, told = false): void => {
    const message = asVersion1(bytes);
    if (!message || upsertMessage(mirror, message, second()) < 0) counts.malformed += 1;
    else {
      counts.heard += 1;
      // In multicast the kernel heard its neighbour by itself.
      if (relay || told) kernel.injector.pass(message);
    }
  };

  const onHello = (message: Hello, first: boolean): void => {
    hello = message;
    // A first hello was said before the peer knew of this life: its phase is that of another transfer.
    if (!first && startDueAt !== undefined && (!lets(message) || now() - startDueAt > settings.deadline))
      startResync();
    const behind = relay ? (message.relayed - counts.heard - lostCount) | 0 : 0;
    behindSince = behind > 0 ? (behindSince ?? now()) : undefined;
  };

  const onFrame = (frame: Buffer, from: string): void => {
    const opened = openAny(keyring, sender.sender, frame);
    if (!opened.ok) {
      if (opened.fault !== 'own') counts.forged += 1;
      return;
    }
    const message = decodeResync(opened.value.payload);
    const admission = admit(session, opened.value, message?.type === 'hello' ? message : undefined, random64);
    if (admission === 'drop' || !message) return;
    if (admission === 'answer') {
      if (message.type === 'hello') sayHello(message.challenge, from);
      return;
    }
    peerAt = now();
    peerAddress = from;
    if (admission === 'new-peer') {
      ports.log('info', `peer found at ${from}; asking for its table`);
      Object.assign(donor, makeDonor());
      // Both take the lower of the two: nobody outside the channel knows it.
      if (message.type === 'hello' && message.seed < mirror.seed) reseed(mirror, message.seed);
      countLost();
      counts.heard = message.type === 'hello' ? message.relayed - lostCount : 0;
      startDueAt = now();
      peerSince = startDueAt;
      Object.assign(joiner, makeJoiner(joiner.session));
      sayHello();
    }
    if (message.type === 'hello') onHello(message, admission === 'new-peer');
    else if (message.type === 'live') onPeerKernel(message.message, true);
    else if (message.type === 'chunk' || message.type === 'groups' || message.type === 'buckets')
      atJoiner({type: 'message', message});
    else atDonor({type: 'message', message});
  };

  const startResync = (whole = false): void => {
    counts.resyncs += 1;
    startDueAt = undefined;
    atJoiner({type: 'start', whole});
  };

  /** The one that has more lets the other take it first: two transfers at once would only hinder each other. */
  const lets = (theirs: Hello): boolean => {
    if (theirs.phase === 'in-sync' || theirs.phase === 'deadline') return false;
    if (active !== theirs.active) return active;
    if (mirror.size !== theirs.connections) return mirror.size > theirs.connections;
    return sender.sender > (session.peer?.sender ?? 0);
  };

  const work = (at: number): void => {
    if (at - helloAt >= HELLO_EVERY) {
      helloAt = at;
      countLost();
      if (!peerLives()) peerAddress = undefined;
      sayHello();
    }
    if (at - sweptAt >= 1_000) {
      sweptAt = at;
      sweep(mirror, second());
    }
    if (!peerLives()) return;
    if (lostCount > lostSeen && joiner.phase === 'in-sync' && joiner.step === 'idle') {
      // What was lost is asked for now, not at the next comparison.
      lostSeen = lostCount;
      joiner.askedAt = Math.min(joiner.askedAt, at - joinerOptions.compareEvery);
    }
    atDonor({type: 'tick'});
    atJoiner({type: 'tick'});
  };
  const tick = (): void => {
    work(now());
    timer = setTimeout(tick, donorBusy(donor) || joinerBusy(joiner) ? BUSY_TICK : IDLE_TICK);
  };

  try {
    kernel = await openKernelSide(settings, place, {onOwn, onPeerKernel: (bytes) => onPeerKernel(bytes)});
    closers.push(() => kernel.close());
    peerLink = openPeerLink(settings.interface, place.index, settings.port, (bytes, from) =>
      onFrame(bytes, from.address),
    );
    closers.push(() => peerLink.close());
  } catch (error) {
    close();
    throw error;
  }
  timer = setTimeout(tick, 0);
  upkeep = openUpkeep(
    {
      ...ports,
      mirror,
      second,
      // Where both are Active for one group each, neither table speaks for all.
      rules: () => active && !(hello?.active && peerLives()),
      tell: (entries) => {
        if (!session.peer || !peerLives()) return;
        counts.relayed += 1;
        say({type: 'live', message: messageOf(settings.syncid, entries)});
      },
      inject: (entries) => kernel.injector.add({message: messageOf(0, entries), done: () => undefined}),
    },
    settings.auditPause,
  );
  closers.push(() => upkeep.close());

  if (mirror.size === 0)
    readOwnKernel(ports, mirror, second, () => closers.length === 0).catch((error: unknown) =>
      ports.log('warn', `the kernel's connections cannot be read: ${String(error)}`),
    );

  return {
    place,
    mirror,
    setActive: (is) => {
      active = is;
      if (!is) bornActive = false;
    },
    setKeys: (keys) => {
      keyring = makeKeyring({...settings, ...keys});
      sender.keys = keyring.signing;
    },
    resync: () => startResync(true),
    report: () => ({
      mode: settings.mode,
      encrypted: settings.encrypt,
      ...readinessOf({
        peer: peerLives(),
        young: now() - startedAt < PEER_WAIT,
        awaited: now() - peerSince < settings.deadline,
        active,
        due: startDueAt !== undefined,
        phase: phase(),
        connections: mirror.size,
        trusted,
      }),
      phase: phase(),
      peer: peerLives(),
      here: mirror.size,
      ...(hello && peerLives() ? {there: hello.connections, missingThere: hello.missing} : {}),
      missingHere: joiner.missing,
      lag: behindSince === undefined ? 0 : now() - behindSince,
      relayed: counts.relayed,
      heard: counts.heard,
      lost: lostCount,
      late: session.peer?.window.late ?? 0,
      replayed: session.replayed,
      forged: counts.forged,
      malformed: counts.malformed,
      injected: kernel.injector.stats.injected,
      waiting: kernel.injector.stats.waiting,
      overflows: kernel.injector.stats.drops,
      unheard: kernel.injector.unheard(),
      repaired: joiner.repaired,
      resyncs: counts.resyncs,
      resent: donor.resent,
      retired: upkeep.stats.retired,
      audit: {walks: upkeep.audit.walks, added: upkeep.audit.added, lost: upkeep.audit.lost},
      ...(last ? {last} : {}),
    }),
    close,
  };
}
