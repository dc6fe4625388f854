/** Options become a plan, or a list of all errors; a plan becomes files. */
import test from 'ava';
import {pairFiles} from './pair-files.ts';
import {isOpen, questions, withAnswer, withoutWrong} from './questions.ts';
import {isInNetwork, planPair, suggestDevices, type LocalAddress, type Choices} from './choices.ts';

const local = (device: string, address: string, prefixLength = 24, internal = false): LocalAddress => ({
  device,
  address,
  prefixLength,
  internal,
});
const machine = [
  local('lo', '127.0.0.1', 8, true),
  local('docker0', '172.17.0.1', 16),
  local('eth1', '10.0.0.1'),
  local('eth0', '192.0.2.1'),
  local('eth0', '2001:db8::1', 64),
];
const choices: Choices = {
  node: 'one',
  peer: 'two',
  vips: ['192.0.2.100'],
  services: ['80', '53/udp'],
  servers: ['192.0.2.11', '192.0.2.12'],
  devices: [],
};

test('defaults come from the machine: prefix, interface, two heartbeat paths', (t) => {
  const plan = planPair(choices, machine);
  t.deepEqual(plan.ok && plan.value.vips, [{address: '192.0.2.100', prefixLength: 24, device: 'eth0'}]);
  t.deepEqual(plan.ok && plan.value.devices, ['eth0', 'eth1']);
  t.deepEqual(suggestDevices([], [local('docker0', '172.17.0.1', 16), local('ens3', '10.0.0.1')]), ['ens3']);
});

test('all wrong or missing options are reported at once', (t) => {
  const plan = planPair(
    {
      ...choices,
      peer: 'ONE',
      vips: ['192.0.2.1', '203.0.113.5'],
      services: ['0'],
      servers: ['x', '192.0.2.11:99999'],
      method: 'dr',
    },
    machine,
  );
  t.false(plan.ok);
  t.deepEqual(!plan.ok && plan.fault.map(({option}) => option), [
    '--peer',
    '--vip',
    '--vip',
    '--service',
    '--server',
    '--server',
    '--method',
  ]);
  const nothing = planPair({node: 'one', vips: [], services: [], servers: [], devices: []}, machine);
  t.deepEqual(!nothing.ok && nothing.fault.map(({option}) => option), [
    '--peer',
    '--vip',
    '--service',
    '--server',
  ]);
});

for (const [what, more] of [
  ['a server is the virtual address', {servers: ['192.0.2.100']}],
  ['gate with another port', {servers: ['192.0.2.11:8080'], services: ['80']}],
  ['families mixed', {servers: ['2001:db8::11']}],
  ['a virtual address twice', {vips: ['192.0.2.100', '192.0.2.100/24/eth0']}],
  ['an interface that is not there', {vips: ['192.0.2.100/24/eth9']}],
  ['a heartbeat interface that is not there', {devices: ['eth9']}],
  ['a prefix longer than the address', {vips: ['192.0.2.100/33/eth0']}],
  ['a name with a blank', {peer: 'two three'}],
  ['a name with a line end', {peer: 'two\nrespawn'}],
] as const)
  test(`${what}: refused`, (t) => t.false(planPair({...choices, ...more}, machine).ok));

test('networks, IPv6 too', (t) => {
  t.true(isInNetwork('10.0.3.1', {address: '10.0.0.1', prefixLength: 22}));
  t.false(isInNetwork('10.0.4.1', {address: '10.0.0.1', prefixLength: 22}));
  t.true(isInNetwork('2001:db8::ffff', {address: '2001:db8:0:0::1', prefixLength: 64}));
  t.false(isInNetwork('2001:db8:0:1::1', {address: '2001:db8::1', prefixLength: 64}));
  t.false(isInNetwork('10.0.0.1', {address: '::a00:1', prefixLength: 64}));
  t.true(isInNetwork('9.9.9.9', {address: '10.0.0.1', prefixLength: 0}));
});

test('IPv6 services use IPv6 syntax', (t) => {
  const plan = planPair(
    {...choices, vips: ['2001:db8::100'], servers: ['[2001:db8::11]:80'], services: ['80']},
    machine,
  );
  if (!plan.ok) return t.fail(JSON.stringify(plan.fault));
  const text = pairFiles(plan.value, 'k')
    .map((file) => file.text)
    .join('');
  t.regex(text, /IPv6addr::2001:db8::100\/64\/eth0/);
  t.regex(text, /^virtual6=\[2001:db8::100\]:80\n\treal6=\[2001:db8::11\]:80 gate$/m);
});

const masq: Choices = {
  ...choices,
  servers: ['10.0.0.11', '10.0.0.12'],
  method: 'masq',
  gateway: '10.0.0.254',
};

test('the gateway of masq moves with the virtual address and has no service', (t) => {
  const plan = planPair(masq, machine);
  if (!plan.ok) return t.fail(JSON.stringify(plan.fault));
  const [, haresources, ldirectord] = pairFiles(plan.value, 'k');
  t.regex(haresources?.text ?? '', / IPaddr2::192\.0\.2\.100\/24\/eth0 IPaddr2::10\.0\.0\.254\/24\/eth1$/m);
  t.notRegex(ldirectord?.text ?? '', /10\.0\.0\.254/);
});

for (const [what, more] of [
  ['of another method', {method: 'gate', servers: ['192.0.2.11']}],
  ['that is a real server', {gateway: '10.0.0.11'}],
  ['that is the virtual address', {gateway: '192.0.2.100'}],
  ['that is the own address of this machine', {gateway: '10.0.0.1'}],
  ['in another network than a real server', {servers: ['10.0.0.11', '10.0.1.12']}],
  ['that is no address', {gateway: 'director'}],
] as const)
  test(`a gateway ${what}: refused`, (t) => {
    const plan = planPair({...masq, ...more}, machine);
    t.deepEqual(!plan.ok && plan.fault.map(({option}) => option), ['--gateway']);
  });

test('only masq asks for a gateway', (t) => {
  const gateway = questions.find(({option}) => option === '--gateway');
  if (!gateway) return t.fail('no such question');
  t.true(isOpen(gateway, {...choices, method: 'masq'}));
  t.false(isOpen(gateway, {...choices, method: 'gate'}));
  t.is(withAnswer({...choices, method: 'masq'}, gateway, '').gateway, '', 'there is none');
  t.is(withAnswer({...choices, method: 'masq'}, gateway, '10.0.0.254').gateway, '10.0.0.254');
  t.false('gateway' in (withoutWrong(masq, [{option: '--gateway', text: ''}]) ?? masq), 'asked for again');
});

test('only missing options are asked for, and wrong ones again', (t) => {
  const {peer, ...rest} = choices;
  t.deepEqual(
    questions.filter((question) => isOpen(question, {...rest, method: 'gate'})).map(({option}) => option),
    ['--peer'],
  );
  let answered: Choices = {node: 'one', vips: [], services: [], servers: [], devices: []};
  for (const question of questions) {
    if (!isOpen(question, answered)) continue;
    answered = withAnswer(
      answered,
      question,
      {'--peer': peer ?? '', '--vip': '192.0.2.100', '--server': '192.0.2.11, 192.0.2.12'}[question.option] ??
        '',
    );
  }
  t.deepEqual(answered, {...choices, services: ['80'], method: 'gate'});
  t.deepEqual(withoutWrong(answered, [{option: '--server', text: ''}])?.servers, []);
  t.is(withoutWrong(answered, [{option: '--device', text: ''}]), undefined, 'not asked for');
  t.is(withAnswer(answered, {option: '--peer', text: ''}, 'none').peer, '');
});
