import test from 'ava';
import {admit, makeSession, type Greeting} from './session.ts';

const hello = (challenge: bigint, echo: bigint): Greeting => ({challenge, echo});
const frame = (incarnation: bigint, sequence: bigint) => ({
  sender: 1,
  incarnation,
  sequence,
  payload: Buffer.alloc(0),
});
/** Any other message. */
const start = undefined;

/** A session that has accepted incarnation 1 with sequence number 5; the next challenge is 101. */
const met = () => {
  const session = makeSession(100n);
  admit(session, frame(1n, 5n), hello(7n, 100n), () => 101n);
  return session;
};

test('two sides meet: a challenge, an answer, and both are authenticated', (t) => {
  const [one, other] = [makeSession(10n), makeSession(20n)];
  const never = (): bigint => 99n;
  t.is(admit(other, frame(1n, 1n), hello(10n, 0n), never), 'answer');
  t.is(admit(one, frame(2n, 1n), hello(20n, 10n), never), 'new-peer');
  t.is(one.echo, 20n);
  t.is(admit(other, frame(1n, 2n), hello(99n, 20n), never), 'new-peer');
});

test('each frame is accepted once', (t) => {
  const session = met();
  t.is(
    admit(session, frame(1n, 6n), start, () => 0n),
    'deliver',
  );
  t.is(
    admit(session, frame(1n, 6n), start, () => 0n),
    'drop',
  );
  t.is(
    admit(session, frame(1n, 5n), hello(7n, 100n), () => 0n),
    'drop',
  );
  t.is(session.replayed, 2);
});

test('a new incarnation is accepted only with the current challenge; then the old one is refused', (t) => {
  const session = met();
  t.is(
    admit(session, frame(2n, 1n), start, () => 0n),
    'drop',
  );
  t.is(
    admit(session, frame(2n, 2n), hello(8n, 100n), () => 0n),
    'answer',
  );
  t.is(
    admit(session, frame(2n, 3n), hello(8n, 101n), () => 102n),
    'new-peer',
  );
  t.is(
    admit(session, frame(1n, 9n), start, () => 0n),
    'drop',
  );
  // A replay of everything that incarnation 1 sent.
  t.is(
    admit(session, frame(1n, 5n), hello(7n, 100n), () => 0n),
    'answer',
  );
});
