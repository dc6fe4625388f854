/** A flood of changes while the event loop is blocked: the watch overruns, reports that as a change, and continues (root). */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {openAddresses, watchNetlink, withNamespace} from './index.ts';

const name = `hactl-watch-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test('20,000 changes in one turn of the loop give at least one call, and the next change is reported too', async (t) => {
  ip('netns', 'add', name);
  t.teardown(() => ip('netns', 'delete', name));
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  let calls = 0;
  const {addresses, watch} = withNamespace(target, own, () => ({
    addresses: openAddresses(),
    watch: watchNetlink(() => (calls += 1)),
  }));
  closeSync(own);
  closeSync(target);
  t.teardown(() => {
    watch.stop();
    addresses.close();
  });
  const index = addresses.links().find((link) => link.name === 'lo')?.index ?? 0;
  const heardMoreThan = async (before: number): Promise<boolean> => {
    const end = performance.now() + 10_000;
    while (calls <= before && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return calls > before;
  };

  const vip = {family: 4, address: '10.77.9.1', prefixLength: 32, index} as const;
  for (let round = 0; round < 10_000; round += 1) {
    addresses.put(vip);
    addresses.remove(vip);
  }
  t.is(calls, 0);
  t.true(await heardMoreThan(0));
  const before = calls;
  addresses.put(vip);
  t.true(await heardMoreThan(before));
});
