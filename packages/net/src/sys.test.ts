import test from 'ava';
import {abi, bindSocket, closeFd, openSocket, receive, sendTo, waitedFor} from './sys.ts';
import {socketAddress} from './udp.ts';

test('how long a datagram waited is known once the kernel was asked for it', (t) => {
  const to = socketAddress('127.88.47.1', 40_000 + (process.pid % 20_000));
  const fd = openSocket(abi.AF_INET, abi.SOCK_DGRAM, 0, 'test');
  try {
    bindSocket(fd, to, 'test');
    const afterwards = (wait: number): number => {
      sendTo(fd, Buffer.from('x'), 1, to);
      const end = performance.now() + wait;
      while (performance.now() < end);
      t.is(receive(fd, Buffer.alloc(8), 0), 1);
      return waitedFor(fd);
    };
    waitedFor(fd);
    const started = performance.now();
    const waited = afterwards(30);
    t.true(waited > 29 && waited <= performance.now() - started, `${waited} ms`);
  } finally {
    closeFd(fd);
  }
});
