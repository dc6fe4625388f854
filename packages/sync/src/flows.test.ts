import type {ObservedService} from '@hactl/ipvs';
import {addressBytes} from '@hactl/net';
import test from 'ava';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER, messageOf} from './entry.ts';
import {entriesToMove, flowText, movedFlow, readEntry, routesOf, type Reading} from './flows.ts';
import {decodeSyncMessage, type SyncConnection} from './message.ts';

const VIP = '10.0.0.100';
const key = (family: 4 | 6, address: string, port = 53, protocol: 'udp' | 'tcp' = 'udp') =>
  ({kind: 'address', family, protocol, address, port}) as const;
interface Server {
  readonly address: string;
  readonly weight: number;
  readonly port?: number;
  readonly forward?: 'gate' | 'masq';
}
const service = (servers: readonly Server[], more: object = {}): ObservedService =>
  ({
    service: {key: key(servers[0]?.address.includes(':') ? 6 : 4, VIP), netmask: 32, ...more},
    destinations: servers.map((server) => ({
      family: server.address.includes(':') ? 6 : 4,
      port: 53,
      forward: 'gate',
      ...server,
    })),
  }) as unknown as ObservedService;
const failed = (address: string) => [{service: key(4, VIP), address, port: 53}];
const flow = (number: number, to: string, more: Partial<SyncConnection> = {}): Buffer =>
  Buffer.from(
    entryOf(
      connectionOf(number, {
        protocol: 17,
        state: 0,
        virtualPort: 53,
        destinationPort: 53,
        virtual: addressBytes(VIP),
        destination: addressBytes(to),
        ...more,
      }),
    ).subarray(HEADER),
  );
const decoded = (entries: readonly Buffer[]): readonly SyncConnection[] => {
  const result = decodeSyncMessage(messageOf(0, entries));
  if (!result.ok) throw new Error(result.fault.code);
  return result.value.connections;
};
const targetsOf = (pair: readonly [Buffer, Buffer] | undefined) =>
  pair &&
  decoded(pair).map(
    ({destination, destinationPort, flags}) =>
      [destination.join('.'), destinationPort, flags & 0x107] as const,
  );
const [DEAD, LIVE, DRAINED] = ['10.0.0.11', '10.0.0.12', '10.0.0.13'];
const table = [
  service([
    {address: DEAD, weight: 0},
    {address: LIVE, weight: 1, port: 5_353, forward: 'masq'},
    {address: DRAINED, weight: 0},
  ]),
];

test('the flow of a failed server with weight 0 moves: active for the kernel to replace it, then inactive', (t) => {
  const routes = routesOf(table, failed(DEAD), false, addressBytes);
  t.deepEqual(targetsOf(movedFlow(routes, flow(1, DEAD))), [
    [LIVE, 5_353, 0],
    [LIVE, 5_353, 0x100],
  ]);
});

test('what stays: a drained server’s flows, a live server’s, TCP, templates, other services', (t) => {
  for (const absent of [false, true]) {
    const routes = routesOf(table, failed(DEAD), absent, addressBytes);
    t.is(movedFlow(routes, flow(1, DRAINED)), undefined, 'drained');
    t.is(movedFlow(routes, flow(1, LIVE, {destinationPort: 5_353})), undefined, 'live');
    t.is(movedFlow(routes, flow(1, DEAD, {protocol: 6})), undefined, 'TCP');
    t.is(movedFlow(routes, flow(1, DEAD, {flags: 0x1003})), undefined, 'template');
    t.is(movedFlow(routes, flow(1, DEAD, {virtualPort: 54})), undefined, 'another port');
  }
});

test('a server that failed and is back in the table with a weight keeps its flows', (t) => {
  const back = [service([{address: DEAD, weight: 2}, {address: LIVE, weight: 1}])]; // prettier-ignore
  t.is(movedFlow(routesOf(back, failed(DEAD), true, addressBytes), flow(1, DEAD)), undefined);
});

test('a server that is not in the table: its flows move without connection sync only', (t) => {
  t.truthy(movedFlow(routesOf(table, [], true, addressBytes), flow(1, '10.0.0.99')));
  t.is(movedFlow(routesOf(table, failed(DEAD), false, addressBytes), flow(1, '10.0.0.99')), undefined);
});

test('no server gets traffic: the flows stay, whatever failed', (t) => {
  const none = [service([{address: DEAD, weight: 0}, {address: DRAINED, weight: 0}])]; // prettier-ignore
  t.is(routesOf(none, failed(DEAD), true, addressBytes).size, 0);
});

test('flows are spread by weight, and each client always gets the same server', (t) => {
  const three = [
    service([
      {address: DEAD, weight: 0},
      {address: LIVE, weight: 3},
      {address: DRAINED, weight: 1},
    ]),
  ];
  const routes = routesOf(three, failed(DEAD), false, addressBytes);
  const chosen = (): (string | undefined)[] =>
    Array.from({length: 4_000}, (_, at) => targetsOf(movedFlow(routes, flow(at, DEAD)))?.[0]?.[0]);
  const first = chosen();
  t.deepEqual(chosen(), first);
  const share = first.filter((server) => server === LIVE).length / first.length;
  t.true(Math.abs(share - 0.75) < 0.05, String(share));
});

test('persistence: all flows of a client’s network get the same server', (t) => {
  const four = service(
    [{address: DEAD, weight: 0}, ...[12, 13, 14].map((last) => ({address: `10.0.0.${last}`, weight: 1}))],
    {persistent: 300, netmask: 24},
  );
  const routes = routesOf([four], failed(DEAD), false, addressBytes);
  const of = (client: string, clientPort: number): string =>
    String(targetsOf(movedFlow(routes, flow(1, DEAD, {client: addressBytes(client), clientPort})))?.[0]);
  const network = [1, 77, 254].flatMap((last) => [1_000, 2_000].map((port) => of(`192.0.2.${last}`, port)));
  t.is(new Set(network).size, 1);
  const networks = Array.from({length: 60}, (_, at) => of(`192.0.${at}.1`, 1_000));
  t.is(new Set(networks).size, 3);
});

test('IPv6, and a service and servers of all ports', (t) => {
  const six = {
    ...service([{address: 'fd00::b', weight: 0, port: 0}, {address: 'fd00::c', weight: 1, port: 0}], {}), // prettier-ignore
    service: {key: key(6, 'fd00::64', 0), netmask: 128, persistent: 50},
  } as unknown as ObservedService;
  const routes = routesOf([six], [{service: key(6, 'fd00::64', 0), address: 'fd00::b', port: 0}], false, addressBytes); // prettier-ignore
  const entry = flow(1, VIP, {
    family: 6,
    client: addressBytes('fd00::1'),
    virtual: addressBytes('fd00::64'),
    destination: addressBytes('fd00::b'),
  });
  const moved = movedFlow(routes, entry)?.[0];
  const [connection] = decoded([moved!]);
  t.deepEqual(connection?.destination, addressBytes('fd00::c'));
  t.is(connection?.destinationPort, 53);
});

test('an entry that the kernel keeps beside the one that replaced it moves no flow again, in either order of the list', (t) => {
  const routes = routesOf(table, failed(DEAD), false, addressBytes);
  const read = (moved: ReadonlySet<string>, entries: readonly Buffer[]): Reading => {
    const reading: Reading = {moving: new Map(), arrived: new Set()};
    for (const entry of entries) readEntry(reading, routes, moved, entry);
    return reading;
  };
  const old = [flow(1, DEAD), flow(2, DEAD)];
  const first = read(new Set(), old);
  t.is(entriesToMove(first).length, 4);
  const moved = new Set(first.moving.keys());
  t.deepEqual([...moved], old.map(flowText));
  const replaced = flow(1, LIVE, {destinationPort: 5_353});
  for (const list of [
    [replaced, ...old],
    [...old, replaced],
  ]) {
    const entries = entriesToMove(read(moved, list));
    t.deepEqual(
      entries.map(flowText),
      [old[1], old[1]].map((entry) => flowText(entry!)),
      'only the second',
    );
  }
  // Its new server failed, too.
  const both = routesOf(
    [
      service([
        {address: DEAD, weight: 0},
        {address: LIVE, weight: 0},
        {address: DRAINED, weight: 1},
      ]),
    ],
    [...failed(DEAD), ...failed(LIVE)],
    false,
    addressBytes,
  );
  const again: Reading = {moving: new Map(), arrived: new Set()};
  for (const entry of [flow(1, LIVE), flow(1, DEAD)]) readEntry(again, both, moved, entry);
  t.is(entriesToMove(again).length, 2);
});
