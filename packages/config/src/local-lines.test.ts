import test from 'ava';
import {withLocalLines} from './local-lines.ts';

const table: readonly (readonly [string, string, string, string])[] = [
  [
    'the receiver keeps its own ucast line, below udpport',
    'udpport 700\nucast eth1 10.1.1.2\nkeepalive 2\nnode a b\n',
    'ucast eth1 10.1.1.1\nkeepalive 1\nnode a b\n',
    'udpport 700\nucast eth1 10.1.1.1\nkeepalive 2\nnode a b\n',
  ],
  ['no local line on either side', 'bcast eth1\nnode a b\n', 'bcast eth0\n', 'bcast eth1\nnode a b\n'],
  [
    'only the receiver has local lines',
    'keepalive 2\n',
    'ping 10.1.1.9\n\tucast e 10.1.1.1\n',
    'keepalive 2\nping 10.1.1.9\n\tucast e 10.1.1.1\n',
  ],
  ['only the sender has local lines', 'ping 10.1.1.9\nbcast eth1\n', 'bcast eth1\n', 'bcast eth1\n'],
  ['a comment is not a directive', '#ucast eth1 10.1.1.2\n', '# ping x\n', '#ucast eth1 10.1.1.2\n'],
  ['a last line without line break', 'keepalive 2', 'ping 10.1.1.9', 'keepalive 2\nping 10.1.1.9'],
];
for (const [name, sent, own, expected] of table)
  test(`ha.cf from the peer: ${name}`, (t) => {
    t.is(withLocalLines(sent, own), expected);
    // Merging again changes nothing.
    t.is(withLocalLines(sent, expected), expected);
  });
