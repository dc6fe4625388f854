/** The start of an engine, with the real kernel and a clock of its own. */
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import type {Clock} from '@hactl/base';
import {config} from '../machine/scene.fixture.ts';
import {initTime} from '../machine/intervals.ts';
import type {FromEngine} from '../messages.ts';
import {startEngine} from './engine.ts';

test('with a deadtime below 50 ms a start listens for ten times deadtime', (t) => {
  t.is(initTime({...config, deadtime: 5, initdead: 5}), 50);
  t.is(initTime({...config, deadtime: 5, initdead: 12_000}), 12_000);
  t.is(initTime({...config, deadtime: 50, initdead: 50}), 50);
});

test('initdead begins when the peer can be heard, not before the sockets are open', async (t) => {
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'hactl-engine-'));
  t.teardown(() => rmSync(stateDir, {recursive: true, force: true}));
  // Opening sockets takes five seconds here.
  let looks = 0;
  const clock: Clock = {now: () => ((looks += 1) === 1 ? 0 : 5_000), wall: () => 0};
  const said: FromEngine[] = [];
  const groups = config.groups.map((group) => ({
    ...group,
    vips: group.vips.map((vip) => ({...vip, device: 'absent0'})),
  }));
  await new Promise<void>((resolve) => {
    const engine = startEngine(
      {...config, initdead: 1_000, groups, paths: [], stateDir},
      clock,
      'not real-time',
      (message) => said.push(message),
      resolve,
    );
    t.deepEqual(
      said.filter(({type}) => type === 'transition'),
      [],
    );
    engine.receive({type: 'status', id: 1});
    engine.receive({type: 'stop'});
  });
  const status = said.find((message) => message.type === 'status');
  t.is(status?.status.groups[0]?.role, 'Initialize');
});
