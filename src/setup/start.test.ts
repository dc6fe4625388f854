/** The output while hactld starts. systemctl is a stand-in whose answers are files. */
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import {startDaemon} from './start.ts';

/** `restart` lasts until the file `go` is there; its status is in it. */
const script = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>asked
case $1 in
show) cat shown ;;
restart)
  while [ ! -e go ]; do sleep 0.05; done
  cat why >&2
  exit "$(cat go)"
  ;;
esac
`;

function begin(t: ExecutionContext) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-start-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const put = (name: string, text: string): void => writeFileSync(path.join(root, name), text);
  const show = (state: string, status: string): void =>
    put('shown', `ActiveState=${state}\nStatusText=${status}\n`);
  put('systemctl', script);
  put('why', '');
  chmodSync(path.join(root, 'systemctl'), 0o755);
  show('activating', '');
  const messages: string[] = [];
  const start = () =>
    startDaemon({
      print: (line) => messages.push(line),
      systemctl: path.join(root, 'systemctl'),
      systemd: root,
      every: 10,
    });
  return {put, show, said: messages, start, root};
}

test('while systemd starts hactld, each reason for waiting is printed once', async (t) => {
  const {put, show, said, start} = begin(t);
  const started = start();
  t.regex(said.join(), /^starting hactld/, 'at once');
  show('activating', 'waits: 2 real servers not checked yet');
  await until('the servers', 20_000, () => said.length === 2);
  show('activating', 'waits: IPVS table not programmed yet');
  await until('the table', 20_000, () => said.length === 3);
  show('active', 'serves: first round of checks done, table programmed');
  put('go', '0');
  t.deepEqual(await started, {
    ok: true,
    text: 'hactld is running and serves (first round of checks done, table programmed); hactl status shows the pair',
  });
  t.deepEqual(said.slice(1), [
    'hactld waits: 2 real servers not checked yet',
    'hactld waits: IPVS table not programmed yet',
  ]);
});

test('a director that started but does not serve is not reported as serving', async (t) => {
  const {put, show, start} = begin(t);
  show('active', 'waits: IPVS: no such protocol');
  put('go', '0');
  t.deepEqual(await start(), {
    ok: true,
    text: 'hactld is running, and does not serve yet: it waits (IPVS: no such protocol); hactl status shows more',
  });
});

test('the stop of a running hactld is reported first', async (t) => {
  const {put, show, said, start} = begin(t);
  show('deactivating', 'stopping: addresses go to the peer first');
  const started = start();
  await until('the stop', 20_000, () => said.includes('hactld stops first: its addresses go to the peer'));
  show('active', 'serves: no virtual services');
  put('go', '0');
  t.true((await started).ok);
});

test('a start that fails, and one that ends at once, are failures with the next command', async (t) => {
  const failing = begin(t);
  failing.put('why', 'Job for hactld.service failed.\nmore\n');
  failing.put('go', '1');
  t.deepEqual(await failing.start(), {
    ok: false,
    text: 'hactld did not start: Job for hactld.service failed.; journalctl -u hactld -n 50',
  });
  const ending = begin(t);
  ending.show('inactive', '');
  ending.put('go', '0');
  t.deepEqual(await ending.start(), {
    ok: false,
    text: 'hactld is not running (inactive); journalctl -u hactld -n 50',
  });
});

test('without systemd nothing is started, and the output explains it', async (t) => {
  const {said} = begin(t);
  const {ok, text} = await startDaemon({print: (line) => said.push(line), systemd: '/nonexistent/systemd'});
  t.true(ok);
  t.regex(text, /start hactld manually/);
  t.deepEqual(said, []);
});
