import test from 'ava';
import fc from 'fast-check';
import {
  accept,
  channelKeys,
  lostOf,
  makeWindow,
  open,
  OVERHEAD,
  seal,
  WINDOW,
  type Sender,
} from './channel.ts';

const senderOf = (incarnation = 1n): Sender => ({
  keys: channelKeys('sync', 'secret', 'cluster'),
  sender: 1,
  incarnation,
  sequence: 0n,
});

const keys = channelKeys('sync', 'secret', 'cluster');

test("a payload arrives with its sender's numbers", (t) => {
  const sender = senderOf();
  for (const text of ['', 'one', 'x'.repeat(9_000)]) {
    const frame = seal(sender, Buffer.from(text));
    t.is(frame.length, text.length + OVERHEAD);
    const opened = open(keys, 2, frame);
    t.deepEqual(opened, {
      ok: true,
      value: {sender: 1, incarnation: 1n, sequence: sender.sequence, payload: Buffer.from(text)},
    });
  }
});

test('a frame with one octet altered or cut off is refused', (t) => {
  const frame = seal(senderOf(), Buffer.from('connections'));
  for (let at = 0; at < frame.length; at += 1) {
    const bent = Buffer.from(frame);
    bent[at] = (bent[at] ?? 0) ^ 1;
    t.false(open(keys, 2, bent).ok, `octet ${at}`);
    t.false(open(keys, 2, frame.subarray(0, at)).ok, `cut at ${at}`);
  }
  t.deepEqual(open(keys, 2, Buffer.concat([frame, Buffer.from([0])])), {ok: false, fault: 'forged'});
});

test("frames with another secret, cluster or mode, and one's own frames, are refused", (t) => {
  const frame = seal(senderOf(), Buffer.from('x'));
  const fault = (other: ReturnType<typeof channelKeys>, own = 2) => {
    const opened = open(other, own, frame);
    return opened.ok ? 'opened' : opened.fault;
  };
  t.is(fault(channelKeys('sync', 'Secret', 'cluster')), 'forged');
  t.is(fault(channelKeys('sync', 'secret', 'other')), 'forged');
  const clear = Buffer.from(frame);
  clear[3] = 0;
  t.deepEqual(open(keys, 2, clear), {ok: false, fault: 'mode'});
  t.is(fault(keys, 1), 'own');
});

test('the payload is encrypted, and two incarnations encrypt differently', (t) => {
  const text = Buffer.from('10.99.0.10:50000 to the VIP');
  const buffer = seal(senderOf(1n), text);
  const other = seal(senderOf(2n), text);
  t.false(buffer.includes(text));
  t.false(buffer.subarray(24).equals(other.subarray(24)));
});

test('random input is never accepted and never throws', (t) => {
  const keys = channelKeys('sync', 'secret', 'cluster');
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 200}), (bytes) => {
      const noise = Buffer.from(bytes);
      t.false(open(keys, 2, noise).ok);
      t.false(open(keys, 2, Buffer.concat([Buffer.from('hs\u0001\u0001'), noise])).ok);
    }),
  );
});

test('each sequence number is accepted once; late ones within the window, older ones never', (t) => {
  const window = makeWindow(1n, 0n);
  t.true(accept(window, 5n));
  t.false(accept(window, 5n));
  t.true(accept(window, 3n));
  t.false(accept(window, 3n));
  t.true(accept(window, BigInt(WINDOW) + 4n));
  t.false(accept(window, 4n));
  t.true(accept(window, 6n));
  t.is(window.late, 2);
  t.is(window.lost, 3, '1, 2 and 4 left the window without arriving');
});

test('a datagram overtaken by 64 newer ones counts as lost; if it arrives late it is subtracted', (t) => {
  const window = makeWindow(1n, 0n);
  for (let sequence = 1n; sequence <= 70n; sequence += 1n) if (sequence !== 5n) accept(window, sequence);
  t.is(lostOf(window), 1);
  accept(window, 5n);
  t.is(lostOf(window), 0);
});

test('numbers from before the window was created are not accepted', (t) => {
  const window = makeWindow(1n, 100n);
  t.false(accept(window, 100n));
  t.false(accept(window, 50n));
  t.true(accept(window, 101n));
});

test('lost counts exactly the missing numbers, however large the gaps', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({min: 1, max: 3 * WINDOW}), {maxLength: 30}), (jumps) => {
      const window = makeWindow(1n, 0n);
      let sequence = 0n;
      for (const jump of jumps) {
        sequence += BigInt(jump);
        t.true(accept(window, sequence));
      }
      // Everything leaves the window.
      t.true(accept(window, sequence + 1n));
      for (let step = 2n; step <= BigInt(WINDOW) + 1n; step += 1n) accept(window, sequence + step);
      t.is(window.lost, Number(sequence) - jumps.length);
    }),
  );
});
