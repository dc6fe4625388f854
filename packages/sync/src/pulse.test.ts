import {addressBytes} from '@hactl/net';
import test from 'ava';
import {agesOf, noAges, noteAge} from './ages.ts';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER, messageOf} from './entry.ts';
import {encodeSyncMessage} from './message.ts';
import {createMirror, upsertMessage} from './mirror.ts';
import {entryOfLine} from './proc-table.ts';
import {
  beatOf,
  clientOf,
  connectionsMade,
  FIRST_PORT,
  isReached,
  markerOf,
  MARKERS,
  needsBeat,
  pauseOf,
  portsOf,
  pulseClient,
  recordsOf,
  triplesOf,
} from './pulse.ts';

/** A pulse's record as sent by the kernel. */
const recordOf = (port: number, client = 20): Buffer => {
  const pulseRecord = {
    ...connectionOf(1),
    family: 4 as const,
    clientPort: port,
    virtualPort: 1,
    destinationPort: 1,
  };
  const addresses = {
    client: addressBytes(`127.88.48.${client}`),
    virtual: addressBytes('127.88.48.1'),
    destination: addressBytes('127.88.48.3'),
  };
  return encodeSyncMessage(7, [{...pulseRecord, ...addresses}]);
};

test('a beat pushes out the buffer’s contents and its own marker, however full the buffer was', (t) => {
  for (const maxlen of [1, 80, 116, 368, 1_400]) {
    const room = recordsOf(maxlen);
    for (const wake of [false, true])
      for (let left = 0; left < room; left += 1) {
        // Two records of each triple, the marker's first; the kernel sends a buffer when the next record does not fit.
        const records = 2 * (1 + triplesOf(maxlen, wake));
        const sent = Math.floor((left + records - 1) / room) * room;
        t.true(sent > left, `${maxlen}: ${left} were left, ${records} came`);
        if (wake) t.true(sent / room >= 8, `${maxlen}: ${sent / room} buffers`);
      }
  }
  t.is(portsOf(MARKERS + 3, 2).length, 3);
  t.is(portsOf(MARKERS + 3, 2)[0], FIRST_PORT + 3);
});

test('a marker identifies its beat and its sender', (t) => {
  const record = recordOf(portsOf(700, 0)[0] ?? 0, pulseClient(4));
  t.is(clientOf(record, HEADER), pulseClient(4));
  t.is(markerOf(record, HEADER), 700 % MARKERS);
  t.is(beatOf(700, 700 % MARKERS), 700);
  t.is(beatOf(700, 690 % MARKERS), 690);
  t.is(beatOf(3, 250), 0, 'before the first one');
  t.is(markerOf(recordOf(FIRST_PORT + MARKERS), HEADER), -1, 'a record that only pushes');
  t.is(markerOf(entryOf(connectionOf(2)), HEADER), -1, 'a real connection');
  t.true(isReached(5, 5) && isReached(5, 4) && isReached(1, MARKERS - 2));
  t.false(isReached(5, 6) || isReached(MARKERS - 2, 1));
});

test('beats continue after new connections for as long as a handshake may take, then rest', (t) => {
  const need = {count: 7, movedAt: -Infinity};
  t.false(needsBeat(need, 7, 0));
  t.true(needsBeat(need, 8, 100));
  t.true(needsBeat(need, 8, 400));
  t.false(needsBeat(need, 8, 600));
});

test('a beat’s cost limits its rate', (t) => {
  t.is(pauseOf(20, 0.3), 20);
  t.is(pauseOf(20, 10), 40);
  t.is(pauseOf(20, 1_000), 500);
});

test('the kernel’s connection count is parsed as hexadecimal', (t) => {
  const text =
    '       Total Incoming Outgoing         Incoming         Outgoing\n' +
    'CPU    Conns  Packets  Packets            Bytes            Bytes\n' +
    '  0      1A0     7D00      3F2           12AB34            FF01\n' +
    '  A        2        0        0                0                0\n' +
    '  ~        9     7D00      3F2           12AB34            FF01\n\n' +
    '     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n' +
    '           1       2A        0              100                0\n';
  t.is(connectionsMade(text), 0x1a2);
});

test('the pulse’s connections are in no mirror and no connection list', (t) => {
  const mirror = createMirror(1);
  const real = entryOf(connectionOf(1)).subarray(HEADER);
  t.is(upsertMessage(mirror, messageOf(7, [recordOf(2_000).subarray(HEADER), real]), 1), 1);
  t.is(mirror.size, 1);
  const line = 'TCP 7F583014 0400 7F583001 0001 7F583003 0001 CLOSE        9';
  t.is(entryOfLine(line, new Map(), 'masq'), undefined);
  t.truthy(entryOfLine(line.replace('7F583001', '0A600064'), new Map(), 'masq'));
});

test('ages: undefined without samples, then median and 99th percentile of the newest', (t) => {
  const ages = noAges();
  t.is(agesOf(ages), undefined);
  for (let age = 1; age <= 100; age += 1) noteAge(ages, age);
  t.deepEqual(agesOf(ages), {p50: 51, p99: 100});
  for (let more = 0; more < 1_000; more += 1) noteAge(ages, 5);
  t.deepEqual(agesOf(ages), {p50: 5, p99: 5});
});
