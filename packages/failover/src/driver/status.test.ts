/** Every reason why a group is not served is reported with the group. */
import test from 'ava';
import {config, scenes} from '../machine/scene.fixture.ts';
import {groupStatus} from './status.ts';

const vips = {isOnInterface: () => false, leaseLeft: () => undefined};
const taken = {name: 'ucast eth0 10.0.0.2:694', error: 'bind EADDRINUSE 0.0.0.0:694'};
const works = {name: 'bcast eth1:694', error: undefined};

const problemOf = (change: object, paths: readonly {name: string; error: string | undefined}[]) => {
  const {state} = scenes['Active alone']();
  const groups = state.groups.map((group) => ({...group, ...change}));
  return groupStatus({config, state: {...state, groups}}, vips, paths, 0)[0]?.problem;
};

test('a UDP port in use is the group’s problem if no other path works', (t) => {
  t.is(problemOf({}, [taken]), `no path to the peer works: ${taken.name}: ${taken.error}`);
  t.is(problemOf({}, [taken, works]), undefined);
  t.is(problemOf({}, [works]), undefined);
  t.is(problemOf({}, []), undefined, 'a director without a peer');
});

test('problems of interfaces and addresses take precedence', (t) => {
  t.is(problemOf({blocked: 'eth0 does not exist'}, [taken]), 'eth0 does not exist');
  t.is(problemOf({withheld: 'the peer holds it'}, [taken]), 'the peer holds it');
});
