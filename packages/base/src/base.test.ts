import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {ByteReader, ByteWriter, makePrng, signalGroup} from './index.ts';

test('written fields are read back, in network order', (t) => {
  const bytes = new ByteWriter(1)
    .u8(0xab)
    .u16(0x1234)
    .u32(0xdead_beef)
    .u64(2n ** 40n)
    .writeBytes(Buffer.from('xyz'))
    .done();
  t.is(bytes.toString('hex'), 'ab1234deadbeef000001000000000078797a');
  const reader = new ByteReader(bytes);
  t.deepEqual(
    [reader.u8(), reader.u16(), reader.u32(), reader.u64()],
    [0xab, 0x1234, 0xdead_beef, 2n ** 40n],
  );
  t.is(reader.readBytes(3).toString(), 'xyz');
  t.throws(() => reader.readBytes(1), {instanceOf: RangeError, message: 'need 1 bytes, have 0'});
});

test('a seed determines the run, and a fork is independent of later draws', (t) => {
  const [one, two] = [makePrng(7), makePrng(7)];
  t.deepEqual(
    Array.from({length: 5}, () => one.below(100)),
    Array.from({length: 5}, () => two.below(100)),
  );
  t.not(makePrng(1).next(), makePrng(2).next());
  const draws = Array.from({length: 2000}, () => one.next());
  t.true(draws.every((draw) => draw >= 0 && draw < 1));
});

test('a signal to a group reaches its leader’s children; a missing group is not an error', async (t) => {
  const leader = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(leader.stdout, 'data')) as [Buffer];
  const started = Number(line);
  t.true(started > 0);
  signalGroup(leader, 'SIGKILL');
  t.deepEqual(await once(leader, 'close'), [null, 'SIGKILL']);
  // The child holds the standard output: its end means that the child has ended.
  t.notThrows(() => signalGroup(leader, 'SIGKILL'));
  t.notThrows(() => signalGroup(undefined, 'SIGKILL'));
  t.notThrows(() => signalGroup({}, 'SIGKILL'));
});
