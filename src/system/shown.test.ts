import test from 'ava';
import {shownCommand, shownUrl, withoutArguments} from './shown.ts';

test('a command is named by its program, an interpreter by its script too', (t) => {
  for (const [line, shown] of [
    ['/usr/bin/mail', '/usr/bin/mail'],
    ['/usr/sbin/fence_ipmilan -p secret', '/usr/sbin/fence_ipmilan …'],
    ['/bin/sh /opt/x.sh secret', '/bin/sh /opt/x.sh …'],
    ['/bin/sh -c "echo secret"', '/bin/sh …'],
    ['python3 /opt/x.py', 'python3 /opt/x.py'],
  ] as const)
    t.is(shownCommand(line), shown);
});

test('of a URL the host is shown', (t) => {
  t.is(shownUrl('https://user:pass@hooks.example.org/T0/secret?token=1'), 'https://hooks.example.org');
  t.is(shownUrl('no url'), '…');
});

test('a command that repeats its arguments does not show them', (t) => {
  const words = ['/sbin/fence', '-p', 'hunter22', 'passwd=IPMISECRET', '-pGEHEIM', '/etc/fence.conf', 'x'];
  t.is(
    withoutArguments('bad: hunter22 in passwd=IPMISECRET (IPMISECRET), GEHEIM, /etc/fence.conf x', words),
    'bad: … in … (…), …, /etc/fence.conf x',
  );
});
