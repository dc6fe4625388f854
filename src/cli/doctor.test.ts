/** hactl doctor reports the loader's machine problems, and shows no key. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));

test('a world-writable file, a world-readable log and a weak key are each a finding', (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-doctor-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const dir = path.join(root, 'ha.d');
  mkdirSync(dir, {mode: 0o755});
  const log = path.join(root, 'ha.log');
  for (const [name, text] of Object.entries({
    authkeys: 'auth 1\n1 md5 KEY-NOBODY-SEES\n',
    'ha.cf': `node alpha beta\nbcast lo\nauto_failback on\nlogfile ${log}\n`,
    haresources: 'alpha 192.0.2.1/24/lo\n',
  }))
    writeFileSync(path.join(dir, name), text, {mode: 0o600});
  writeFileSync(log, '');
  chmodSync(log, 0o644);
  chmodSync(path.join(dir, 'ha.cf'), 0o666);
  const {stdout, status} = spawnSync(
    process.execPath,
    [hactl, '--run-dir', root, 'doctor', '--config-dir', dir, '--node', 'alpha', '--json'],
    {encoding: 'utf8'},
  );
  t.is(status, 1);
  const {findings} = JSON.parse(stdout) as {findings: {level: string; subject: string; text: string}[]};
  const has = (level: string, subject: string, text: RegExp): boolean =>
    findings.some(
      (finding) => finding.level === level && finding.subject === subject && text.test(finding.text),
    );
  t.true(has('bad', 'ha.cf', /everybody may write to/), stdout);
  t.true(has('warning', log, /everybody can read/), stdout);
  t.true(has('warning', 'authkeys', /md5/), stdout);
  t.false(stdout.includes('KEY-NOBODY-SEES'));
});
