import ipaddr from 'ipaddr.js';
import test from 'ava';
import {messageOf} from './entry.ts';
import {decodeSyncMessage} from './message.ts';
import {entryOfLine, methodsOf} from './proc-table.ts';

const forward = new Map([
  ['0a000002 8080', 'masq'],
  ['0a000003 0', 'gate'],
  ['fd960000000000000000000000000002 8080', 'ipip'],
] as const);

const read = (line: string) => {
  const found = entryOfLine(line, forward);
  if (!found) return undefined;
  const decoded = decodeSyncMessage(messageOf(0, [found.entry]));
  return decoded.ok ? decoded.value.connections[0] : decoded.fault;
};

test('a line of each kind is parsed', (t) => {
  t.like(read('TCP 0A630009 C350 0A630064 0050 0A000002 1F90 ESTABLISHED     899'), {
    protocol: 6,
    state: 1,
    clientPort: 50_000,
    virtualPort: 80,
    destinationPort: 8_080,
    flags: 0,
    timeout: 900,
    client: Buffer.from([10, 99, 0, 9]),
  });
  t.like(read('TCP 0A630009 C350 0A630064 0050 0A000002 1F90 TIME_WAIT        60'), {state: 5, flags: 0x100});
  t.like(read('UDP 0A630009 C350 0A630064 0050 0A000003 0035 UDP             299'), {
    protocol: 17,
    state: 0,
    flags: 3,
  });
  t.like(read('TCP 0A630009 0000 0A630064 0051 0A000002 1F90 ASSURED         120'), {
    state: 1,
    flags: 0x1000,
  });
  t.like(
    read(
      'TCP fd96:0000:0000:0000:0000:0000:0000:0064 C350 fd96:0000:0000:0000:0000:0000:0000:0064 0050 fd96:0000:0000:0000:0000:0000:0000:0002 1F90 ESTABLISHED     899',
    ),
    {family: 6, flags: 2},
  );
});

test('lines without a connection, or with one that cannot be recreated, are skipped', (t) => {
  for (const line of [
    'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData',
    '',
    'TCP 0A630009 C350 0A630064 0050 0A000009 1F90 ESTABLISHED     899',
    'TCP 0A630009 C350 0A630064 0050 0A000002 1F90 ESTABLISHED       0',
    'TCP 0A630009 C350 0A630064 0050 0A000002 1F90 NEVER_HEARD     100',
  ])
    t.is(read(line), undefined, line);
});

test('the forwarding methods are taken from the table', (t) => {
  const destination = (address: string, port: number, method: 'gate' | 'masq') =>
    ({address, port, forward: method}) as never;
  const found = methodsOf(
    [{destinations: [destination('10.0.0.2', 80, 'masq'), destination('fd96::2', 80, 'gate')]} as never],
    (address) => Buffer.from(ipaddr.parse(address).toByteArray()),
  );
  t.deepEqual(
    [...found],
    [
      ['0a000002 80', 'masq'],
      ['fd960000000000000000000000000002 80', 'gate'],
    ],
  );
});
