import {makePrng} from '@hactl/base';
import {crc32} from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import {
  acceptSequence,
  decodeAdvert,
  encodeAdvert,
  initialReplay,
  shortHash,
  type Advert,
  type EngineKey,
} from './index.ts';

const cluster = shortHash('linux-ha');
const key: EngineKey = {id: 1, method: 'sha256', secret: 's3cret'};
const crc: EngineKey = {id: 9, method: 'crc', secret: ''};
const advert: Advert = {
  nodeIndex: 1,
  path: 0,
  ready: true,
  heard: 3,
  cluster,
  node: shortHash('director2'),
  incarnation: 1_700_000_000_000n,
  sequence: 77n,
  echoIncarnation: 5n,
  echoSequence: 6n,
  digest: 7n,
  groups: [
    {
      vrid: 1,
      role: 'Active',
      priority: 200,
      handover: true,
      claim: false,
      addresses: [{hash: 0x01020304, assigned: true}],
    },
    {vrid: 2, role: 'Backup', priority: 100, handover: false, claim: true, addresses: []},
  ],
};

test('fields are at the offsets of the diagram', (t) => {
  const bytes = encodeAdvert(advert, key);
  t.is(bytes.length, 72 + 2 * 8 + 4 + 32);
  t.is(bytes.subarray(0, 16).toString('hex'), '48414354' + '02030101' + '007c' + '0102' + '0000' + '0003');
  t.is(bytes.readBigUInt64BE(16), cluster);
  t.is(bytes.readBigUInt64BE(40), 77n);
  t.is(
    bytes.subarray(72, 92).toString('hex'),
    '00000001' + '02c80101' + '81020304' + '00000002' + '01640200',
  );
});

test('adverts with every auth method are read back', (t) => {
  for (const method of ['crc', 'md5', 'sha1', 'sha256'] as const) {
    const methodKey: EngineKey = {id: 9, method, secret: method === 'crc' ? '' : 'x'};
    t.deepEqual(decodeAdvert(encodeAdvert(advert, methodKey), cluster, [key, methodKey]), {
      ok: true,
      value: advert,
    });
  }
});

const fault = test.macro(
  (t, change: (bytes: Buffer) => Buffer, code: string, keys: readonly EngineKey[] = [key]) => {
    const decoded = decodeAdvert(change(Buffer.from(encodeAdvert(advert, key))), cluster, keys);
    t.is(decoded.ok ? 'accepted' : decoded.fault.code, code);
  },
);
const put = (at: number, value: number) => (bytes: Buffer) => {
  bytes[at] = value;
  return bytes;
};

test('fault: truncated', fault, (bytes) => bytes.subarray(0, 40), 'truncated');
test('fault: magic', fault, put(0, 0), 'magic');
test('fault: version', fault, put(4, 1), 'version');
test('fault: shorter than it says', fault, (bytes) => bytes.subarray(0, 100), 'length');
test('fault: longer than it says', fault, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), 'trailing');
test('fault: unknown key', fault, put(6, 7), 'unknown-key');
test('fault: a weaker method than the key’s', fault, put(5, 0), 'method');
test('fault: another cluster', fault, put(16, 1), 'cluster');
test('fault: a changed octet', fault, put(74, 255), 'bad-tag');
test('fault: another secret', fault, (bytes) => bytes, 'bad-tag', [{...key, secret: 'other'}]);

test('fault: groups or addresses beyond the datagram, or octets that belong to none', (t) => {
  const codes = [
    [11, 3],
    [11, 1],
    [79, 2],
    [91, 1],
  ].map(([offset, value]) => {
    const bytes = encodeAdvert(advert, crc);
    bytes[offset ?? 0] = value ?? 0;
    const body = bytes.length - 4;
    bytes.writeUInt32BE(crc32(bytes.subarray(0, body)), body);
    const decoded = decodeAdvert(bytes, cluster, [crc]);
    return decoded.ok ? 'accepted' : decoded.fault.code;
  });
  t.deepEqual(codes, ['length', 'length', 'length', 'length']);
});

test('key rotation: the old and the new key are both accepted', (t) => {
  const next: EngineKey = {id: 2, method: 'sha256', secret: 'new'};
  for (const signing of [key, next])
    t.true(decodeAdvert(encodeAdvert(advert, signing), cluster, [key, next]).ok);
});

test('replay: each path in increasing order, a new incarnation starts over, an old one is refused', (t) => {
  const codes: string[] = [];
  let state = initialReplay(5n);
  for (const [incarnation, sequence, path] of [
    [4n, 1n, 0],
    [6n, 10n, 0],
    [6n, 10n, 0],
    [6n, 10n, 1],
    [6n, 9n, 0],
    [6n, 200n, 0],
    [6n, 11n, 1],
    [5n, 300n, 0],
    [7n, 1n, 0],
  ] as const) {
    const accepted = acceptSequence(state, {...advert, incarnation, sequence, path});
    codes.push(accepted.ok ? 'ok' : accepted.fault.code);
    if (accepted.ok) state = accepted.value;
  }
  t.deepEqual(codes, [
    'stale-incarnation',
    'ok',
    'replay',
    'ok',
    'replay',
    'ok',
    'replay',
    'stale-incarnation',
    'ok',
  ]);
});

test('a million mangled datagrams, half of them re-signed: none throws, and the state stays small', (t) => {
  const prng = makePrng(1);
  const good = encodeAdvert(advert, key);
  const signed = encodeAdvert(advert, crc);
  let state = initialReplay();
  let [read, accepted, refused] = [0, 0, 0];
  const scratch = Buffer.alloc(good.length + 8);
  for (let round = 0; round < 1_000_000; round += 1) {
    const anew = round % 2 === 0;
    const from = anew ? signed : good;
    from.copy(scratch);
    const length = prng.chance(0.1) ? prng.below(from.length + 8) : from.length;
    for (let edit = prng.below(4); edit >= 0; edit -= 1) scratch[prng.below(from.length)] = prng.below(256);
    const bytes = scratch.subarray(0, length);
    // A sender with the key can sign anything: the reader must still refuse nonsensical values.
    if (anew && length === from.length) bytes.writeUInt32BE(crc32(bytes.subarray(0, length - 4)), length - 4);
    const decoded = decodeAdvert(bytes, cluster, [key, crc]);
    if (decoded.ok) read += 1;
    const taken = decoded.ok ? acceptSequence(state, decoded.value) : decoded;
    if (!taken.ok) refused += 1;
    else {
      accepted += 1;
      state = taken.value;
    }
  }
  t.is(accepted + refused, 1_000_000);
  t.true(read > 1_000 && refused > 500_000, `${read} were read`);
  t.true(state.paths.length <= 256);
});

test('a hundred thousand mangled datagrams: none is accepted, none throws', (t) => {
  const good = encodeAdvert(advert, key);
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({min: 1, max: 255})), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(good.length),
      (edits, cut) => {
        const bytes = Buffer.from(good);
        for (const [at, flip] of edits) bytes[at] = (bytes[at] ?? 0) ^ flip;
        if (!bytes.equals(good) && decodeAdvert(bytes, cluster, [key]).ok) accepted += 1;
        if (cut < good.length && decodeAdvert(good.subarray(0, cut), cluster, [key]).ok) accepted += 1;
      },
    ),
    {numRuns: 50_000},
  );
  t.is(accepted, 0);
});
