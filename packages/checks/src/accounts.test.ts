/** Whom the checks and the external commands become. */
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

test('the package’s user checks and runs commands', (t) => {
  t.deepEqual(choose({}), ['hactl-check', 'hactl-check']);
});

test('without the package’s user nobody checks, and commands stay root’s', (t) => {
  t.deepEqual(choose({}, without('hactl-check')), ['nobody', undefined]);
});

test('commands for which root is named stay root’s, with its capabilities', (t) => {
  t.deepEqual(choose({scriptUser: 'root'}), ['hactl-check', undefined]);
});

test('a user that does not exist is reported, and the next one takes its place', (t) => {
  t.deepEqual(choose({checkUser: 'gone', scriptUser: 'gone'}), [
    'hactl-check',
    'hactl-check',
    'hactl_check_user gone: there is no such user',
    'hactl_script_user gone: there is no such user',
  ]);
});
