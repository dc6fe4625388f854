/** Against a real socket. */
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {abi, bindSocket, closeFd, openSocket, receive} from './sys.ts';
import {sendUnixDatagram, unixAddress} from './unix-datagram.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-unix-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

for (const name of [path.join(folder, 'notify'), `@hactl-test-${process.pid}`])
  test(`a datagram arrives whole at ${name.startsWith('@') ? 'an abstract name' : 'a path'}`, (t) => {
    const fd = openSocket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, name);
    t.teardown(() => closeFd(fd));
    bindSocket(fd, unixAddress(name), name);
    sendUnixDatagram(name, 'READY=1\nSTATUS=serves');
    const into = Buffer.alloc(100);
    const length = receive(fd, into, abi.MSG_DONTWAIT);
    t.is(into.toString('utf8', 0, length), 'READY=1\nSTATUS=serves');
  });

test('a socket without listener and a too long path throw', (t) => {
  t.throws(() => sendUnixDatagram(path.join(folder, 'nobody'), 'x'), {message: /^send .*: ENOENT$/});
  t.throws(() => sendUnixDatagram(`/${'x'.repeat(108)}`, 'x'), {instanceOf: RangeError});
  t.throws(() => sendUnixDatagram('', 'x'), {instanceOf: RangeError});
});
