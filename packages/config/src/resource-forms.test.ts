import test from 'ava';
import {parseHaCf, parseHaresources} from './index.ts';

const messages = (text: string): string[] =>
  parseHaresources({path: 'haresources', text: `a 10.0.0.1/24/eth0 ${text}\n`}, {mode: 'lenient'})
    .diagnostics.filter(({severity}) => severity === 'error')
    .map(({message, help}) => `${message} | ${help}`);

for (const [good, bad, form] of [
  [
    'LVSSyncDaemonSwap::master',
    'LVSSyncDaemonSwap',
    'LVSSyncDaemonSwap::master|backup[::INTERFACE[::SYNCID]]',
  ],
  ['IPsrcaddr::10.0.0.1', 'IPsrcaddr::ten', 'IPsrcaddr::ADDRESS'],
  ['MailTo::root@a,b@c::Subject', 'MailTo::root', 'MailTo::ADDRESS[,ADDRESS…][::SUBJECT]'],
  ['SendArp::10.0.0.1/eth0', 'SendArp::10.0.0.1', 'SendArp::ADDRESS/INTERFACE'],
  ['Delay::5::0', 'Delay::long', 'Delay[::START[::STOP]], or Delay::START::STATUS::STOP'],
  ['OCF::Dummy::d1', 'OCF::Dummy', 'OCF::TYPE::INSTANCE'],
  ['ocf:heartbeat:Dummy::state=/tmp/x=y', 'ocf:heartbeat:Dummy::state', 'ocf:PROVIDER:TYPE[::NAME=VALUE…]'],
  ['systemd::apache2@www.service', 'systemd', 'systemd::UNIT.service'],
] as const)
  test(`${good} is read, ${bad} is refused with the expected form`, (t) => {
    t.deepEqual(messages(good), []);
    t.regex(messages(bad)[0] ?? '', / does not have the form of /);
    t.true(messages(bad)[0]?.endsWith(form));
  });

test('an unknown name is a script in resource.d, and an OCF agent is never taken for a misspelling', (t) => {
  const {model, diagnostics} = parseHaresources(
    {path: 'haresources', text: 'a 10.0.0.1/24/eth0 apache::/etc/x.conf ocf:heartbeat:IPaddr\n'},
    {mode: 'strict'},
  );
  t.deepEqual(diagnostics, []);
  t.deepEqual(model.groups[0]?.resources.map(({type, args}) => [type, ...args]).slice(1), [
    ['apache', '/etc/x.conf'],
    ['ocf:heartbeat:IPaddr'],
  ]);
});

const ha = (line: string) =>
  parseHaCf({path: 'ha.cf', text: `bcast eth1\nnode a b\nauto_failback on\n${line}\n`}, {mode: 'lenient'});

test('hactl_resource: every setting is read', (t) => {
  const {model, diagnostics} = ha(
    'hactl_resource apache start-timeout=90 stop-timeout=500ms status-timeout=5 monitor=2 restarts=2/60 holdoff=0 warm\n' +
      'hactl_resource * monitor=off cold',
  );
  t.deepEqual(diagnostics, []);
  t.deepEqual(model.hactl.resources, [
    {
      match: 'apache',
      startTimeout: 90_000,
      stopTimeout: 500,
      statusTimeout: 5_000,
      monitor: 2_000,
      restarts: {count: 2, within: 60_000},
      holdOff: 0,
      warm: true,
    },
    {match: '*', monitor: 0, warm: false},
  ]);
});

for (const [words, text] of [
  ['apache', 'hactl_resource needs more words'],
  ['apache monitor=1ms', 'monitor must be at least 100ms'],
  ['apache monitor=often', '"often" is not a time'],
  ['apache restarts=3', '"3" is not a number of restarts and a time window, such as 3/600'],
  ['apache lukewarm', '"lukewarm" is not a setting of a resource'],
] as const)
  test(`hactl_resource ${words} is refused`, (t) => {
    t.deepEqual(
      ha(`hactl_resource ${words}`).diagnostics.map(({severity, message}) => [severity, message]),
      [['error', text]],
    );
  });
