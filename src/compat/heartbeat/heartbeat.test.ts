import test from 'ava';
import {readCommandLine} from './command-line.ts';

for (const [words, expected] of [
  [['start'], {kind: 'act', action: 'start', plain: false}],
  [['force-reload'], {kind: 'act', action: 'force-reload', plain: false}],
  [['standby'], {kind: 'act', action: 'standby', plain: false}],
  [['-s'], {kind: 'act', action: 'status', plain: true}],
  [['-k'], {kind: 'act', action: 'stop', plain: true}],
  [['-dr'], {kind: 'act', action: 'reload', plain: true}],
  [['-f'], {kind: 'run', debug: false}],
  [['-f', '-d'], {kind: 'run', debug: true}],
  [['-V'], {kind: 'version'}],
  [['-h'], {kind: 'help'}],
  [['--help'], {kind: 'help'}],
  [[], {kind: 'usage'}],
  [['begin'], {kind: 'usage'}],
  [['start', 'now'], {kind: 'usage'}],
  [['-k', '-r'], {kind: 'usage'}],
  [['-Z'], {kind: 'usage'}],
] as const)
  test(`heartbeat ${words.join(' ')}: ${expected.kind}`, (t) => {
    t.deepEqual(readCommandLine(words), {...expected});
  });

test('an unsupported option is refused with the reason', (t) => {
  t.like(readCommandLine(['-M']), {kind: 'usage'});
  t.regex(JSON.stringify(readCommandLine(['-M'])), /hactl resource stop NAME/);
});
