import test from 'ava';
import {withLocalLines} from './local-lines.ts';

const table: readonly (readonly [string, string, string, string])[] = [
  [
    'each keeps its own address of the other, below udpport',
    'udpport 700\nucast eth1 10.1.1.2\nkeepalive 2\nnode a b\n',
    'ucast eth1 10.1.1.1\nkeepalive 1\nnode a b\n',
    'udpport 700\nucast eth1 10.1.1.1\nkeepalive 2\nnode a b\n',
  ],
  ['none on either side', 'bcast eth1\nnode a b\n', 'bcast eth0\n', 'bcast eth1\nnode a b\n'],
  [
    'the receiver alone has some',
    'keepalive 2\n',
    'ping 10.1.1.9\n\tucast e 10.1.1.1\n',
    'keepalive 2\nping 10.1.1.9\n\tucast e 10.1.1.1\n',
  ],
  ['the sender alone has some', 'ping 10.1.1.9\nbcast eth1\n', 'bcast eth1\n', 'bcast eth1\n'],
  ['a comment is not a directive', '#ucast eth1 10.1.1.2\n', '# ping x\n', '#ucast eth1 10.1.1.2\n'],
  ['no end of the last line', 'keepalive 2', 'ping 10.1.1.9', 'keepalive 2\nping 10.1.1.9'],
];
for (const [name, sent, own, expected] of table)
  test(`ha.cf from the peer: ${name}`, (t) => {
    t.is(withLocalLines(sent, own), expected);
    // What is sent a second time changes nothing.
    t.is(withLocalLines(sent, expected), expected);
  });
