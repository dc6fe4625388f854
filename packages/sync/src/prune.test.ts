import {addressBytes} from '@hactl/net';
import type {ObservedService} from '@hactl/ipvs';
import test from 'ava';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER} from './entry.ts';
import {ending, noteTable, nothingGone, realIsGone, type Gone} from './prune.ts';
import {connectionFlag, decodeSyncMessage, type SyncConnection} from './message.ts';

const REAL = '10.0.0.11';
const VIP = '10.0.0.100';
const real = addressBytes(REAL);
const virtual = addressBytes(VIP);

/** A table of services, each with its real servers; a mark is a number, an address has port 80. */
const table = (...services: readonly (readonly [string | number, readonly string[]])[]) =>
  services.map(
    ([name, reals]) =>
      ({
        service: {
          key:
            typeof name === 'number'
              ? {kind: 'fwmark', family: 4, mark: name}
              : {kind: 'address', family: 4, protocol: 'tcp', address: name, port: 80},
        },
        destinations: reals.map((address) => ({address, port: 80})),
      }) as unknown as ObservedService,
  );

const known = (...tables: readonly (readonly ObservedService[])[]): Gone => {
  const gone = nothingGone();
  for (const table of tables) noteTable(gone, table, addressBytes);
  return gone;
};
const isGone = (gone: Gone, more: Partial<SyncConnection> = {}): boolean =>
  realIsGone(gone, entryOf(connectionOf(0, {virtual, destination: real, ...more})), HEADER);

const both = table([VIP, [REAL, '10.0.0.12']]);
const without = table([VIP, ['10.0.0.12']]);

test('a real server removed from its service counts as gone until it returns', (t) => {
  t.false(isGone(known(both)));
  t.true(isGone(known(both, without)));
  t.false(isGone(known(both, without, both)));
  t.false(isGone(known(both, without), {destination: addressBytes('10.0.0.12')}));
});

test('a real server never seen is not gone: the table fills after a boot', (t) => {
  t.false(isGone(known(without)));
  t.false(isGone(known(table([VIP, []]), without)));
});

test('an absent service says nothing about its real servers, not even when it returns', (t) => {
  t.false(isGone(known(both, [])));
  t.false(isGone(known(both, [], without)));
});

test('each service is judged separately', (t) => {
  const otherVip = '10.0.0.101';
  const gone = known(
    table([VIP, [REAL]], [otherVip, [REAL]], [7, [REAL]]),
    table([VIP, [REAL]], [otherVip, []], [7, []]),
  );
  t.false(isGone(gone));
  t.true(isGone(gone, {virtual: addressBytes(otherVip)}));
  t.true(isGone(gone, {fwmark: 7}));
  t.false(isGone(gone, {fwmark: 8, virtual: addressBytes(otherVip)}));
});

test('FTP data connections, templates and other protocols are left alone', (t) => {
  const gone = known(both, without);
  t.false(isGone(gone, {virtualPort: 20, destinationPort: 20}));
  t.false(isGone(gone, {clientPort: 0, flags: connectionFlag.template}));
  t.false(isGone(gone, {protocol: 17}));
});

test('an ending entry is closed, inactive, and expires after a second', (t) => {
  const entry = entryOf(connectionOf(0, {virtual, destination: real, flags: 0x3}));
  const bytes = Buffer.concat([entry.subarray(0, HEADER), ending(entry.subarray(HEADER))]);
  const decoded = decodeSyncMessage(bytes);
  t.true(decoded.ok);
  if (decoded.ok) t.like(decoded.value.connections[0], {state: 6, timeout: 1, flags: 0x103});
  const udp = ending(entryOf(connectionOf(0, {protocol: 17, state: 0, flags: 3})).subarray(HEADER));
  t.is(udp.readUInt16BE(8), 0);
});
