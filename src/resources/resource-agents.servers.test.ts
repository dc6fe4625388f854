/**
 * Resources with Debian's own programs: resource-agents' OCF agents, heartbeat's resource.d scripts. They are copied into this
 * private view of the machine (test/lab/servers.ts), because they refer to each other by full paths.
 */
import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import type {Resource} from '@hactl/config';
import anyTest, {type TestFn} from 'ava';
import {prepareAgents} from '../../test/lab/agent-packages.ts';
import {findAgent, type Agent} from './resource-agents.ts';
import type {Operation, Outcome} from './resource-machine.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 30_000;
const span = {file: 'haresources', start: 0, end: 0};
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test.before(() => {
  if (process.env.HACTL_SERVERS === undefined)
    throw new Error('run by: node test/lab/bootstrap.mjs test/lab/servers.ts ava FILE');
  const {tree} = prepareAgents(() => undefined);
  for (const top of ['etc', 'usr']) execFileSync('cp', ['-a', `${tree}/${top}/.`, `/${top}`]);
  ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
  for (const device of ['eth0', 'peer0']) ip('link', 'set', device, 'up');
  ip('address', 'add', '10.77.0.2/24', 'dev', 'eth0');
});

function agent(type: string, ...args: string[]): Agent {
  const resource: Resource = {span, type, args};
  const found = findAgent(resource, {
    configDir: '/etc/ha.d',
    runDir: '/run',
    node: 'a',
    log: () => undefined,
    sendMail: () => Promise.resolve(),
  });
  if (typeof found === 'string') throw new Error(found);
  return found;
}

/** Whether it reports running; otherwise the reason. */
async function life(agent: Agent, running: () => boolean): Promise<Record<string, unknown>> {
  const run = async (operation: Operation): Promise<boolean | string> => {
    const outcome: Outcome = await agent(operation, LIMIT);
    return outcome.ok || outcome.reason;
  };
  const before = await run('status');
  const start = await run('start');
  const during = [await run('status'), running()];
  const stop = await run('stop');
  const after = [(await run('status')) === true, running()];
  return {before: before === true, start, during, stop, after};
}
const lived = {before: false, start: true, during: [true, true], stop: true, after: [false, false]};
const holds = (address: string) => (): boolean =>
  ip('-o', 'address', 'show', 'dev', 'eth0').includes(` ${address}/24`);

test("resource-agents' Dummy starts, reports running and stops", async (t) => {
  const state = '/run/dummy-of-the-test';
  t.deepEqual(await life(agent('ocf:heartbeat:Dummy', `state=${state}`), () => existsSync(state)), lived);
});

test("resource-agents' IPaddr2 starts, reports running and stops", async (t) => {
  const ipaddr2 = agent('ocf:heartbeat:IPaddr2', 'ip=10.77.0.9', 'nic=eth0', 'cidr_netmask=24');
  t.deepEqual(await life(ipaddr2, holds('10.77.0.9')), lived);
});

test('a misconfigured agent reports why', async (t) => {
  const outcome = await agent('ocf:heartbeat:IPaddr2', 'ip=10.77.0.9', 'nic=eth7')('start', LIMIT);
  t.regex(
    outcome.ok ? '' : outcome.reason,
    /^exit status \d: (wrong configuration|generic error|what it needs is not installed)[\s\S]*eth7/,
  );
});

test("heartbeat's own IPaddr, whose status is read", async (t) => {
  t.deepEqual(await life(agent('IPaddr', '10.77.0.8/24/eth0'), holds('10.77.0.8')), lived);
});
