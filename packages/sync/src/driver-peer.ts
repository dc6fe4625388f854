/** The peer's sync process: whether it is present and authenticated, and what it reports. */
import {randomBytes} from 'node:crypto';
import {admit, lostOf, makeSession, seal, senderNumber, type Sender} from '@hactl/channel';
import type {SyncContext} from './driver-context.ts';
import {openPeerLink, type SyncInterface} from './driver-link.ts';
import {makeKeyring, openAny} from './keyring.ts';
import type {SyncLink} from './messages.ts';
import {reseed} from './mirror.ts';
import {decodeResync, encodeResync, type Hello, type ResyncMessage} from './resync-wire.ts';

const HELLO_EVERY = 500;
const PEER_GONE = 3_000;

export type PeerMessage = Exclude<ResyncMessage, Hello>;

export interface PeerHandlers {
  /** This director's part of our hello. */
  describe(): Pick<Hello, 'phase' | 'relayed' | 'missing'>;
  /** A new incarnation of the peer; `lost`: datagrams lost from its earlier ones. */
  newPeer(hello: Hello, lost: number): void;
  /** Not called for the first hello of an incarnation, sent before the peer knew of this process. */
  hello(hello: Hello): void;
  message(message: PeerMessage): void;
}

export interface Peer {
  /** It was heard recently. */
  readonly alive: boolean;
  /** It is alive, and its incarnation is proven to be current. */
  readonly believed: boolean;
  /** When this incarnation was first heard. */
  readonly since: number;
  readonly hello: Hello | undefined;
  /** Datagrams lost from it; recounted with every hello of ours. */
  readonly lost: number;
  readonly counts: {readonly late: number; readonly replayed: number; readonly forged: number};
  /**
   * Which side is authoritative for a connection that both have. Without that, two that repair each other would swap forever.
   */
  isAuthoritative(): boolean;
  /** The side with more connections sends first: two transfers at once would slow each other down. */
  yields(theirs: Hello): boolean;
  send(message: ResyncMessage): void;
  setKeys(keys: Pick<SyncLink, 'secret' | 'accepted'>): void;
  listen(handlers: PeerHandlers): void;
  /** Sends a hello when it is due. */
  tick(): void;
  close(): void;
}

const random64 = (): bigint => randomBytes(8).readBigUInt64BE(0);

export function openPeer(context: SyncContext, syncInterface: SyncInterface): Peer {
  const {settings, mirror, now} = context;
  const sender: Sender = {
    keys: makeKeyring(settings).signing,
    sender: senderNumber(settings.cluster, settings.node),
    // The clock alone could stall or step back; the lower bits are random.
    incarnation: (BigInt(Date.now()) << 20n) | BigInt(randomBytes(4).readUInt32BE(0) & 0xfffff),
    sequence: 0n,
  };
  const session = makeSession(random64());
  const counts = {forged: 0};
  const heard: {address?: string; at: number; since: number; hello?: Hello} = {
    at: -Infinity,
    since: -Infinity,
  };
  let keyring = makeKeyring(settings);
  let handlers: PeerHandlers | undefined;
  let helloAt = -Infinity;
  let lost = 0;

  const countLost = (): void => {
    lost = session.lostBefore + (session.peer ? lostOf(session.peer.window) : 0);
  };
  const isAlive = (): boolean => now() - heard.at < PEER_GONE;
  const link = openPeerLink(settings.interface, syncInterface.index, settings.port, (bytes, from) =>
    onFrame(bytes, from.address),
  );
  const send = (message: ResyncMessage, to = heard.address): void =>
    link.send(seal(sender, encodeResync(message)), to);
  const sayHello = (echo = session.echo, to = heard.address): void => {
    if (!handlers) return;
    const {active} = context;
    const localState = {
      active,
      connections: mirror.size,
      seed: mirror.seed,
      challenge: session.challenge,
      echo,
    };
    send({type: 'hello', ...handlers.describe(), ...localState}, to);
  };
  const onNewPeer = (hello: Hello, from: string): void => {
    context.log('info', `peer found at ${from}; asking for its table`);
    // Both use the lower of the two seeds: nobody outside the channel knows it.
    if (hello.seed < mirror.seed) reseed(mirror, hello.seed);
    countLost();
    heard.since = now();
    handlers?.newPeer(hello, lost);
    sayHello();
  };
  const onFrame = (frame: Buffer, from: string): void => {
    const opened = openAny(keyring, sender.sender, frame);
    if (!opened.ok) {
      if (opened.fault !== 'own') counts.forged += 1;
      return;
    }
    const message = decodeResync(opened.value.payload);
    const hello = message?.type === 'hello' ? message : undefined;
    const admission = admit(session, opened.value, hello, random64);
    if (admission === 'drop' || !message) return;
    if (admission === 'answer') {
      if (hello) sayHello(hello.challenge, from);
      return;
    }
    heard.at = now();
    heard.address = from;
    if (hello) {
      heard.hello = hello;
      if (admission === 'new-peer') onNewPeer(hello, from);
      else handlers?.hello(hello);
    } else if (message.type !== 'hello') handlers?.message(message);
  };

  return {
    get alive() {
      return isAlive();
    },
    get believed() {
      return session.peer !== undefined && isAlive();
    },
    get since() {
      return heard.since;
    },
    get hello() {
      return heard.hello;
    },
    get lost() {
      return lost;
    },
    get counts() {
      return {late: session.peer?.window.late ?? 0, replayed: session.replayed, forged: counts.forged};
    },
    isAuthoritative: () =>
      context.active === (heard.hello?.active ?? false)
        ? sender.sender > (session.peer?.sender ?? 0)
        : context.active,
    yields: (theirs) => {
      if (theirs.phase === 'in-sync' || theirs.phase === 'deadline') return false;
      if (context.active !== theirs.active) return context.active;
      if (mirror.size !== theirs.connections) return mirror.size > theirs.connections;
      return sender.sender > (session.peer?.sender ?? 0);
    },
    send,
    setKeys: (keys) => {
      keyring = makeKeyring({...settings, ...keys});
      sender.keys = keyring.signing;
    },
    listen: (wanted) => {
      handlers = wanted;
    },
    tick: () => {
      if (now() - helloAt < HELLO_EVERY) return;
      helloAt = now();
      countLost();
      if (!isAlive()) delete heard.address;
      sayHello();
    },
    close: () => link.close(),
  };
}
