import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {openSysctls} from './sysctls.ts';

/** A directory that looks like /proc/sys/net/ipv4/vs. */
const make = () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-sysctls-'));
  const root = path.join(dir, 'vs');
  mkdirSync(root);
  writeFileSync(path.join(root, 'sync_threshold'), '3\t50\n');
  writeFileSync(path.join(root, 'sync_ports'), '1\n');
  return {
    root,
    record: path.join(dir, 'record'),
    read: (name: string) => readFileSync(path.join(root, name), 'utf8').trim(),
    clean: () => rmSync(dir, {recursive: true}),
  };
};

test('values are set and restored; correct ones are not touched', (t) => {
  const {root, record, read, clean} = make();
  const sysctls = openSysctls(record, root);
  t.deepEqual(sysctls.apply({sync_threshold: '0 2', sync_ports: '1'}), []);
  t.is(read('sync_threshold'), '0 2');
  t.deepEqual(JSON.parse(readFileSync(record, 'utf8')), {sync_threshold: '3 50'});
  sysctls.restore();
  t.is(read('sync_threshold'), '3 50');
  t.false(existsSync(record));
  clean();
});

test('after a crash the original values are still known', (t) => {
  const {root, record, read, clean} = make();
  openSysctls(record, root).apply({sync_threshold: '0 2'});
  const after = openSysctls(record, root);
  after.apply({sync_threshold: '1 4'});
  after.restore();
  t.is(read('sync_threshold'), '3 50');
  clean();
});

test('a setting no longer wanted is restored; one that the kernel lacks is reported', (t) => {
  const {root, record, read, clean} = make();
  const sysctls = openSysctls(record, root);
  sysctls.apply({sync_threshold: '0 2'});
  t.deepEqual(sysctls.apply({no_such: '1', '../../x': '1'}), ['this kernel has no net.ipv4.vs.no_such']);
  t.is(read('sync_threshold'), '3 50');
  clean();
});
