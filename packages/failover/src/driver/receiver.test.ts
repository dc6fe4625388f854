/** What an attacker on the segment can send to the receiver: each test is an attack that once worked. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {encodeAdvert, type Advert} from '../advert.ts';
import {config, peerAdvert} from '../machine/scene.fixture.ts';
import {initialState} from '../machine/step.ts';
import type {Event} from '../machine/state.ts';
import type {EngineConfig, EngineKey} from '../messages.ts';
import {pathIds} from '../path-id.ts';
import {incarnationAfter} from '../replay.ts';
import {makeReceiver} from './receiver.ts';
import {openStateStore} from './state-store.ts';

const WALL = 1_790_000_000_000;
const real: EngineKey = {id: 1, method: 'sha256', secret: 's3cret'};
const crc: EngineKey = {id: 2, method: 'crc', secret: ''};
const paths: EngineConfig['paths'] = [
  {kind: 'bcast', device: 'eth0', port: 694},
  {kind: 'mcast', device: 'eth0', group: '225.0.0.1', port: 694, ttl: 1, loop: false},
  {kind: 'ucast', device: 'eth0', peer: '10.0.0.2', port: 694},
  {kind: 'ucast', device: 'eth1', peer: '10.1.0.2', port: 694},
];

function receiverOf(t: ExecutionContext, change: Partial<EngineConfig> = {}, wall = WALL, kept?: object) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-receiver-'));
  if (kept) writeFileSync(path.join(folder, 'failover-state.json'), JSON.stringify(kept));
  const used = {...config, paths, keys: [real], ...change, stateDir: folder};
  const counters: Record<string, number> = {};
  const fed: Event[] = [];
  const store = openStateStore(folder, WALL, () => undefined);
  const receiver = makeReceiver(
    {
      current: {config: used, state: initialState(used, 5n, 0)},
      clock: {now: () => 0, wall: () => wall},
      counters,
      count: (code) => {
        counters[code] = (counters[code] ?? 0) + 1;
      },
      send: () => undefined,
      feed: (event) => fed.push(event),
    },
    store,
  );
  t.teardown(async () => {
    await store.written();
    rmSync(folder, {recursive: true, force: true});
  });
  /** Sends an advert signed for one path on another. */
  const send = (advert: Partial<Advert>, signedFor: number, arrived: number, key = real): void => {
    const id = pathIds(paths)[signedFor] ?? 0xff;
    receiver.onDatagram(arrived, encodeAdvert({...peerAdvert({}, advert), path: id}, key), '10.0.0.66');
  };
  return {send, fed, counters};
}

test('an advert recorded on one path is refused on another', (t) => {
  const {send, fed, counters} = receiverOf(t);
  send({sequence: 1n}, 0, 1);
  send({sequence: 2n}, 0, 3);
  t.deepEqual([fed.length, counters], [0, {'fault-path': 2}]);
});

test('sockets of one interface and port share datagrams: the signed path counts, and a copy is not a fault', (t) => {
  const {send, fed, counters} = receiverOf(t);
  send({sequence: 1n}, 0, 0);
  send({sequence: 1n}, 0, 2);
  send({sequence: 2n}, 2, 0);
  t.deepEqual(
    fed.map((event) => event.type === 'advert' && event.advert.path),
    [0, 2],
  );
  t.deepEqual(counters, {});
});

test('a listed crc key authenticates nobody while a real key signs', (t) => {
  const {send, fed, counters} = receiverOf(t, {keys: [real, crc]});
  send({}, 0, 0, crc);
  t.deepEqual([fed.length, counters], [0, {'fault-unknown-key': 1}]);
  const legacy = receiverOf(t, {keys: [crc], signingKey: 2});
  legacy.send({}, 0, 0, crc);
  t.is(legacy.fed.length, 1);
});

test('numbers that no director can reach are refused', (t) => {
  const {send, fed, counters} = receiverOf(t);
  const most = 2n ** 64n - 1n;
  for (const field of ['incarnation', 'sequence', 'echoIncarnation', 'echoSequence'] as const)
    send({[field]: most}, 0, 0);
  for (const field of ['incarnation', 'echoIncarnation'] as const) send({[field]: 2n ** 44n + 1n}, 0, 0);
  t.deepEqual([fed.length, counters], [0, {'fault-implausible': 6}]);
});

test('whatever year either clock shows, the peer is heard', (t) => {
  for (const wall of [0, Date.UTC(2025, 2), WALL, Date.UTC(2199, 0)])
    for (const incarnation of [1n << 20n, BigInt(WALL), BigInt(Date.UTC(2262, 0))]) {
      const {send, fed, counters} = receiverOf(t, {}, wall);
      send({incarnation, echoIncarnation: BigInt(WALL)}, 0, 0);
      t.deepEqual([fed.length, counters], [1, {}], `${wall} ${incarnation}`);
    }
});

test('the highest number that is believed locks nobody out: the real peer goes on above it', (t) => {
  const {send, fed, counters} = receiverOf(t);
  const poisoned = 2n ** 44n;
  send({incarnation: poisoned}, 0, 0);
  send({incarnation: incarnationAfter(poisoned)}, 0, 0);
  send({incarnation: incarnationAfter(incarnationAfter(incarnationAfter(poisoned)))}, 0, 0);
  t.deepEqual([fed.length, counters], [3, {}]);
  send({incarnation: 2n ** 45n}, 0, 0);
  t.deepEqual([fed.length, counters], [3, {'fault-implausible': 1}]);
});

test('a state file with too high a sequence keeps nobody deaf, and believes no recording', (t) => {
  const incarnation = BigInt(WALL);
  const kept = {incarnation: '4', peers: {director2: `${WALL}.999999999999999`}};
  const {send, fed, counters} = receiverOf(t, {}, WALL, kept);
  // Recorded before this start: it echoes an earlier incarnation of ours, or none.
  send({incarnation, sequence: 70n, echoIncarnation: 4n}, 0, 0);
  send({incarnation, sequence: 71n, echoIncarnation: 0n}, 0, 0);
  t.deepEqual([fed.length, counters], [0, {'fault-replay': 2}]);
  // The peer has heard this process.
  send({incarnation, sequence: 100n, echoIncarnation: 5n}, 0, 0);
  send({incarnation, sequence: 101n, echoIncarnation: 5n}, 1, 1);
  t.is(fed.length, 2);
  send({incarnation, sequence: 100n, echoIncarnation: 5n}, 0, 0);
  send({incarnation, sequence: 30n, echoIncarnation: 5n}, 2, 2);
  t.deepEqual([fed.length, counters], [2, {'fault-replay': 4}]);
});
