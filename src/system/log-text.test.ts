/** Foreign text in log messages can neither start a line nor control a terminal. */
import test from 'ava';
import {logText} from './log.ts';

for (const [title, text, expected] of [
  ['a sentence', 'real 10.0.0.1 is down: refused', 'real 10.0.0.1 is down: refused'],
  [
    'a line that looks like a message',
    'resource Thing failed: x\n2026-11-29T00:00:00Z ERROR all is lost\n',
    'resource Thing failed: x\n  2026-11-29T00:00:00Z ERROR all is lost',
  ],
  ['a priority of the journal', 'failed: x\n<0>panic', 'failed: x\n  <0>panic'],
  ['a carriage return and an escape', 'x\r\u001b[2Jy', 'x␍␛[2Jy'],
  ['C1 and a direction', 'x\u009d0;title\u0007\u202ey', 'x<U+009D>0;title␇<RLO>y'],
  ['a diagnostic keeps its form', 'ha.cf:1:1: error\n  |\n1 | x', 'ha.cf:1:1: error\n  |\n  1 | x'],
] as const)
  test(`${title}: ${JSON.stringify(text)}`, (t) => {
    t.is(logText(text), expected);
  });
