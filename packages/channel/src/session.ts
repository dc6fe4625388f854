/**
 * Whether a frame of the peer is accepted. A new incarnation of the peer must echo the last challenge of this side: a
 * recording of an older incarnation cannot. Pure: the random numbers come from the caller.
 */
import {accept, lostOf, makeWindow, type Opened, type ReplayWindow} from './channel.ts';

/** The two numbers in every greeting: the sender's challenge, and the peer's challenge echoed. */
export interface Greeting {
  readonly challenge: bigint;
  readonly echo: bigint;
}

export interface Session {
  /** The challenge that the next new incarnation has to echo. Used once. */
  challenge: bigint;
  /** The peer's last challenge. */
  echo: bigint;
  peer: {readonly sender: number; readonly incarnation: bigint; readonly window: ReplayWindow} | undefined;
  replayed: number;
  /** Lost and late datagrams of the peer's earlier incarnations. */
  lostBefore: number;
}

export const makeSession = (challenge: bigint): Session => ({
  challenge,
  echo: 0n,
  peer: undefined,
  replayed: 0,
  lostBefore: 0,
});

/** deliver: accept it. new-peer: accept it, and the peer restarted. answer: send hello, echoing its challenge. */
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
