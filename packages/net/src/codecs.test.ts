import test from 'ava';
import {
  arpAnnouncement,
  attribute,
  decodeArp,
  decodeNa,
  encodeUnsolicitedNa,
  nestedAttribute,
  Attributes,
  be16Attribute,
  readAttributes,
  readString,
  stringAttribute,
  u16Attribute,
  u32Attribute,
} from './index.ts';
import {announceDelay, defaultSchedule} from './announce-schedule.ts';

const mac = '02:00:00:00:00:01';

test('attributes are padded to four octets and read back', (t) => {
  t.is(attribute(3, Buffer.from([1, 2, 3, 4, 5])).toString('hex'), '09000300' + '0102030405' + '000000');
  const found = readAttributes(Buffer.concat([stringAttribute(1, 'eth0'), u32Attribute(2, 0xffff_ffff)]));
  t.is(readString(found.get(1) ?? Buffer.alloc(0)), 'eth0');
  t.is(found.get(2)?.readUInt32LE(0), 0xffff_ffff);
});

test('a nested attribute is written with its flag and read without it', (t) => {
  const nested = nestedAttribute(5, [u32Attribute(1, 7), u32Attribute(2, 8)]);
  t.is(nested.readUInt16LE(2), 0x8005);
  t.is(
    readAttributes(readAttributes(nested).get(5) ?? Buffer.alloc(0))
      .get(2)
      ?.readUInt32LE(0),
    8,
  );
});

test('Attributes finds what readAttributes lists, numbers included, and 0 for what is absent or too short', (t) => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64LE(2n ** 40n);
  const bytes = Buffer.concat([
    stringAttribute(1, 'eth0'),
    u32Attribute(2, 0xffff_fffe),
    be16Attribute(3, 8_080),
    attribute(4, counter),
    nestedAttribute(5, [u16Attribute(1, 7)]),
  ]);
  const found = new Attributes(bytes);
  for (const [type, value] of readAttributes(bytes)) t.deepEqual(found.get(type), value);
  t.deepEqual([found.u32(2), found.i32(2), found.counter(2)], [0xffff_fffe, -2, 0xffff_fffen]);
  t.deepEqual([found.be16(3), found.counter(4), found.nested(5).u16(1)], [8_080, 2n ** 40n, 7]);
  t.deepEqual([found.u32(3), found.u32(9), found.counter(3), found.nested(9).u16(1)], [0, 0, 0n, 0]);
  t.deepEqual([found.has(1), found.has(9), found.get(9)], [true, false, undefined]);
  const cut = new Attributes(Buffer.concat([u32Attribute(1, 7), u32Attribute(2, 8).subarray(0, 6)]));
  t.deepEqual([cut.u32(1), cut.has(2)], [7, false]);
});

test('parsing stops at an invalid length', (t) => {
  const cut = u32Attribute(2, 8).subarray(0, 6);
  t.deepEqual([...readAttributes(Buffer.concat([u32Attribute(1, 7), cut])).keys()], [1]);
  t.is(readAttributes(Buffer.alloc(8)).size, 0);
});

test('an announcement is broadcast in both forms of RFC 5227', (t) => {
  const [request, reply] = arpAnnouncement('10.77.0.100', mac);
  t.is(
    request.toString('hex'),
    'ffffffffffff' + '020000000001' + '0806' + '0001080006040001' + '020000000001' + '0a4d0064' +
      '000000000000' + '0a4d0064' + '00'.repeat(18),
  ); // prettier-ignore
  const read = decodeArp(reply);
  t.true(read.ok);
  t.deepEqual(read.ok ? read.value : undefined, {
    operation: 'reply',
    sha: mac,
    spa: '10.77.0.100',
    tha: 'ff:ff:ff:ff:ff:ff',
    tpa: '10.77.0.100',
  });
});

test('the trailer is in the padding of ARP and in an option of a neighbour advertisement', (t) => {
  const trailer = Buffer.from(Array.from({length: 18}, (_, at) => at + 1));
  const [request] = arpAnnouncement('10.77.0.100', mac, () => trailer);
  t.is(request.length, 60);
  const read = decodeArp(request);
  t.deepEqual(read.ok && Buffer.from(read.value.trailer ?? []), trailer);
  const na = encodeUnsolicitedNa('fd00::1', mac, trailer);
  t.deepEqual(decodeNa(na), {target: 'fd00::1', mac, trailer});
  t.is(na.length % 8, 0);
});

test('a frame that is not ARP and a truncated one give different faults', (t) => {
  const [request] = arpAnnouncement('10.77.0.100', mac);
  t.deepEqual(decodeArp(request.subarray(0, 41)), {ok: false, fault: {code: 'truncated', have: 41}});
  const buffer = Buffer.from(request);
  buffer.writeUInt16BE(0x0800, 12);
  t.deepEqual(decodeArp(buffer), {ok: false, fault: {code: 'not-arp'}});
});

test('an unsolicited neighbour advertisement has the override flag and the hardware address', (t) => {
  const message = encodeUnsolicitedNa('2001:db8::64', mac);
  t.is(message.subarray(0, 8).toString('hex'), '8800000020000000');
  t.deepEqual(decodeNa(message), {target: '2001:db8::64', mac});
  t.is(decodeNa(message.subarray(0, 31)), undefined);
});

test('options of a neighbour advertisement may stand in any order; hosts refuse an invalid length', (t) => {
  const trailer = Buffer.from(Array.from({length: 18}, (_, at) => at + 1));
  const message = encodeUnsolicitedNa('2001:db8::64', mac, trailer);
  const [head, link, ours] = [message.subarray(0, 24), message.subarray(24, 32), message.subarray(32)];
  const nonce = Buffer.from('0e01010203040506', 'hex');
  const other = Buffer.from('0201020000000099', 'hex');
  const of = (...options: Buffer[]) => decodeNa(Buffer.concat([head, ...options]));
  t.deepEqual(of(nonce, link), {target: '2001:db8::64', mac});
  t.deepEqual(of(nonce, ours, nonce, link), {target: '2001:db8::64', mac, trailer});
  t.deepEqual(of(...Array<Buffer>(100).fill(nonce), link), {target: '2001:db8::64', mac});
  t.deepEqual(of(link, other), {target: '2001:db8::64', mac});
  t.is(of(), undefined);
  t.is(of(link, Buffer.from('0e00000000000000', 'hex')), undefined);
  t.is(of(link, Buffer.from('0e020000', 'hex')), undefined);
});

test('ARP of another hardware type is ignored', (t) => {
  const [request] = arpAnnouncement('10.77.0.100', mac);
  request.writeUInt16BE(6, 14);
  t.true(decodeArp(request).ok);
  request.writeUInt16BE(32, 14);
  t.deepEqual(decodeArp(request), {ok: false, fault: {code: 'not-arp'}});
});

test('the schedule: a burst, the repeats, then one announcement per refresh interval', (t) => {
  t.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7].map((n) => announceDelay(defaultSchedule, n)),
    [0, 0, 50, 250, 1_000, 3_000, 63_000, 123_000],
  );
  t.is(announceDelay({burst: 1, repeats: [], refresh: 0}, 1), undefined);
});
