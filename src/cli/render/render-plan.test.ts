import test from 'ava';
import {renderPlan} from './render-plan.ts';

const rows = [
  {
    kind: 'interval' as const,
    file: '/etc/ha.d/ha.cf',
    what: 'keepalive',
    from: '1s',
    to: '500ms',
    effect: 'live',
  },
  {
    kind: 'real' as const,
    file: '/etc/ha.d/web.cf',
    what: 'tcp 10.0.0.1:80 real 10.0.0.2:80',
    from: 'masq weight 1',
    effect: 'ENDS 3 CONNECTIONS',
  },
  {
    kind: 'service' as const,
    file: '/etc/ha.d/web.cf',
    what: 'virtual tcp 10.0.0.1:81',
    to: 'on',
    effect: 'live',
  },
];

test('a plan is a table, with a block for each file', (t) => {
  t.deepEqual(renderPlan(rows, 100), [
    'ha.cf:',
    '  ~  keepalive  1s -> 500ms  live',
    'web.cf:',
    '  -  tcp 10.0.0.1:80 real 10.0.0.2:80  masq weight 1  ENDS 3 CONNECTIONS',
    '  +  virtual tcp 10.0.0.1:81                          live',
  ]);
});

test('a narrow screen truncates nothing', (t) => {
  const lines = renderPlan(rows, 60);
  t.deepEqual(lines, [
    'ha.cf:',
    '  ~  keepalive  1s -> 500ms  live',
    'web.cf:',
    '  - tcp 10.0.0.1:80 real 10.0.0.2:80',
    '      masq weight 1; ENDS 3 CONNECTIONS',
    '  + virtual tcp 10.0.0.1:81',
    '      live',
  ]);
});
