/** Slow start, weights from checks, overrides and the quorum, as tables. */
import type {CheckReport, CheckState, WantedWeight} from '@hactl/checks';
import {parseHaCf, parseLdirectordCf, type VerdictSettings} from '@hactl/config';
import test from 'ava';
import {desiredTable} from './desired.ts';
import {checkId} from './services.ts';
import {viewsOf} from './views.ts';
import {belowQuorum, weightsNow, type Warmth} from './weights.ts';

const read = (more: string) => {
  const {model} = parseLdirectordCf(
    {
      path: 'x.cf',
      text: `virtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate 20\n\treal=10.0.0.2:80 gate 10\n\treal=10.0.0.3:80 gate 10\n${more}`,
    },
    {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
  );
  const [virtual] = model.virtuals;
  if (!virtual) throw new Error('no virtual');
  return {model, virtual, ids: virtual.reals.map((real) => checkId(virtual, real))};
};
const {model, virtual, ids} = read('\tfallback=127.0.0.1:80\n');
const [first = '', second = ''] = ids;

const settings = (more: Partial<VerdictSettings>): VerdictSettings => ({
  rise: 1,
  slowStart: 0,
  dynamicWeight: false,
  certDays: 14,
  ...more,
});
const reports = (states: readonly CheckState[], weight?: WantedWeight): Map<string, CheckReport> =>
  new Map(
    states.map((state, at) => {
      const id = ids[at] ?? '';
      const wish = at === 0 && weight ? {weight} : {};
      return [id, {id, state, failures: 0, checks: 1, reason: '', took: 1, at: 0, ...wish}];
    }),
  );
const weigh = (
  of: VerdictSettings | undefined,
  states: readonly CheckState[],
  more: {ordered?: Map<string, number>; weight?: WantedWeight; warmth?: Warmth; now?: number} = {},
) =>
  weightsNow({
    virtuals: [virtual],
    reports: reports(states, more.weight),
    ordered: more.ordered ?? new Map(),
    settings: of,
    warmth: more.warmth ?? new Map(),
    now: more.now ?? 0,
  });

test('without settings only overrides count', (t) => {
  t.deepEqual([...weigh(undefined, ['up'], {ordered: new Map([[first, 3]])}).weights], [[first, 3]]);
});

test('a weight from a check: a number or a share, and an override replaces it', (t) => {
  const on = settings({dynamicWeight: true});
  t.deepEqual([...weigh(on, ['up'], {weight: {value: 7, percent: false}}).weights], [[first, 7]]);
  t.deepEqual([...weigh(on, ['up'], {weight: {value: 50, percent: true}}).weights], [[first, 10]]);
  t.deepEqual([...weigh(settings({}), ['up'], {weight: {value: 50, percent: true}}).weights], []);
  const ordered = new Map([[first, 0]]);
  t.deepEqual([...weigh(on, ['up'], {ordered, weight: {value: 50, percent: true}}).weights], [[first, 0]]);
});

test('slow start: a returning real server gains weight in tenths until its time is over', (t) => {
  const slow = settings({slowStart: 10_000});
  let warmth: Warmth = new Map();
  const at = (now: number, ...states: CheckState[]): [number | undefined, number | undefined] => {
    const step = weigh(slow, states, {warmth, now});
    ({warmth} = step);
    return [step.weights.get(first), step.nextAt];
  };
  t.deepEqual(at(0, 'unknown', 'up'), [undefined, undefined]);
  t.deepEqual(at(1, 'up', 'up'), [undefined, undefined], 'the first start is at full weight');
  t.deepEqual(at(2, 'down', 'up'), [undefined, undefined]);
  t.deepEqual(at(1_000, 'up', 'up'), [2, 2_000]);
  t.deepEqual(at(1_999, 'up', 'up'), [2, 2_000]);
  t.deepEqual(at(2_000, 'up', 'up'), [4, 3_000]);
  t.deepEqual(at(10_900, 'up', 'up'), [20, 11_000]);
  t.deepEqual(at(11_000, 'up', 'up'), [undefined, undefined]);
  t.deepEqual(at(11_001, 'down', 'up'), [undefined, undefined]);
  t.deepEqual(at(12_000, 'up', 'up'), [2, 13_000]);
});

test('slow start after a drain too; a weight of 1 cannot grow', (t) => {
  const slow = settings({slowStart: 10_000});
  const drained = weigh(slow, ['up', 'up'], {ordered: new Map([[first, 0]]), now: 0});
  const back = weigh(slow, ['up', 'up'], {warmth: drained.warmth, now: 5});
  t.is(back.weights.get(first), 2);
  t.is(back.weights.get(second), undefined);
  const weights = weigh(slow, ['up', 'up'], {ordered: new Map([[first, 1]]), warmth: drained.warmth, now: 5});
  t.is(weights.weights.get(first), 1);
});

const quorum = test.macro({
  exec(t, of: NonNullable<VerdictSettings['quorum']>, serving: number, expected: boolean) {
    t.is(belowQuorum(virtual, serving, of), expected);
  },
  title: (title) => title ?? '',
});
test('two of three, and two serve', quorum, {count: 2, percent: false}, 2, false);
test('two of three, and one serves', quorum, {count: 2, percent: false}, 1, true);
test('half of three is two', quorum, {count: 50, percent: true}, 1, true);
test('a quorum above the number of servers means all of them', quorum, {count: 9, percent: false}, 3, false);

test('without a fallback there is no quorum: a few servers are better than none', (t) => {
  t.false(belowQuorum(read('').virtual, 1, {count: 3, percent: false}));
});

test('below the quorum the fallback serves alone and the command runs; at it, the real servers serve', (t) => {
  const of = {count: 2, percent: false};
  const look = (...states: CheckState[]) => {
    const known = reports(states);
    const verdicts = new Map([...known].map(([id, {state}]) => [id, state]));
    const [table] = desiredTable({
      virtuals: [virtual],
      verdicts,
      current: [],
      readdQuiescent: false,
      quorum: of,
    });
    return {
      weights: Object.fromEntries((table?.destinations ?? []).map(({address, weight}) => [address, weight])),
      inFallback: viewsOf([model], known, {quorum: of})[0]?.inFallback,
    };
  };
  t.deepEqual(look('up', 'down', 'down'), {weights: {'10.0.0.1': 0, '127.0.0.1': 1}, inFallback: true});
  t.deepEqual(look('up', 'up', 'down'), {weights: {'10.0.0.1': 20, '10.0.0.2': 10}, inFallback: false});
});

const bad = test.macro({
  exec(t, line: string, expected: RegExp) {
    const {diagnostics} = parseHaCf(
      {path: 'ha.cf', text: `bcast eth1\nnode a b\nauto_failback on\n${line}\n`},
      {mode: 'lenient'},
    );
    t.regex(
      diagnostics
        .filter((diagnostic) => diagnostic.severity === 'error')
        .map((diagnostic) => diagnostic.message)
        .join(),
      expected,
    );
  },
  title: (_, line: string) => `refused: ${line}`,
});
for (const [line, expected] of [
  ['hactl_rise 0', /not a count/],
  ['hactl_flap_damping 3 1', /more words/],
  ['hactl_flap_damping 1 0.5 60', /not a penalty/],
  ['hactl_flap_damping 3 3 60', /between 0 and/],
  ['hactl_flap_damping 3 1 long', /half-life/],
  ['hactl_quorum 0', /not a quorum/],
  ['hactl_quorum 101%', /not a quorum/],
  ['hactl_slow_start soon', /not a time/],
  ['hactl_webhook ftp://x', /not an address of a webhook/],
  ['hactl_webhook http://x/ key=1', /not understood/],
  ['hactl_alert_command tell', /absolute path/],
  ['hactl_dynamic_weight maybe', /neither on nor off/],
] as const)
  test(bad, line, expected);

test('ha.cf: the settings are parsed', (t) => {
  const {model: ha} = parseHaCf(
    {
      path: 'ha.cf',
      text: `hactl_rise 3
hactl_flap_damping 3 1 60s
hactl_slow_start 30s
hactl_quorum 50%
hactl_dynamic_weight on
hactl_admin_group lvsadmin
hactl_read_group lvsread
hactl_check_user hactl-check
hactl_script_user monitor
hactl_webhook https://example.org/hook token=geheim
hactl_webhook http://10.0.0.9:8080/x
hactl_alert_command /usr/local/bin/tell -v
hactl_alert_gap 60s
`,
    },
    {mode: 'lenient'},
  );
  const {verdicts, alerts, adminGroup, readGroup, checkUser, scriptUser} = ha.hactl;
  t.deepEqual(verdicts, {
    rise: 3,
    damping: {suppress: 3, reuse: 1, halfLife: 60_000},
    slowStart: 30_000,
    quorum: {count: 50, percent: true},
    dynamicWeight: true,
    certDays: 14,
  });
  t.deepEqual(alerts, {
    webhooks: [{url: 'https://example.org/hook', token: 'geheim'}, {url: 'http://10.0.0.9:8080/x'}],
    commands: [['/usr/local/bin/tell', '-v']],
    gap: 60_000,
  });
  t.deepEqual([adminGroup, readGroup], ['lvsadmin', 'lvsread']);
  t.deepEqual([checkUser, scriptUser], ['hactl-check', 'monitor']);
});
