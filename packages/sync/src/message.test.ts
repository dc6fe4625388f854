import test from 'ava';
import fc from 'fast-check';
import {asVersion1, entriesOf, entriesOfMessage, messageOf} from './entry.ts';
import {kernelOptions, kernelVersion0, kernelVersion1} from './kernel-datagrams.fixture.ts';
import {
  connectionFlag,
  decodeSyncMessage,
  encodeSyncMessage,
  type SyncConnection,
  type SyncFault,
} from './message.ts';

/** One established TCP connection with gate, laid out manually after the codec's diagram. */
const bytes = Buffer.from(
  [
    '00 07 002c 01 01 0000', // header: syncid 7, 44 octets, one connection, version 1
    '00 06 0024 00000123 0001', // IPv4, tcp, 36 octets, flags, ESTABLISHED
    'c350 0050 0050 00000000 00000384', // 50000 -> 80 -> 80, no mark, 900 s
    '0a63000a 0a630064 0a63000b', // 10.99.0.10 -> 10.99.0.100 -> 10.99.0.11
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

const connection: SyncConnection = {
  family: 4,
  protocol: 6,
  flags: 0x123,
  state: 1,
  clientPort: 50_000,
  virtualPort: 80,
  destinationPort: 80,
  fwmark: 0,
  timeout: 900,
  client: Buffer.from([10, 99, 0, 10]),
  virtual: Buffer.from([10, 99, 0, 100]),
  destination: Buffer.from([10, 99, 0, 11]),
};

test('octets are decoded to connections', (t) => {
  const decoded = decodeSyncMessage(bytes);
  t.deepEqual(decoded, {ok: true, value: {version: 1, syncid: 7, connections: [connection]}});
});

test('connections are encoded to octets', (t) => {
  t.is(encodeSyncMessage(7, [connection]).toString('hex'), bytes.toString('hex'));
});

test('version 0 is decoded', (t) => {
  const old = Buffer.from(
    `01070${(28).toString(16)}${'00 06 c350 0050 0050 0a63000a 0a630064 0a63000b 0123 0001'.replaceAll(' ', '')}`.replace(
      '01070',
      '010700',
    ),
    'hex',
  );
  const decoded = decodeSyncMessage(old);
  t.true(decoded.ok);
  if (decoded.ok) t.deepEqual(decoded.value.connections, [{...connection, timeout: 0}]);
});

const fault = test.macro((t, change: (copy: Buffer) => Buffer, code: SyncFault['code']) => {
  const decoded = decodeSyncMessage(change(Buffer.from(bytes)));
  t.is(decoded.ok ? 'no fault' : decoded.fault.code, code);
});

const patched = (at: number, value: number) => (copy: Buffer) => {
  copy[at] = value;
  return copy;
};

test('fault: too short', fault, (copy) => copy.subarray(0, 3), 'truncated');
test('fault: a wrong size field', fault, (copy) => copy.subarray(0, 40), 'size');
test('fault: another version', fault, patched(5, 2), 'version');
test('fault: an entry of another version', fault, patched(10, 0x10), 'entry-version');
test('fault: an entry of another type', fault, patched(8, 4), 'entry-type');
test('fault: an entry longer than the message', fault, patched(11, 0x40), 'entry-size');
test('fault: more connections than octets', fault, patched(4, 2), 'truncated');
test('fault: fewer connections than octets', fault, patched(4, 0), 'trailing');

const u32 = fc.nat(0xffff_ffff);
const adjustment = fc.record({initialSequence: u32, delta: u32, previousDelta: u32});
const anyConnection: fc.Arbitrary<SyncConnection> = fc
  .constantFrom(4 as const, 6 as const)
  .chain((family) => {
    const address = fc
      .uint8Array({minLength: family === 6 ? 16 : 4, maxLength: family === 6 ? 16 : 4})
      .map((a) => Buffer.from(a));
    return fc.record(
      {
        family: fc.constant(family),
        protocol: fc.nat(255),
        flags: u32,
        state: fc.nat(0xffff),
        clientPort: fc.nat(0xffff),
        virtualPort: fc.nat(0xffff),
        destinationPort: fc.nat(0xffff),
        fwmark: u32,
        timeout: u32,
        client: address,
        virtual: address,
        destination: address,
        sequences: fc.record({inbound: adjustment, outbound: adjustment}),
        peData: fc.uint8Array({minLength: 1, maxLength: 250}).map((a) => Buffer.from(a)),
        peName: fc.constantFrom('sip', 'x'),
      },
      {
        requiredKeys: [
          'family',
          'protocol',
          'flags',
          'state',
          'clientPort',
          'virtualPort',
          'destinationPort',
          'fwmark',
          'timeout',
          'client',
          'virtual',
          'destination',
        ],
      },
    );
  });

test('any encoded connection is decoded unchanged', (t) => {
  fc.assert(
    fc.property(fc.nat(255), fc.array(anyConnection, {maxLength: 20}), (syncid, connections) => {
      const decoded = decodeSyncMessage(encodeSyncMessage(syncid, connections));
      t.deepEqual(decoded, {ok: true, value: {version: 1, syncid, connections}});
    }),
    {numRuns: 300},
  );
});

test('no mangled datagram throws', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyConnection, {minLength: 1, maxLength: 5}),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), {maxLength: 6}),
      fc.nat(400),
      (connections, edits, cut) => {
        const mangled = Buffer.from(encodeSyncMessage(1, connections));
        for (const [at, value] of edits) if (at < mangled.length) mangled[at] = value;
        t.notThrows(() => decodeSyncMessage(mangled));
        t.notThrows(() => decodeSyncMessage(mangled.subarray(0, cut)));
      },
    ),
    {numRuns: 2_000},
  );
});

test('version 1 from a real kernel: decoded, and encoded to the same octets', (t) => {
  const all = kernelVersion1.flatMap((bytes) => {
    const decoded = decodeSyncMessage(bytes);
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.fault));
    t.deepEqual(encodeSyncMessage(decoded.value.syncid, decoded.value.connections), bytes);
    t.is(entriesOf(bytes)?.length, decoded.value.connections.length);
    return decoded.value.connections;
  });
  const kinds = all.map((connection) =>
    (connection.flags & connectionFlag.template) !== 0
      ? 'template'
      : `${connection.protocol} over IPv${connection.family}`,
  );
  t.deepEqual([...new Set(kinds)].toSorted(), ['17 over IPv4', '6 over IPv4', '6 over IPv6', 'template']);
});

test('version 0 from a real kernel: decoded, and converted to version 1', (t) => {
  for (const bytes of kernelVersion0) {
    const decoded = decodeSyncMessage(bytes);
    t.true(decoded.ok && decoded.value.version === 0);
    t.is(entriesOf(asVersion1(bytes)!)?.length, bytes[0]);
  }
  t.true(kernelVersion0.length > 0);
});

test('marks, templates, IPv6, sequence numbers and persistence engines from a real kernel are decoded', (t) => {
  const all = kernelOptions.flatMap((bytes) => {
    const decoded = decodeSyncMessage(bytes);
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.fault));
    t.is(
      encodeSyncMessage(decoded.value.syncid, decoded.value.connections).toString('hex'),
      bytes.toString('hex'),
    );
    // The mirror stores octets: it returns the same message.
    t.is(
      messageOf(7, entriesOfMessage(bytes, entriesOf(bytes) ?? [])).toString('hex'),
      bytes.toString('hex'),
    );
    return decoded.value.connections;
  });
  const template = ({flags}: SyncConnection): boolean => (flags & connectionFlag.template) !== 0;
  const sip = all.find(({peName}) => peName !== undefined);
  t.true(sip !== undefined && template(sip));
  t.is(sip?.peName, 'sip');
  t.is(sip?.peData?.toString('latin1'), '8a1f-77@gateway.example');
  t.deepEqual(all.find(({sequences}) => sequences !== undefined)?.sequences, {
    inbound: {initialSequence: 1_000, delta: 2, previousDelta: 0},
    outbound: {initialSequence: 0x89abcdef, delta: 0xfffffffe, previousDelta: 4},
  });
  // The template of a mark has the mark for its virtual address, and no protocol.
  const marked = all.filter(({fwmark}) => fwmark === 0xbeef);
  t.deepEqual([...new Set(marked.filter(template).map(({protocol}) => protocol))], [0]);
  t.is(marked.find(template)?.virtual.toString('hex'), '0000beef');
  t.true(marked.some((connection) => !template(connection) && connection.protocol === 17));
  t.true(all.some((connection) => connection.family === 6 && template(connection)));
  t.true(all.some((connection) => connection.family === 6 && !template(connection)));
});
