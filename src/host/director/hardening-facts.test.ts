/** Facts from /proc: processes that the daemon does not list, and every thread's capabilities. */
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {allProcesses, processFacts} from './hardening-facts.ts';

test('launcher, supervisor and check shards are examined; spares and other processes are not', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-facts-'));
  const file = path.join(folder, 'program.mjs');
  // Each starts its children, and prints all pids when they run.
  writeFileSync(
    file,
    `import {fork} from 'node:child_process';
const [title] = process.argv.slice(2);
const tree = {hactld: ['hactld-supervisor'], 'hactld-supervisor': ['hactld-checks', 'hactld-spare'], 'hactld-checks': ['hactld-checks-shard', 'probe']};
const wanted = tree[title] ?? [];
const pids = {[title]: process.pid};
let waiting = wanted.length;
process.title = title;
process.on('disconnect', () => process.exit());
if (waiting === 0) process.send(pids);
for (const name of wanted) fork(import.meta.filename, [name]).on('message', (more) => {
  Object.assign(pids, more);
  waiting -= 1;
  if (waiting === 0) process.send(pids);
});
`,
  );
  const top = fork(file, ['hactld']);
  t.teardown(() => {
    top.disconnect();
    rmSync(folder, {recursive: true});
  });
  const [pids] = (await once(top, 'message')) as [Readonly<Record<string, number>>];
  const pid = pids['hactld-checks'] ?? 0;
  t.deepEqual(allProcesses([{name: 'checks', pid}]), [
    {name: 'checks', pid},
    {name: 'checks-shard', pid: pids['hactld-checks-shard'] ?? 0},
    {name: 'supervisor', pid: pids['hactld-supervisor'] ?? 0},
    {name: 'launcher', pid: top.pid ?? 0},
  ]);
  t.is(processFacts('checks', pid)?.uid, process.getuid?.());
  t.is(processFacts('nobody', 2 ** 30), undefined);
});
