/** A spare supervisor goes through a start and leaves nothing behind. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {makeLogger} from '../system/log.ts';
import {rehearse} from './rehearsal.ts';

const good = {
  authkeys: 'auth 1\n1 sha256 key-of-this-test\n',
  'ha.cf': 'node alpha beta\nbcast lo\nauto_failback on\n',
  haresources: 'alpha 192.0.2.1/24/lo\n',
};

function director(t: ExecutionContext, files: Partial<typeof good> = {}) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-rehearsal-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const directory = (name: string): string => path.join(root, name);
  for (const name of ['ha.d', 'run']) mkdirSync(directory(name));
  for (const [name, text] of Object.entries({...good, ...files}))
    writeFileSync(path.join(root, 'ha.d', name), text, {mode: 0o600});
  const logger = makeLogger({
    level: 'debug',
    format: 'human',
    node: 'alpha',
    underJournal: false,
    journalHasSyslog: false,
  });
  const options = {
    configDir: directory('ha.d'),
    runDir: directory('run'),
    stateDir: directory('state'),
    node: 'alpha',
    mode: 'lenient',
    logger,
  } as const;
  // A directory that had an entry for a moment shows it.
  utimesSync(options.runDir, 1, 1);
  return {options, touched: (): boolean => statSync(options.runDir).mtimeMs > 1_000};
}

test('a rehearsal serves itself on a socket, and leaves no file in the run and state directories', async (t) => {
  const {options, touched} = director(t);
  await rehearse(options);
  t.true(touched(), 'no socket was made');
  t.deepEqual(readdirSync(options.runDir), []);
  t.false(existsSync(options.stateDir));
});

test('a rehearsal with bad files, or without a run directory, ends without an error', async (t) => {
  const bad = director(t, {'ha.cf': 'node alpha beta\nbcast\n'});
  await t.notThrowsAsync(rehearse(bad.options));
  t.false(bad.touched());
  const none = director(t);
  rmSync(none.options.runDir, {recursive: true});
  await t.notThrowsAsync(rehearse(none.options));
  t.false(existsSync(none.options.runDir));
});
