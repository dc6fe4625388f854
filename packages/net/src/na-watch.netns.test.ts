/** Needs root: runs in a namespace of its own (or in the micro-VM). */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {addressBytes} from './address-text.ts';
import {openNaWatch} from './na-watch.ts';
import {encodeUnsolicitedNa} from './na.ts';
import {abi, closeFd, openSocket, sendTo, setIntOption} from './sys.ts';
import {withNamespace} from './sys-process.ts';

const name = `hactl-na-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const LOOPBACK = '::1';
/** Offset of the claimed address in the message. */
const TARGET_END = 23;

test('a neighbour advertisement that a router may have forwarded is ignored', async (t) => {
  ip('netns', 'add', name);
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  const heard: number[] = [];
  const opened: (() => void)[] = [];
  try {
    ip('-n', name, 'link', 'set', 'lo', 'up');
    await new Promise<void>((resolve) => {
      const sender = withNamespace(target, own, () => {
        const watch = openNaWatch((_, message) => {
          heard.push(message[TARGET_END] ?? 0);
          if (message[TARGET_END] === 255) resolve();
        });
        const fd = openSocket(abi.AF_INET6, abi.SOCK_RAW, IPPROTO_ICMPV6, 'sender');
        opened.push(
          () => watch.stop(),
          () => closeFd(fd),
        );
        return fd;
      });
      const to = Buffer.alloc(28);
      to.writeUInt16LE(abi.AF_INET6, 0);
      to.set(addressBytes(LOOPBACK), 8);
      // Each claims the address whose last part is its hop limit.
      for (const hops of [1, 64, 128, 254, 255]) {
        setIntOption(sender, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, 'sender');
        const message = encodeUnsolicitedNa(`fd00::${hops.toString(16)}`, '02:00:00:00:00:01');
        t.is(sendTo(sender, message, message.length, to), message.length);
      }
    });
    t.deepEqual(heard, [255]);
  } finally {
    for (const close of opened) close();
    closeSync(own);
    closeSync(target);
    ip('netns', 'delete', name);
  }
});
