/** The contract against a real kernel: needs root and ip_vs, so it runs in the micro-VM. */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import anyTest, {type TestFn} from 'ava';
import {withNamespace} from '@hactl/net';
import {contract} from './testing/contract.ts';
import {openKernelIpvs, type IpvsClient} from './index.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-ipvs-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
let ipvs: IpvsClient | undefined;

// The test's own network namespace has its own table: a table in use outside stays untouched.
test.before(async () => {
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up', 'multicast', 'on');
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  ipvs = await withNamespace(target, own, () => openKernelIpvs());
  closeSync(own);
  closeSync(target);
});

test.after.always(() => {
  ipvs?.close();
  ip('netns', 'delete', name);
});

for (const {title, check} of contract)
  test(`kernel: ${title}`, async (t) => {
    if (!ipvs) throw new Error('the table is not open');
    await ipvs.flush();
    await check(t, ipvs);
  });
