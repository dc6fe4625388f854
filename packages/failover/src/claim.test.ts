/** The heartbeat of last resort against a host without the key, or with a recording. */
import test from 'ava';
import {incarnationAfter} from './replay.ts';
import {decodeClaim, encodeClaim, makeClaimBook, type Claimant} from './claim.ts';
import type {EngineKey} from './messages.ts';

const key: EngineKey = {id: 1, method: 'sha256', secret: 's3cret'};
const claimant: Claimant = {
  cluster: 'linux-ha',
  node: 'director2',
  address: '10.77.0.100',
  mac: '02:00:00:00:00:02',
};
const claim = {stamp: 1_790_000_000_123n, echo: 0x8899_aabb};

test('a claim is read back with every method, and is 18 octets', (t) => {
  for (const method of ['crc', 'md5', 'sha1', 'sha256'] as const) {
    const methodKey: EngineKey = {id: 1, method, secret: method === 'crc' ? '' : 'x'};
    const bytes = encodeClaim(claim, claimant, methodKey);
    t.is(bytes.length, 18);
    t.deepEqual(decodeClaim(bytes, claimant, [methodKey]), claim);
  }
});

test('a claim is valid only for its sender, cluster, address, hardware address and key', (t) => {
  const bytes = encodeClaim(claim, claimant, key);
  for (const forged of [
    {cluster: 'other'},
    {node: 'director1'},
    {address: '10.77.0.101'},
    {mac: '02:00:00:00:00:66'},
  ])
    t.is(decodeClaim(bytes, {...claimant, ...forged}, [key]), undefined, JSON.stringify(forged));
  t.is(decodeClaim(bytes, claimant, [{...key, secret: 'other'}]), undefined);
  for (let bit = 0; bit < 144; bit += 1) {
    const bad = Buffer.from(bytes);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.is(decodeClaim(bad, claimant, [key]), undefined, `bit ${bit}`);
  }
  t.is(decodeClaim(Buffer.alloc(18), claimant, [key]), undefined);
  t.is(decodeClaim(bytes.subarray(1), claimant, [key]), undefined);
});

test('only an answer to our claim proves that its sender is alive; a frame counts once', (t) => {
  const [ours, theirs] = [makeClaimBook(), makeClaimBook()];
  const first = theirs.next(200n);
  t.is(ours.hear(first), 'unproven');
  t.is(ours.hear(first), 'replayed');
  t.is(theirs.hear(ours.next(100n)), 'proven', 'it echoes their stamp');
  const answer = theirs.next(200n);
  t.is(ours.hear(answer), 'proven');
  t.is(ours.hear(answer), 'replayed');
  // A recording of an earlier incarnation answers nothing that this one sent.
  t.is(makeClaimBook().hear(theirs.next(200n)), 'unproven');
});

test('a director without state and clock is proven when it answers; its earlier incarnation is not', (t) => {
  const [ours, before] = [makeClaimBook(), makeClaimBook()];
  before.hear(ours.next(100n));
  t.is(ours.hear(before.next(900n)), 'proven');
  before.hear(ours.next(100n));
  const recorded = before.next(900n);
  const after = makeClaimBook();
  t.is(ours.hear(after.next(5n)), 'replayed');
  after.hear(ours.next(100n));
  const answer = after.next(5n);
  t.is(ours.hear(answer), 'proven');
  t.is(ours.hear(answer), 'replayed');
  t.is(ours.hear(recorded), 'unproven', 'a recording of the earlier incarnation');
  after.hear(ours.next(100n));
  t.is(ours.hear(after.next(5n)), 'proven');
});

test('the remembered stamps stay bounded', (t) => {
  const [ours, theirs] = [makeClaimBook(), makeClaimBook()];
  const old = ours.next(100n);
  theirs.hear(old);
  const answer = theirs.next(200n);
  for (let sent = 0; sent < 5_000; sent += 1) ours.next(100n);
  t.is(ours.hear(answer), 'unproven');
});

test('a director that learned of its later incarnation, or restarted without a clock, is proven at once', (t) => {
  const peer = makeClaimBook();
  const before = makeClaimBook();
  for (let sent = 0; sent < 100_000; sent += 1) peer.hear(before.next(100n));
  const after = makeClaimBook();
  t.is(peer.hear(after.next(5n)), 'replayed', 'its state directory is lost');
  t.is(peer.hear(after.next(incarnationAfter(100n))), 'unproven', 'known from the echo');
  t.is(peer.hear(makeClaimBook().next(incarnationAfter(incarnationAfter(100n)))), 'unproven');
});
