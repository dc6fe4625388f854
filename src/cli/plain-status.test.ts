import test from 'ava';
import {plainStatus} from './plain-status.ts';

test('the plain forms of status are recognised, with --run-dir and --json', (t) => {
  t.deepEqual(plainStatus(['status']), {json: false});
  t.deepEqual(plainStatus(['status', '--json']), {json: true});
  t.deepEqual(plainStatus(['--run-dir', '/run/a', 'status']), {runDir: '/run/a', json: false});
  t.deepEqual(plainStatus(['--run-dir=/run/a', 'status', '--json']), {runDir: '/run/a', json: true});
});

test('commander gets every other command line', (t) => {
  for (const words of [
    [],
    ['--json', 'status'],
    ['status', '--help'],
    ['status', '--json', '--json'],
    ['status', 'vip'],
    ['stat'],
    ['--run-dir', 'status'],
    ['--run-dir=', 'status'],
    ['--run-dir', '--json', 'status'],
    ['status', '--run-dir', '/run/a'],
    ['help', 'status'],
  ])
    t.is(plainStatus(words), undefined, words.join(' '));
});
