/** Needs root: runs in namespaces of its own (or in the micro-VM). */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {openAddresses} from './addresses.ts';
import {openAnnouncer} from './announcer.ts';
import {openArpWatch} from './arp-watch.ts';
import {decodeArp} from './arp.ts';
import {withNamespace} from './sys-process.ts';

const [near, far] = [`hactl-ask-${process.pid}`, `hactl-answer-${process.pid}`];
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test('the kernel of another machine answers a question for its address, and for no other', async (t) => {
  for (const name of [near, far]) ip('netns', 'add', name);
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${near}`, 'r')];
  const opened: (() => void)[] = [];
  try {
    ip('-n', near, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far);
    for (const [at, name] of [near, far].entries()) {
      ip('-n', name, 'address', 'add', `10.99.0.${at + 1}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
    const answers: string[] = [];
    await new Promise<void>((resolve) => {
      withNamespace(target, own, () => {
        const addresses = openAddresses();
        const link = addresses.links().find(({name}) => name === 'eth0');
        const announcer = openAnnouncer();
        const watch = openArpWatch((_, frame) => {
          const decoded = decodeArp(frame);
          if (!decoded.ok || decoded.value.operation !== 'reply') return;
          answers.push(decoded.value.spa);
          resolve();
        });
        opened.push(
          () => addresses.close(),
          () => announcer.close(),
          () => watch.stop(),
        );
        for (const address of ['10.99.0.9', '10.99.0.1', '10.99.0.2'])
          if (link) announcer.ask({index: link.index, mac: link.mac, own: '10.99.0.1', address});
      });
    });
    t.deepEqual(answers, ['10.99.0.2']);
  } finally {
    for (const close of opened) close();
    closeSync(own);
    closeSync(target);
    for (const name of [near, far]) ip('netns', 'delete', name);
  }
});
