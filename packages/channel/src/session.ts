/**
 * Whether a frame of the peer is believed. A life of the peer that is new here must give back the number that this side
 * made up last: a recording of an older life cannot. Pure: the random numbers come from the caller.
 */
import {accept, lostOf, makeWindow, type Opened, type ReplayWindow} from './channel.ts';

/** The two numbers that every greeting carries: the sender's own question, and the peer's given back. */
export interface Greeting {
  readonly challenge: bigint;
  readonly echo: bigint;
}

export interface Session {
  /** What the next new life has to give back. Used once. */
  challenge: bigint;
  /** What the peer asked for last. */
  echo: bigint;
  peer: {readonly sender: number; readonly incarnation: bigint; readonly window: ReplayWindow} | undefined;
  replayed: number;
  /** Lost and late datagrams of the peer's lives before this one. */
  lostBefore: number;
}

export const makeSession = (challenge: bigint): Session => ({
  challenge,
  echo: 0n,
  peer: undefined,
  replayed: 0,
  lostBefore: 0,
});

/** deliver: believe it. new-peer: believe it, and the peer began anew. answer: say hello, giving back its number. */
export type Admission = 'deliver' | 'new-peer' | 'answer' | 'drop';

export function admit(
  session: Session,
  opened: Opened,
  greeting: Greeting | undefined,
  makeChallenge: () => bigint,
): Admission {
  const {peer} = session;
  if (peer && peer.sender === opened.sender && peer.incarnation === opened.incarnation) {
    if (!accept(peer.window, opened.sequence)) {
      session.replayed += 1;
      return 'drop';
    }
    if (greeting) session.echo = greeting.challenge;
    return 'deliver';
  }
  if (!greeting) return 'drop';
  if (greeting.echo !== session.challenge) return 'answer';
  session.lostBefore += peer ? lostOf(peer.window) : 0;
  session.peer = {
    sender: opened.sender,
    incarnation: opened.incarnation,
    window: makeWindow(opened.incarnation, opened.sequence),
  };
  session.challenge = makeChallenge();
  session.echo = greeting.challenge;
  return 'new-peer';
}
