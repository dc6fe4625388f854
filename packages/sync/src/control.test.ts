import test from 'ava';
import {BACKUP_MAXLEN, planDaemons, relayBackupId, wantedDaemons} from './control.ts';

const eth0 = {active: true, interface: 'eth0', syncid: 7};
const daemon = (role: 'master' | 'backup', device = 'eth0') => ({
  role,
  interface: device,
  syncid: 7,
  ...(role === 'backup' ? {maxlen: BACKUP_MAXLEN} : {}),
});

test('both roles on both directors, whichever is Active', (t) => {
  t.deepEqual(wantedDaemons([eth0]), [daemon('backup'), daemon('master')]);
  t.deepEqual(wantedDaemons([{...eth0, active: false}]), [daemon('backup'), daemon('master')]);
  t.deepEqual(wantedDaemons([]), []);
});

test('only daemons with other settings are stopped and started', (t) => {
  const wanted = wantedDaemons([eth0]);
  t.deepEqual(planDaemons(wanted, wanted), []);
  t.deepEqual(planDaemons([daemon('master')], wanted), [{type: 'start', daemon: daemon('backup')}]);
  t.deepEqual(planDaemons([daemon('backup', 'eth9'), daemon('master')], wanted), [
    {type: 'stop', role: 'backup'},
    {type: 'start', daemon: daemon('backup')},
  ]);
  t.deepEqual(planDaemons([daemon('master')], []), []);
});

test('when no daemon is wanted any longer, those wanted before are stopped, and no others', (t) => {
  const earlier = wantedDaemons([eth0]);
  t.deepEqual(planDaemons(earlier, [], earlier), [
    {type: 'stop', role: 'backup'},
    {type: 'stop', role: 'master'},
  ]);
  t.deepEqual(planDaemons([daemon('backup', 'eth9'), {...daemon('master'), syncid: 8}], [], earlier), []);
  t.deepEqual(planDaemons(earlier, earlier, earlier), []);
});

test('relay: both daemons on lo, with different ids, and never 0 for the backup', (t) => {
  t.deepEqual(wantedDaemons([eth0], 'relay'), [
    {role: 'backup', interface: 'lo', syncid: 135, maxlen: BACKUP_MAXLEN},
    {role: 'master', interface: 'lo', syncid: 7, maxlen: 1_400},
  ]);
  for (let syncid = 0; syncid < 256; syncid += 1) {
    const backupId = relayBackupId(syncid);
    t.true(backupId > 0 && backupId < 256 && backupId !== syncid);
  }
  // A daemon whose messages are too long is restarted.
  t.is(
    planDaemons([{role: 'master', interface: 'lo', syncid: 7, maxlen: 1_472}], wantedDaemons([eth0], 'relay'))
      .length,
    3,
  );
});

test('with a pulse the master daemon’s messages are small, in both modes', (t) => {
  for (const mode of ['multicast', 'relay'] as const)
    t.deepEqual(
      wantedDaemons([eth0], mode, 20).map(({role, maxlen}) => [role, maxlen]),
      [
        ['backup', BACKUP_MAXLEN],
        ['master', 116],
      ],
    );
});

test('a backup daemon with too small a message size is restarted; a larger or unknown one is left alone', (t) => {
  const [backup] = wantedDaemons([eth0]);
  const {maxlen: _, ...silent} = backup!;
  for (const [running, operations] of [
    [{...silent, maxlen: 1_472}, 2],
    [{...silent, maxlen: 60_000}, 0],
    [silent, 0],
  ] as const)
    t.is(planDaemons([running], [backup!]).length, operations);
});
