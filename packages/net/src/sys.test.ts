import test from 'ava';
import {abi, bindSocket, closeFd, openSocket, receive, sendTo, waitedFor} from './sys.ts';
import {socketAddress} from './udp.ts';

test('how long a datagram waited is known once the kernel was asked for it', (t) => {
  const to = socketAddress('127.88.47.1', 40_000 + (process.pid % 20_000));
  const fd = openSocket(abi.AF_INET, abi.SOCK_DGRAM, 0, 'test');
  try {
    bindSocket(fd, to, 'test');
    const held = (wait: number): {waited: number; most: number} => {
      const sent = performance.now();
      sendTo(fd, Buffer.from('x'), 1, to);
      while (performance.now() - sent < wait);
      t.is(receive(fd, Buffer.alloc(8), 0), 1);
      const waited = waitedFor(fd);
      return {waited, most: performance.now() - sent};
    };
    waitedFor(fd);
    // The kernel begins to stamp datagrams in deferred work of its own: on a busy machine the first have no stamp yet.
    let last = held(30);
    for (let round = 0; round < 100 && last.waited < 1; round++) last = held(30);
    t.true(last.waited > 29 && last.waited <= last.most, `${last.waited} ms of at most ${last.most} ms`);
  } finally {
    closeFd(fd);
  }
});
