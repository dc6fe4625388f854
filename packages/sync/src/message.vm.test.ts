/** The codec against this machine's kernel. Needs IPVS: runs in the micro-VM. */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {connectionFlag, decodeSyncMessage, encodeSyncMessage, type SyncConnection} from './message.ts';
import {makePair, said, services, until, type Pair} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const fixture = (name: string): string => fileURLToPath(new URL(`${name}.fixture.ts`, import.meta.url));
const LIMIT = 60_000;
let pair: Pair;
const heard: string[] = [];

test.before(async () => {
  pair = makePair('hc');
  services(pair, 'one');
  pair.run('one', 'ip', 'link', 'set', 'lo', 'multicast', 'on');
  pair.run('one', 'sysctl', '-qw', 'net.ipv4.vs.sync_threshold=0 2', 'net.ipv4.vs.sync_refresh_period=10');
  pair.run('one', 'ipvsadm', '--start-daemon', 'master', '--mcast-interface', 'lo', '--syncid', '7');
  const listener = pair.start('one', fixture('listen'));
  await said(listener);
  listener.on('message', (text: string) => heard.push(text));
  pair.start('one', fixture('traffic'), '4');
});
test.after.always(() => pair?.destroy());

const kinds: Readonly<Record<string, (connection: SyncConnection) => boolean>> = {
  'IPv4 TCP': (connection) =>
    connection.family === 4 && connection.protocol === 6 && connection.clientPort > 0,
  'IPv6 TCP': (connection) => connection.family === 6 && connection.protocol === 6,
  UDP: (connection) => connection.protocol === 17,
  template: (connection) => (connection.flags & connectionFlag.template) !== 0,
};

const connections = (): SyncConnection[] =>
  heard.flatMap((text) => {
    const decoded = decodeSyncMessage(Buffer.from(text, 'hex'));
    return decoded.ok ? [...decoded.value.connections] : [];
  });

test('version 1: IPv4, IPv6, UDP and a template are decoded and encoded to the same octets', async (t) => {
  await until('every kind was sent', LIMIT, () =>
    Object.values(kinds).every((is) => connections().some((connection) => is(connection))),
  );
  for (const text of heard) {
    const decoded = decodeSyncMessage(Buffer.from(text, 'hex'));
    t.true(decoded.ok, text);
    if (decoded.ok)
      t.is(encodeSyncMessage(decoded.value.syncid, decoded.value.connections).toString('hex'), text);
    t.log(text);
  }
});

test('version 0 is decoded', async (t) => {
  heard.length = 0;
  pair.run('one', 'sysctl', '-qw', 'net.ipv4.vs.sync_version=0');
  pair.start('one', fixture('traffic'), '4', 'client');
  await until('a datagram of version 0', LIMIT, () => heard.some((text) => !text.startsWith('00')));
  for (const text of heard.filter((text) => !text.startsWith('00'))) {
    const decoded = decodeSyncMessage(Buffer.from(text, 'hex'));
    t.true(decoded.ok && decoded.value.version === 0 && decoded.value.connections.length > 0, text);
    t.log(text);
  }
});
