import test from 'ava';
import fc from 'fast-check';
import {makePrng} from '@hactl/base';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {entriesOf, HEADER, messageOf} from './entry.ts';
import {createMirror, entryAt, entryDigest, find, remove, sweep, upsert, type Mirror} from './mirror.ts';
import {donorDefaults, donorStep, makeDonor, type DonorEvent} from './resync-donor.ts';
import {joinerStep} from './resync-joiner.ts';
import {joinerDefaults, makeJoiner, type JoinerEvent} from './resync-state.ts';
import {decodeResync, encodeResync, type ResyncMessage} from './resync-wire.ts';
import {bucketDigest, groupDigest} from './table.ts';

/** Small chunks, so that there are many even with few connections. */
const donorOptions = {...donorDefaults, chunk: 1_360, window: 96, rate: 4_000};

interface World {
  readonly seed: number;
  readonly loss?: number;
  /** Chunks that the kernel loses although they were acknowledged. */
  readonly swallowed?: number;
  /** Connections added and removed per step at the donor; with `loss` half of their live messages are lost. */
  readonly churn?: number;
  /** The joiner's seconds begin this many ms before the donor's. */
  readonly ahead?: number;
  /** How long both have received the same connections before the resync begins, in ms. */
  readonly history?: number;
  /** Maximum delay of a datagram without loss, in ms. */
  readonly delay?: number;
  readonly connections?: number;
  readonly deadline?: number;
  /** How long the joiner's kernel needs for each chunk, one after another, in ms. */
  readonly kernelTime?: number;
  readonly deadDonor?: boolean;
  /** The joiner is the Active: it has half of the connections in another state, and keeps that state. */
  readonly leads?: boolean;
  readonly limit?: number;
}

/** Two sync processes in simulated time; every message is encoded and decoded. */
function run(world: World) {
  const random = makePrng(world.seed);
  const donor = makeDonor();
  const joiner = makeJoiner(random.below(1_000));
  const [remote, local] = [createMirror(9), createMirror(9)];
  const total = world.connections ?? 3_000;
  for (let number = 0; number < total; number += 1)
    upsert(remote, entryOf(connectionOf(number, {family: number % 5 === 0 ? 6 : 4})), HEADER, 0);
  if (world.leads)
    for (let number = 0; number < total; number += 2)
      upsert(local, entryOf(connectionOf(number, {state: 4})), HEADER, 0);
  const initial = Array.from({length: total}, (_, slot) => Buffer.from(entryAt(remote, slot)!));
  let now = 0;
  let comes = total;
  let isDonorDead = world.deadDonor ?? false;
  let datagrams = 0;
  const flying: {at: number; to: 'donor' | 'joiner'; bytes: Buffer}[] = [];
  let kernelFreeAt = 0;
  const injecting: {at: number; number: number; session: number}[] = [];
  const verdicts: {inSync: boolean; at: number; took: number; rounds: number}[] = [];
  const put = (to: 'donor' | 'joiner', message: ResyncMessage): void => {
    datagrams += 1;
    if (random.chance(world.loss ?? 0)) return;
    const copies = random.chance((world.loss ?? 0) / 2) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1)
      flying.push({
        at: now + 1 + random.below(world.loss ? 30 : (world.delay ?? 2)),
        to,
        bytes: encodeResync(message),
      });
  };
  const second = (): number => Math.floor(now / 1_000);
  const localSecond = (): number => Math.floor((now + (world.ahead ?? 0)) / 1_000);
  const atDonor = (event: DonorEvent): void => {
    if (isDonorDead) return;
    for (const message of donorStep(donor, event, now, second(), remote, donorOptions))
      put('joiner', message);
  };
  const options = {...joinerDefaults, deadline: world.deadline ?? joinerDefaults.deadline};
  const atJoiner = (event: JoinerEvent): void => {
    for (const effect of joinerStep(joiner, event, now, local, options, !world.leads)) {
      if (effect.type === 'send') put('donor', effect.message);
      else if (effect.type === 'verdict') verdicts.push({...effect, at: now});
      else {
        const {chunk} = effect;
        if (!random.chance(world.swallowed ?? 0))
          for (const [index, at] of entriesOf(chunk.message)!.entries())
            if (!world.leads || find(local, chunk.message, at) < 0)
              upsert(local, chunk.message, at, localSecond(), chunk.remaining.readUInt32BE(4 * index));
        kernelFreeAt = Math.max(now, kernelFreeAt) + (world.kernelTime ?? 0);
        injecting.push({
          at: kernelFreeAt + 1 + random.below(5),
          number: chunk.number,
          session: chunk.session,
        });
      }
    }
  };
  const step = (): void => {
    for (
      let change = random.chance((world.churn ?? 0) % 1) ? -1 : 0;
      change < Math.floor(world.churn ?? 0);
      change += 1
    ) {
      const message = entryOf(connectionOf(comes, {timeout: 2 + random.below(20)}));
      comes += 1;
      upsert(remote, message, HEADER, second());
      if (!random.chance(world.loss ?? 0)) upsert(local, message, HEADER, localSecond());
    }
    for (const {to, bytes} of flying.filter((datagram) => datagram.at <= now)) {
      const message = decodeResync(bytes)!;
      if (to === 'donor') atDonor({type: 'message', message});
      else atJoiner({type: 'message', message});
    }
    const due = injecting.filter((injection) => injection.at <= now);
    for (const {number, session} of due) atJoiner({type: 'injected', numbers: [number], session});
    for (const list of [flying, injecting])
      list.splice(0, list.length, ...(list.filter((event) => event.at > now) as never[]));
    now += 5;
    if (now % 20 === 0) {
      atDonor({type: 'tick'});
      atJoiner({type: 'tick'});
    }
    if (now % 1_000 === 0) sweep(remote, second());
    if ((now + (world.ahead ?? 0)) % 1_000 === 0) sweep(local, localSecond());
  };
  while (now < (world.history ?? 0)) step();
  atJoiner({type: 'start'});
  const limit = world.limit ?? 60_000;
  while (now < limit && !(verdicts.length > 0 && verdicts.at(-1)?.inSync)) step();
  return {
    verdicts,
    joiner,
    donor,
    here: local,
    there: remote,
    datagrams,
    sent: () => datagrams,
    donorDies: (isDead: boolean): void => {
      isDonorDead = isDead;
    },
    lacks: initial.filter((entry) => find(local, messageOf(0, [entry]), HEADER) < 0).length,
    more: (milliseconds: number): void => {
      const end = now + milliseconds;
      while (now < end) step();
    },
  };
}

const equal = (left: Mirror, right: Mirror): boolean =>
  Array.from({length: 64}, (_, group) => [groupDigest(left, group), groupDigest(right, group)]).every(
    ([local, digest]) => JSON.stringify(local) === JSON.stringify(digest),
  );

test('a clean link: everything arrives, nothing is sent twice, one comparison', (t) => {
  const {verdicts, here, there, donor, lacks} = run({seed: 1});
  t.like(verdicts, [{inSync: true, rounds: 1}]);
  t.is(lacks, 0);
  t.true(equal(here, there));
  t.is(donor.resent, 0);
});

test('an empty table is in sync at once', (t) => {
  const {verdicts, datagrams} = run({seed: 1, connections: 0});
  t.like(verdicts, [{inSync: true}]);
  t.true(datagrams < 10);
});

test('the tables converge with loss, reordering and duplicates, for any seed', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(0.05, 0.2, 0.4), (seed, loss) => {
      const {verdicts, here, there, lacks} = run({seed, loss, connections: 1_000});
      t.like(verdicts.at(-1), {inSync: true});
      t.is(lacks, 0);
      t.true(equal(here, there));
    }),
    {numRuns: 15},
  );
});

test('chunks lost by the kernel are found by digest and sent again', (t) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const {verdicts, here, there, lacks, joiner} = run({seed, swallowed: 0.2, connections: 1_000});
      t.like(verdicts.at(-1), {inSync: true});
      t.true(verdicts.at(-1)!.rounds > 1);
      t.true(joiner.repaired > 0);
      t.is(lacks, 0);
      t.true(equal(here, there));
    }),
    {numRuns: 10},
  );
});

test('connections that come and go do not delay the resync; lost live messages are repaired afterwards', (t) => {
  const ran = run({seed: 4, loss: 0.05, churn: 5});
  t.like(ran.verdicts.at(-1), {inSync: true});
  t.is(ran.lacks, 0);
});

test('entries that expire at the joiner a moment earlier delay the resync by one comparison at most', (t) => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.record({
        churn: fc.constantFrom(0.2, 1, 2),
        ahead: fc.integer({min: 1, max: 199}).map((fifths) => 5 * fifths),
        leads: fc.boolean(),
      }),
      (seed, world) => {
        const {verdicts} = run({seed, ...world, delay: 60, connections: 300, history: 30_000});
        t.like(verdicts.at(-1), {inSync: true});
        t.true(verdicts.at(-1)!.rounds <= 3, JSON.stringify(verdicts.at(-1)));
      },
    ),
    {numRuns: 20},
  );
});

test('an entry lost here is repaired, although its bucket had more here than there', (t) => {
  const ran = run({seed: 8, connections: 300});
  const lost = Buffer.from(entryAt(ran.there, 0)!);
  const {bucket} = entryDigest(ran.here, lost, 0);
  const own = Array.from({length: 100_000}, (_, number) => entryOf(connectionOf(20_000 + number))).find(
    (message) => entryDigest(ran.here, message, HEADER).bucket === bucket,
  )!;
  upsert(ran.here, own, HEADER, 0);
  ran.more(12_000);
  remove(ran.here, find(ran.here, lost, 0));
  ran.more(12_000);
  t.true(find(ran.here, lost, 0) >= 0);
});

test('a standby that lost live messages gets them with the next comparisons', (t) => {
  const ran = run({seed: 5, connections: 500});
  for (let number = 10_000; number < 10_050; number += 1)
    upsert(ran.there, entryOf(connectionOf(number)), HEADER, 0);
  ran.more(6_000);
  t.is(ran.joiner.missing, 0, 'seen once, it may still be in flight');
  ran.more(12_000);
  t.true(equal(ran.here, ran.there));
  ran.more(6_000);
  t.is(ran.joiner.missing, 0);
});

test('entries that only the joiner has do not delay the resync', (t) => {
  const ran = run({seed: 6, connections: 300});
  for (let number = 20_000; number < 20_020; number += 1)
    upsert(ran.here, entryOf(connectionOf(number)), HEADER, 0);
  ran.more(30_000);
  t.is(ran.joiner.missing, 0);
  t.is(ran.here.size, 320);
});

test('the Active adds what it lacks and keeps its own state for the rest', (t) => {
  const ran = run({seed: 7, connections: 600, leads: true});
  t.like(ran.verdicts, [{inSync: true}]);
  t.is(ran.lacks, 0);
  const state = (number: number): number | undefined =>
    entryAt(ran.here, find(ran.here, entryOf(connectionOf(number)), HEADER))?.readUInt16BE(8);
  t.deepEqual([state(1), state(2)], [1, 4]);
  ran.more(30_000);
  t.is(ran.joiner.missing, 0);
});

test('in sync, only the groups are requested, every five seconds', (t) => {
  // Negligible loss: answers take up to 30 ms, longer than a tick.
  const ran = run({seed: 8, loss: 1e-9});
  const {datagrams} = ran;
  const before = ran.sent();
  ran.more(20_000);
  t.is(ran.verdicts.length, 1);
  t.true(ran.sent() - before <= 10, `${ran.sent() - before} datagrams after ${datagrams}`);
});

test('a dead donor: the deadline gives the verdict', (t) => {
  const {verdicts} = run({seed: 7, deadDonor: true, deadline: 8_000, limit: 20_000});
  t.like(verdicts, [{inSync: false}]);
  t.true(verdicts[0]!.at >= 8_000 && verdicts[0]!.at < 8_100);
});

test('a slow kernel: the deadline does not count while it takes connections', (t) => {
  const {verdicts, lacks} = run({seed: 7, kernelTime: 100, deadline: 2_000});
  t.like(verdicts, [{inSync: true}]);
  t.true(verdicts[0]!.took > 4_000, `${verdicts[0]!.took} ms`);
  t.is(lacks, 0);
});

test('a donor that dies in the middle: the deadline counts from its last message', (t) => {
  const ran = run({seed: 7, kernelTime: 1_000, deadline: 8_000, limit: 10_000});
  t.deepEqual(ran.verdicts, []);
  ran.donorDies(true);
  ran.more(60_000);
  t.like(ran.verdicts, [{inSync: false}]);
  t.is(Math.round((ran.verdicts[0]!.at - ran.joiner.progressAt) / 1_000), 8);
});

test('a kernel that takes nothing: the verdict comes after ten deadlines', (t) => {
  const {verdicts} = run({seed: 7, swallowed: 1, connections: 300, deadline: 2_000, limit: 30_000});
  t.like(verdicts, [{inSync: false}]);
  t.is(Math.round(verdicts[0]!.at / 1_000), 20);
});

test('a donor that falls silent in sync and returns: that resync is timed from its own start', (t) => {
  const ran = run({seed: 9, connections: 300});
  ran.more(60_000);
  ran.donorDies(true);
  ran.more(12_000);
  ran.donorDies(false);
  ran.more(12_000);
  t.is(ran.verdicts.length, 2);
  t.true(ran.verdicts[1]!.inSync);
  t.true(ran.verdicts[1]!.took < 12_000, `${ran.verdicts[1]!.took} ms`);
});

test('the same seed gives the same run', (t) => {
  const [one, other] = [run({seed: 8, loss: 0.1, churn: 2}), run({seed: 8, loss: 0.1, churn: 2})];
  t.is(one.datagrams, other.datagrams);
  t.deepEqual(one.verdicts, other.verdicts);
});

test('every message is decoded as encoded; truncated ones are refused', (t) => {
  const mirror = createMirror(1);
  upsert(mirror, entryOf(connectionOf(1)), HEADER, 0);
  const digests = Array.from({length: 64}, (_, bucket) => bucketDigest(mirror, bucket));
  const messages: ResyncMessage[] = [
    {
      type: 'hello',
      phase: 'in-sync',
      active: true,
      relayed: 7,
      connections: 3,
      missing: 1,
      seed: 9,
      challenge: 5n,
      echo: 6n,
    },
    {type: 'mark', number: 70_000, marker: 255, settle: true},
    {type: 'marked', number: 70_000},
    {type: 'pull', number: 3},
    {type: 'start', session: 4},
    {
      type: 'chunk',
      session: 4,
      number: 9,
      round: 2,
      last: true,
      message: messageOf(0, [entryAt(mirror, 0)!]),
      remaining: Buffer.from([0, 0, 0, 77]),
    },
    {type: 'ack', session: 4, next: 8, beyond: Buffer.from([5])},
    {type: 'ask-groups', session: 4, round: 1},
    {type: 'groups', session: 4, round: 1, digests},
    {type: 'ask-buckets', session: 4, round: 1, group: 63},
    {type: 'buckets', session: 4, round: 1, group: 63, digests},
    {type: 'repair', session: 4, round: 1, buckets: [0, 7, 8, 4_095]},
  ];
  for (const message of messages) {
    const bytes = encodeResync(message);
    t.deepEqual(decodeResync(bytes), message);
    for (let length = 0; length < bytes.length; length += 1) {
      const decoded = decodeResync(bytes.subarray(0, length));
      // An acknowledgement's bitmap may have any length.
      if (message.type !== 'ack') t.is(decoded, undefined, `${message.type} cut at ${length}`);
    }
  }
  t.is(
    decodeResync(encodeResync({type: 'ask-buckets', session: 1, round: 1, group: 64})),
    undefined,
    'no such group',
  );
  t.is(decodeResync(Buffer.from([99])), undefined);
});
