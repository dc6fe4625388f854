/** Needs root: runs in a namespace of its own (or in the micro-VM). */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {openArpWatch} from './arp-watch.ts';
import {arpAnnouncement} from './arp.ts';
import {abi, closeFd, openSocket, sendTo} from './sys.ts';
import {withNamespace} from './sys-process.ts';

const name = `hactl-arp-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
const MAC = '02:00:00:00:00:01';
/** In the frame: the end of the sender's address, and where a VLAN's tag goes. */
const [SENDER_END, TAG_AT] = [31, 12];
const VLAN_5 = Buffer.from('81000005', 'hex');

const claimOf = (last: number): Buffer => arpAnnouncement(`10.99.0.${last}`, MAC)[0];

test('ARP of a VLAN without an interface, or to another host, is not heard: the kernel does not take it either', async (t) => {
  ip('netns', 'add', name);
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  const heard: number[] = [];
  const opened: (() => void)[] = [];
  try {
    ip('-n', name, 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
    for (const link of ['near', 'far']) ip('-n', name, 'link', 'set', link, 'up');
    const index = Number(/^(\d+):/.exec(ip('-n', name, '-o', 'link', 'show', 'far'))?.[1]);
    await new Promise<void>((resolve) => {
      const sender = withNamespace(target, own, () => {
        const watch = openArpWatch((_, frame) => {
          heard.push(frame[SENDER_END] ?? 0);
          if (frame[SENDER_END] === 3) resolve();
        });
        const fd = openSocket(abi.AF_PACKET, abi.SOCK_RAW, 0, 'sender');
        opened.push(
          () => watch.stop(),
          () => closeFd(fd),
        );
        return fd;
      });
      const to = Buffer.alloc(20);
      to.writeUInt16LE(abi.AF_PACKET, 0);
      to.writeInt32LE(index, 4);
      const plain = claimOf(1);
      const tagged = Buffer.concat([plain.subarray(0, TAG_AT), VLAN_5, plain.subarray(TAG_AT)]);
      const elsewhere = claimOf(2);
      elsewhere.set(Buffer.from('020000000099', 'hex'), 0);
      for (const frame of [tagged, elsewhere, claimOf(3)])
        t.is(sendTo(sender, frame, frame.length, to), frame.length);
    });
    t.deepEqual(heard, [3]);
  } finally {
    for (const close of opened) close();
    closeSync(own);
    closeSync(target);
    ip('netns', 'delete', name);
  }
});
