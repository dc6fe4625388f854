/** Tests that need the guest's kernel and tools: the ipip tunnel and the nft form, between two namespaces. */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {withNamespace} from '@hactl/net';
import anyTest, {type TestFn} from 'ava';
import {doStep, readFacts, undoStep} from './realserver-driver.ts';
import {planReal, type Goal} from './realserver-plan.ts';
import {probe} from './verify-driver.ts';
import {judge} from './verify-judge.ts';

const test = anyTest.serial as unknown as TestFn;
const spaces = ['hactl-dir', 'hactl-real'] as const;
const VIP = '10.78.0.100';
const REAL = '10.78.0.2';
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
const files: number[] = [];
const namespace = (path: string): number => {
  const fd = openSync(path, 'r');
  files.push(fd);
  return fd;
};
let [own, director, real] = [0, 0, 0];

test.before(() => {
  for (const space of spaces) ip('netns', 'add', space);
  ip('-n', spaces[0], 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', spaces[1]);
  for (const [at, space] of spaces.entries()) {
    for (const device of ['lo', 'eth0']) ip('-n', space, 'link', 'set', device, 'up');
    ip('-n', space, 'address', 'add', `10.78.0.${at + 1}/24`, 'dev', 'eth0');
  }
  own = namespace('/proc/thread-self/ns/net');
  [director, real] = [namespace('/run/netns/hactl-dir'), namespace('/run/netns/hactl-real')];
});

test.after.always(() => {
  for (const fd of files) closeSync(fd);
  for (const space of spaces) ip('netns', 'delete', space);
});

for (const [method, form] of [
  ['ipip', 'arp_ignore'],
  ['gate', 'nft'],
] as const)
  test(`${method} with ${form}: applied, verified from the director, and undone`, async (t) => {
    const goal: Goal = {vips: [VIP], method, form};
    const plan = () => planReal(goal, readFacts(goal));
    const seen = async (): Promise<string[]> => {
      const targets = [{vip: VIP, port: 0, real: REAL, method}];
      const observed = await withNamespace(director, own, () => probe(targets, 600, 7));
      return judge(targets, observed).map(({code}) => code);
    };
    const state = () => withNamespace(real, own, () => {
      const {addresses, sysctls, nft} = readFacts(goal);
      return {addresses: addresses.filter(({family}) => family === 4), nft, sysctls: [...sysctls].filter(([key]) => !key.includes('tunl0'))};
    }); // prettier-ignore
    const before = state();
    t.deepEqual(await seen(), ['nobody-answers', 'no-vip']);
    const undo = withNamespace(real, own, () => {
      const {steps, faults} = plan();
      t.deepEqual(faults, []);
      return steps.filter(({done}) => !done).map((step) => doStep(step));
    });
    withNamespace(real, own, () =>
      t.true(
        plan().steps.every(({done}) => done),
        'nothing is left to do',
      ),
    );
    t.deepEqual(await seen(), ['nobody-answers', 'good']);
    withNamespace(real, own, () => {
      for (const item of undo
        .filter((step) => !(step.kind === 'run' && step.argv.includes('ipip')))
        .toReversed())
        t.is(undoStep(item), undefined);
    });
    t.deepEqual(state(), before);
  });
