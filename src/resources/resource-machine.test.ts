/** A resource's life, event by event. */
import test from 'ava';
import fc from 'fast-check';
import {
  initialResource,
  nextDue,
  step,
  type Operation,
  type Outcome,
  type ResourceEffect,
  type ResourceSettings,
} from './resource-machine.ts';
import {holdOffAfter, settingsOf} from './resource-settings.ts';

const settings: ResourceSettings = {
  startTimeout: 60,
  stopTimeout: 50,
  stopPause: 1_000,
  statusTimeout: 20,
  monitor: 100,
  restarts: {count: 2, within: 10_000},
  exact: true,
};
const ok: Outcome = {ok: true};
const no = (reason = 'stopped'): Outcome => ({ok: false, running: false, reason});

/** A resource and a clock; each call returns what is to be done, in short. */
function life(more: Partial<ResourceSettings> = {}, inherited = false) {
  const own = {...settings, ...more};
  let now = 0;
  let state = initialResource(now, inherited);
  const short = (effect: ResourceEffect): string => {
    if (effect.type === 'run') return `${effect.operation}/${effect.limit}`;
    if (effect.type === 'settled')
      return `${effect.request} ${effect.ok ? 'ok' : `failed: ${effect.reason}`}`;
    return effect.type === 'log' ? effect.level : `lost: ${effect.reason}`;
  };
  const feed = (event: Parameters<typeof step>[2]): string[] => {
    const [next, effects] = step(own, state, event, now);
    state = next;
    return effects.map(short);
  };
  return {
    start: () => feed({type: 'start'}),
    stop: () => feed({type: 'stop'}),
    done: (operation: Operation, outcome: Outcome) => feed({type: 'done', operation, outcome}),
    /** On to the next deadline. */
    due: () => {
      now = nextDue(state);
      return feed({type: 'tick'});
    },
    get state() {
      return state;
    },
  };
}

const running = (more: Partial<ResourceSettings> = {}) => {
  const one = life(more);
  one.start();
  one.done('status', no());
  one.done('start', ok);
  return one;
};

test('status, then start, then the status again and again', (t) => {
  const one = life();
  t.deepEqual(one.start(), ['status/20']);
  t.deepEqual(one.done('status', no()), ['start/60']);
  t.deepEqual(one.done('start', ok), ['start ok']);
  t.is(nextDue(one.state), 100);
  t.deepEqual(one.due(), ['status/20']);
  t.deepEqual(one.done('status', ok), []);
  t.is(nextDue(one.state), 200);
  t.deepEqual(one.stop(), ['stop/50']);
  t.deepEqual(one.done('stop', ok), ['stop ok']);
  t.is(one.state.phase, 'stopped');
  t.deepEqual(one.stop(), ['stop ok']);
});

test('what runs already is not started', (t) => {
  const one = life();
  one.start();
  t.deepEqual(one.done('status', ok), ['start ok']);
  t.is(one.state.phase, 'running');
});

test('a failed start is answered at once, and what it left is stopped', (t) => {
  const one = life();
  one.start();
  one.done('status', no());
  t.deepEqual(one.done('start', no('exit status 1')), ['start failed: exit status 1']);
  t.is(one.state.phase, 'failed');
  t.deepEqual(one.stop(), ['stop/50']);
});

test('one that ends is started again, as often as is allowed, then it is lost', (t) => {
  const one = running();
  for (const _ of [1, 2]) {
    one.due();
    t.deepEqual(one.done('status', no()), ['warn', 'stop/50']);
    t.deepEqual(one.done('stop', ok), ['start/60']);
    t.deepEqual(one.done('start', ok), ['start ok']);
  }
  one.due();
  t.deepEqual(one.done('status', no())[0], 'lost: stopped; started again 2 times, which is the limit');
  t.is(one.state.phase, 'failed');
});

test('restarts of long ago do not count', (t) => {
  const one = running({restarts: {count: 1, within: 150}});
  for (const _ of [1, 2, 3]) {
    one.due();
    t.is(one.done('status', no())[0], 'warn');
    one.done('stop', ok);
    one.done('start', ok);
    one.due();
    one.done('status', ok);
  }
  t.is(one.state.phase, 'running');
});

test('a restart whose start fails is a failure like the others', (t) => {
  const one = running();
  one.due();
  one.done('status', no());
  one.done('stop', ok);
  t.deepEqual(one.done('start', no('no port')), ['warn', 'stop/50']);
  one.done('stop', ok);
  t.deepEqual(
    one.done('start', no('no port'))[0],
    'lost: start: no port; started again 2 times, which is the limit',
  );
});

test('a restart that cannot stop it is the end', (t) => {
  const one = running();
  one.due();
  one.done('status', no());
  t.deepEqual(one.done('stop', no('busy'))[0], 'lost: cannot be stopped to start it again: busy');
});

test('a script that never says "running" is not watched', (t) => {
  const one = running({exact: false});
  one.due();
  t.deepEqual(one.done('status', no('unknown option status')), ['warn']);
  one.due();
  t.deepEqual(one.done('status', no('unknown option status')), [], 'said once');
  t.is(one.state.phase, 'running');
});

test('a script that takes its time to say "running" is watched from then on', (t) => {
  const one = running({exact: false});
  one.due();
  t.deepEqual(one.done('status', no('starting up')), ['warn']);
  one.due();
  t.deepEqual(one.done('status', ok), []);
  one.due();
  t.deepEqual(one.done('status', no()), ['warn', 'stop/50']);
});

test('what has said "running" once and ends right after a restart, before it was asked again, is missed', (t) => {
  const one = running({exact: false});
  one.due();
  one.done('status', ok);
  one.due();
  one.done('status', no());
  one.done('stop', ok);
  t.deepEqual(one.done('start', ok), ['start ok']);
  one.due();
  t.deepEqual(one.done('status', no()), ['warn', 'stop/50']);
});

test('a script that has said "running" once is believed from then on', (t) => {
  const one = running({exact: false});
  one.due();
  one.done('status', ok);
  one.due();
  t.deepEqual(one.done('status', no()), ['warn', 'stop/50']);
});

test('a stop is tried ten times, a second apart', (t) => {
  const one = running();
  one.stop();
  for (let tried = 1; tried < 10; tried += 1) {
    t.deepEqual(one.done('stop', no('busy')), ['warn']);
    t.deepEqual(one.due(), ['stop/50']);
  }
  t.deepEqual(one.done('stop', no('busy')), ['stop failed: busy']);
  t.is(one.state.phase, 'failed');
});

test('a stop during a start waits for it', (t) => {
  const one = life();
  one.start();
  one.done('status', no());
  t.deepEqual(one.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(one.done('start', ok), ['stop/50']);
  t.deepEqual(one.done('stop', ok), ['stop ok']);
});

test('a stop during a status, a restart or a probe', (t) => {
  const one = running();
  one.due();
  t.deepEqual(one.stop(), []);
  t.deepEqual(one.done('status', ok), ['stop/50']);
  const other = running();
  other.due();
  other.done('status', no());
  t.deepEqual(other.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(other.done('stop', ok), ['stop ok']);
  const third = life();
  third.start();
  t.deepEqual(third.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(third.done('status', no()), ['stop ok']);
});

test('what an earlier process of ours started is stopped; what somebody else started is not', (t) => {
  const ours = life({}, true);
  t.deepEqual(ours.stop(), ['status/20']);
  t.deepEqual(ours.done('status', ok), ['stop/50']);
  const theirs = life();
  theirs.stop();
  t.deepEqual(theirs.done('status', ok), ['error', 'stop ok']);
});

test('a start during a stop follows it', (t) => {
  const one = running();
  one.stop();
  t.deepEqual(one.start(), []);
  t.deepEqual(one.done('stop', ok), ['stop ok', 'status/20']);
});

test('whatever happens: one operation at a time, and every request is answered in the end', (t) => {
  const happening = fc.constantFrom('start', 'stop', 'ok', 'no', 'due');
  fc.assert(
    fc.property(fc.array(happening, {maxLength: 60}), fc.boolean(), (happenings, exact) => {
      const one = life({exact});
      let asked: 'start' | 'stop' | undefined;
      const see = (effects: readonly string[]): void => {
        t.true(effects.filter((effect) => effect.includes('/')).length <= 1, effects.join());
        if (asked !== undefined && effects.some((effect) => effect.startsWith(`${asked} `)))
          asked = undefined;
      };
      const busy = () => one.state.busy;
      const happen = (what: string): void => {
        const running = busy();
        if (what === 'start' || what === 'stop') {
          asked = what;
          const effects = what === 'start' ? one.start() : one.stop();
          if (running !== undefined)
            t.false(
              effects.some((effect) => effect.includes('/')),
              'a second operation',
            );
          see(effects);
        } else if (what === 'due') {
          if (nextDue(one.state) < Infinity) see(one.due());
        } else if (running !== undefined) see(one.done(running, what === 'ok' ? ok : no()));
      };
      for (const what of happenings) happen(what);
      // From here on everything works.
      for (let turn = 0; turn < 20 && asked !== undefined; turn += 1)
        happen(busy() === undefined ? 'due' : 'ok');
      t.is(asked, undefined);
    }),
    {numRuns: 2_000},
  );
});

test('hactl_resource: all, then the type, then the name, the later line first', (t) => {
  const span = {file: 'haresources', start: 0, end: 0};
  const apache = {span, type: 'apache', args: ['/etc/a.conf']};
  const rules = [
    {match: '*', monitor: 1_000, warm: true},
    {match: 'apache', monitor: 2_000},
    {match: 'apache::/etc/b.conf', monitor: 3_000},
  ];
  t.like(settingsOf(apache, rules), {monitor: 2_000, warm: true, startTimeout: 60_000, exact: false});
  t.like(settingsOf({...apache, args: ['/etc/b.conf']}, rules), {monitor: 3_000});
  t.like(settingsOf({span, type: 'ocf:heartbeat:Dummy', args: []}, []), {exact: true, monitor: 10_000});
  t.like(settingsOf({span, type: 'MailTo', args: ['a@b']}, rules), {monitor: 0});
});

test('the hold-off doubles up to an hour', (t) => {
  t.deepEqual(
    [1, 2, 3, 7, 99].map((failures) => holdOffAfter(60_000, failures)),
    [60_000, 120_000, 240_000, 3_600_000, 3_600_000],
  );
  t.is(holdOffAfter(7_200_000, 3), 7_200_000);
});
