/** The users of the checks and of the external commands. */
import test from 'ava';
import type {Account} from '@hactl/net/privileges';
import {chooseAccounts} from './accounts.ts';

const account = (name: string, uid: number): Account => ({name, uid, gid: uid});
const machine = [account('root', 0), account('hactl-check', 900), account('nobody', 65_534)];
const without = (name: string) => machine.filter((known) => known.name !== name);
const choose = (settings: Parameters<typeof chooseAccounts>[0], accounts = machine) => {
  const {check, script, warnings} = chooseAccounts(settings, (name) =>
    accounts.find((known) => known.name === name),
  );
  return [check?.name, script?.name, ...warnings];
};

test('checks and commands run as the package’s user', (t) => {
  t.deepEqual(choose({}), ['hactl-check', 'hactl-check']);
});

test('without the package’s user, checks run as nobody and commands as root', (t) => {
  t.deepEqual(choose({}, without('hactl-check')), ['nobody', undefined]);
});

test('with hactl_script_user root, commands keep root’s capabilities', (t) => {
  t.deepEqual(choose({scriptUser: 'root'}), ['hactl-check', undefined]);
});

test('a missing user is reported and the next default used', (t) => {
  t.deepEqual(choose({checkUser: 'gone', scriptUser: 'gone'}), [
    'hactl-check',
    'hactl-check',
    'hactl_check_user gone: there is no such user',
    'hactl_script_user gone: there is no such user',
  ]);
});
