import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {openConfigStore} from './config-store.ts';
import {begin} from './first-load.ts';
import {keepVersion} from './keep-version.ts';
import type {LoadOptions} from './load.ts';

const service = (port: number): string =>
  `virtual=10.0.0.100:${port}\n\treal=10.0.0.1:${port} gate\n\tchecktype=connect\n\tprotocol=tcp\n`;

test('files edited while no supervisor ran: services no longer in any file are found', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-left-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const [configDir, stateDir] = [path.join(root, 'ha.d'), path.join(root, 'state')];
  mkdirSync(configDir);
  const write = (text: string): void => writeFileSync(path.join(configDir, 'ldirectord.cf'), text);
  const store = openConfigStore(stateDir);
  const options: LoadOptions = {
    configDir,
    stateDir,
    only: 'ldirectord.cf',
    node: 'alpha',
    mode: 'lenient',
    findInterface: () => Promise.resolve(() => undefined),
    lookUp: () => Promise.resolve([]),
    wall: 0,
  };
  const start = async (): Promise<readonly number[]> => {
    const began = await begin(options, store, () => undefined);
    if (!began) throw new Error('it does not start');
    keepVersion(store, () => undefined, 0, began.first.loaded, 'start');
    return began.left.map((key) => (key.kind === 'address' ? key.port : key.mark));
  };
  write(service(80) + service(443));
  t.deepEqual(await start(), [], 'a first start');
  t.deepEqual(await start(), [], 'nothing was edited');
  write(service(443));
  t.deepEqual(await start(), [80, 443], 'all of the version before: those that are wanted stay');
  t.deepEqual(await start(), []);
});
