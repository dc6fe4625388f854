/**
 * One conversation of two supervisors: greetings until both believe that the other speaks now, then one request and one
 * answer. Pure: random numbers come from the caller.
 *
 *   asking                             asked
 *   greeting (c, 0)          ->        opens with one of authkeys' keys; not believed yet
 *                            <-        greeting (s, c)
 *   believes s's life
 *   greeting (c', s)         ->        believes c's life
 *   request                  ->
 *                            <-        answer
 *
 * A recording of any of it is worthless: neither side gives back a number that the other has just made up.
 */
import {
  admit,
  makeSession,
  open,
  seal,
  type Admission,
  type ChannelKeys,
  type Greeting,
  type Sender,
  type Session,
} from '@hactl/channel';

const GREETING = 1;
const MESSAGE = 2;

export interface Conversation {
  readonly sender: Sender;
  readonly session: Session;
}

/** Two random numbers begin one: its life under the key, and what the other side has to give back. */
export const makeConversation = (
  keys: ChannelKeys,
  sender: number,
  incarnation: bigint,
  challenge: bigint,
): Conversation => ({
  sender: {keys, sender, incarnation, sequence: 0n},
  session: makeSession(challenge),
});

/** The greeting that this side has to say now. */
export function greet({sender, session}: Conversation, echo: bigint = session.echo): Buffer {
  const payload = Buffer.alloc(17);
  payload[0] = GREETING;
  payload.writeBigUInt64BE(session.challenge, 1);
  payload.writeBigUInt64BE(echo, 9);
  return seal(sender, payload);
}

export const say = ({sender}: Conversation, text: string): Buffer =>
  seal(sender, Buffer.concat([Buffer.from([MESSAGE]), Buffer.from(text)]));

/** What came in: a step of the greeting, a message, or nothing that is believed. */
export type Heard =
  | {readonly type: 'greeting'; readonly admission: Admission; readonly greeting: Greeting}
  | {readonly type: 'message'; readonly text: string}
  | {readonly type: 'refused'; readonly reason: string};

/** Takes a frame. `senders`: whom this side talks to at all. */
export function hear(
  {sender, session}: Conversation,
  senders: readonly number[],
  frame: Buffer,
  random: () => bigint,
): Heard {
  const opened = open(sender.keys, sender.sender, frame);
  if (!opened.ok) return {type: 'refused', reason: opened.fault};
  if (!senders.includes(opened.value.sender)) return {type: 'refused', reason: 'unknown-node'};
  const {payload} = opened.value;
  const greeting =
    payload[0] === GREETING && payload.length === 17
      ? {challenge: payload.readBigUInt64BE(1), echo: payload.readBigUInt64BE(9)}
      : undefined;
  const admission = admit(session, opened.value, greeting, random);
  if (greeting) return {type: 'greeting', admission, greeting};
  if (admission !== 'deliver' || payload[0] !== MESSAGE) return {type: 'refused', reason: 'not-greeted'};
  return {type: 'message', text: payload.toString('utf8', 1)};
}
