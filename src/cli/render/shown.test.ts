/** Texts from operators, the peer or real servers: no renderer sends control characters to a terminal. */
import test from 'ava';
import {eventLine} from './render-events.ts';
import {findingLines} from './render-findings.ts';
import {renderPlan} from './render-plan.ts';
import {orderLines, plain, renderStatus} from './render-status.ts';
import {renderWatch, sampleOf} from './render-watch.ts';
import {jsonText, shownLine, shownText} from './shown.ts';
import type {StatusSnapshot} from '../../control/protocol.ts';
import {resourceLines} from '../commands/resource.ts';
import {dateTime} from './when.ts';

/** C0, a line end, DEL, C1 (CSI, OSC, NEL, DCS), a mark of direction. */
const hostile = 'a\x1B[2J\x07\x00b\nc\x7F\x9B2J\x9D\x85\x90\u202Ed';
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const obeyed = /[\0-\x09\x0B-\x1F\x7F-\x9F\u200E\u200F\u202A-\u202E\u2066-\u2069]/;

const order = {
  kind: 'drain',
  target: hostile,
  reals: [hostile],
  who: hostile,
  when: 9e15,
  reason: hostile,
} as const;
const event = {
  v: 1, seq: 1, wall: 0, mono: 0, node: hostile, kind: 'check', level: 'warn', subject: hostile, text: hostile,
} as const; // prettier-ignore
const status: StatusSnapshot = {
  version: 1,
  node: hostile,
  daemonVersion: hostile,
  wall: 0,
  uptime: 0,
  configDir: hostile,
  configLoaded: 0,
  configNotices: 0,
  configProblem: hostile,
  configDigest: '',
  ready: {ready: false, reason: hostile},
  processes: [{name: 'checks', state: 'running', restarts: 1, lastExit: hostile}],
  ipvs: {available: false, problem: hostile},
  virtuals: [
    {
      name: 'tcp 10.0.0.1:80', scheduler: 'rr', inKernel: true, connections: '0',
      reals: [{
        name: hostile, method: 'masq', configuredWeight: 1, activeConnections: 0, inactiveConnections: 0, check: 'down',
        reason: hostile,
      }],
    },
  ],
  sync: {daemons: [], problem: hostile},
  orders: [order],
  transitions: [{wall: 9e15, vrid: 1, group: hostile, from: 'Backup', to: 'Active', reason: hostile} as never],
  problems: [hostile],
}; // prettier-ignore

for (const [name, lines] of [
  ['status', () => renderStatus(status, 300, plain).split('\n')],
  [
    'watch',
    () => renderWatch({look: {status, events: [event]}, samples: [sampleOf(status)], problem: hostile}, 300),
  ],
  ['watch without an answer', () => renderWatch({samples: [], problem: hostile}, 300)],
  ['events', () => [eventLine(event, plain)]],
  ['maintenance list', () => orderLines([order])],
  ['plan', () => renderPlan([{kind: 'setting', file: hostile, what: hostile, from: hostile, to: hostile, effect: hostile}], 300)], // prettier-ignore
  ['doctor', () => findingLines([{level: 'bad', subject: hostile, text: hostile, help: hostile}], plain)],
  ['resource', () => resourceLines([{group: hostile, name: hostile, kind: 'script', active: true, warm: false, state: 'failed', reason: hostile}])], // prettier-ignore
] as const)
  test(`${name}: control characters are shown, not interpreted`, (t) => {
    const text = lines();
    t.true(text.length > 0);
    for (const line of text) {
      t.notRegex(line, obeyed);
      t.false(line.includes('\n'), 'a text cannot start a new line');
    }
    t.true(text.join('\n').includes('␛[2J'));
  });

test('a text of several lines keeps its lines and tabs, and nothing else', (t) => {
  t.is(shownText('a\tb\n\x1Bc\r\n'), 'a\tb\n␛c␍\n');
  t.is(shownLine('a\tb\n\x1Bc'), 'a b / ␛c');
});

test('JSON has the same values, and nothing that a terminal interprets', (t) => {
  const value = {text: hostile, plain: 'é ✓', list: [hostile]};
  t.notRegex(jsonText(value), obeyed);
  t.deepEqual(JSON.parse(jsonText(value, 2)), value);
  t.true(jsonText(value).includes('é ✓'));
});

test('an invalid time is shown as a number', (t) => {
  t.is(dateTime(9e15), 'time 9000000000000000');
  t.is(dateTime(Number.NaN), 'time NaN');
  t.is(dateTime(0), '1970-01-01 00:00:00.000');
});
