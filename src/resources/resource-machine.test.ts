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

/** A resource and a clock; each call returns the effects in short form. */
function life(more: Partial<ResourceSettings> = {}, inherited = false) {
  const merged = {...settings, ...more};
  let now = 0;
  let state = initialResource(now, inherited);
  const short = (effect: ResourceEffect): string => {
    if (effect.type === 'run') return `${effect.operation}/${effect.limit}`;
    if (effect.type === 'settled')
      return `${effect.request} ${effect.ok ? 'ok' : `failed: ${effect.reason}`}`;
    return effect.type === 'log' ? effect.level : `lost: ${effect.reason}`;
  };
  const feed = (event: Parameters<typeof step>[2]): string[] => {
    const [next, effects] = step(merged, state, event, now);
    state = next;
    return effects.map(short);
  };
  return {
    start: () => feed({type: 'start'}),
    stop: () => feed({type: 'stop'}),
    done: (operation: Operation, outcome: Outcome) => feed({type: 'done', operation, outcome}),
    /** Advances to the next deadline. */
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
  const resource = life(more);
  resource.start();
  resource.done('status', no());
  resource.done('start', ok);
  return resource;
};

test('status, then start, then periodic status', (t) => {
  const resource = life();
  t.deepEqual(resource.start(), ['status/20']);
  t.deepEqual(resource.done('status', no()), ['start/60']);
  t.deepEqual(resource.done('start', ok), ['start ok']);
  t.is(nextDue(resource.state), 100);
  t.deepEqual(resource.due(), ['status/20']);
  t.deepEqual(resource.done('status', ok), []);
  t.is(nextDue(resource.state), 200);
  t.deepEqual(resource.stop(), ['stop/50']);
  t.deepEqual(resource.done('stop', ok), ['stop ok']);
  t.is(resource.state.phase, 'stopped');
  t.deepEqual(resource.stop(), ['stop ok']);
});

test('a running resource is not started', (t) => {
  const resource = life();
  resource.start();
  t.deepEqual(resource.done('status', ok), ['start ok']);
  t.is(resource.state.phase, 'running');
});

test('a failed start is answered at once, and its leftovers are stopped', (t) => {
  const resource = life();
  resource.start();
  resource.done('status', no());
  t.deepEqual(resource.done('start', no('exit status 1')), ['start failed: exit status 1']);
  t.is(resource.state.phase, 'failed');
  t.deepEqual(resource.stop(), ['stop/50']);
});

test('a resource that ends is restarted up to the limit, then reported as lost', (t) => {
  const resource = running();
  for (const _ of [1, 2]) {
    resource.due();
    t.deepEqual(resource.done('status', no()), ['warn', 'stop/50']);
    t.deepEqual(resource.done('stop', ok), ['start/60']);
    t.deepEqual(resource.done('start', ok), ['start ok']);
  }
  resource.due();
  t.deepEqual(resource.done('status', no())[0], 'lost: stopped; restarted 2 times, which is the limit');
  t.is(resource.state.phase, 'failed');
});

test('restarts outside the window do not count', (t) => {
  const resource = running({restarts: {count: 1, within: 150}});
  for (const _ of [1, 2, 3]) {
    resource.due();
    t.is(resource.done('status', no())[0], 'warn');
    resource.done('stop', ok);
    resource.done('start', ok);
    resource.due();
    resource.done('status', ok);
  }
  t.is(resource.state.phase, 'running');
});

test('a failed start during a restart counts like other failures', (t) => {
  const resource = running();
  resource.due();
  resource.done('status', no());
  resource.done('stop', ok);
  t.deepEqual(resource.done('start', no('no port')), ['warn', 'stop/50']);
  resource.done('stop', ok);
  t.deepEqual(
    resource.done('start', no('no port'))[0],
    'lost: start: no port; restarted 2 times, which is the limit',
  );
});

test('a restart that cannot stop it reports it as lost', (t) => {
  const resource = running();
  resource.due();
  resource.done('status', no());
  t.deepEqual(resource.done('stop', no('busy'))[0], 'lost: cannot be stopped for the restart: busy');
});

test('a script that never says "running" is not watched', (t) => {
  const resource = running({exact: false});
  resource.due();
  t.deepEqual(resource.done('status', no('unknown option status')), ['warn']);
  resource.due();
  t.deepEqual(resource.done('status', no('unknown option status')), [], 'logged once');
  t.is(resource.state.phase, 'running');
});

test('a script that is slow to report "running" is watched from then on', (t) => {
  const resource = running({exact: false});
  resource.due();
  t.deepEqual(resource.done('status', no('starting up')), ['warn']);
  resource.due();
  t.deepEqual(resource.done('status', ok), []);
  resource.due();
  t.deepEqual(resource.done('status', no()), ['warn', 'stop/50']);
});

test('a resource once "running" that ends right after a restart, before its next status, is detected', (t) => {
  const resource = running({exact: false});
  resource.due();
  resource.done('status', ok);
  resource.due();
  resource.done('status', no());
  resource.done('stop', ok);
  t.deepEqual(resource.done('start', ok), ['start ok']);
  resource.due();
  t.deepEqual(resource.done('status', no()), ['warn', 'stop/50']);
});

test('a script that reported "running" once is trusted from then on', (t) => {
  const resource = running({exact: false});
  resource.due();
  resource.done('status', ok);
  resource.due();
  t.deepEqual(resource.done('status', no()), ['warn', 'stop/50']);
});

test('a stop is retried ten times, a second apart', (t) => {
  const resource = running();
  resource.stop();
  for (let tried = 1; tried < 10; tried += 1) {
    t.deepEqual(resource.done('stop', no('busy')), ['warn']);
    t.deepEqual(resource.due(), ['stop/50']);
  }
  t.deepEqual(resource.done('stop', no('busy')), ['stop failed: busy']);
  t.is(resource.state.phase, 'failed');
});

test('a stop during a start waits for it', (t) => {
  const resource = life();
  resource.start();
  resource.done('status', no());
  t.deepEqual(resource.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(resource.done('start', ok), ['stop/50']);
  t.deepEqual(resource.done('stop', ok), ['stop ok']);
});

test('a stop during a status, a restart or a probe follows it', (t) => {
  const resource = running();
  resource.due();
  t.deepEqual(resource.stop(), []);
  t.deepEqual(resource.done('status', ok), ['stop/50']);
  const restarted = running();
  restarted.due();
  restarted.done('status', no());
  t.deepEqual(restarted.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(restarted.done('stop', ok), ['stop ok']);
  const third = life();
  third.start();
  t.deepEqual(third.stop(), ['start failed: a stop came before it was done']);
  t.deepEqual(third.done('status', no()), ['stop ok']);
});

test('a resource started by an earlier hactld is stopped; one started by others is not', (t) => {
  const ours = life({}, true);
  t.deepEqual(ours.stop(), ['status/20']);
  t.deepEqual(ours.done('status', ok), ['stop/50']);
  const theirs = life();
  theirs.stop();
  t.deepEqual(theirs.done('status', ok), ['error', 'stop ok']);
});

test('a start during a stop follows it', (t) => {
  const resource = running();
  resource.stop();
  t.deepEqual(resource.start(), []);
  t.deepEqual(resource.done('stop', ok), ['stop ok', 'status/20']);
});

test('random events: one operation at a time, and every request is answered in the end', (t) => {
  const happening = fc.constantFrom('start', 'stop', 'ok', 'no', 'due');
  fc.assert(
    fc.property(fc.array(happening, {maxLength: 60}), fc.boolean(), (happenings, exact) => {
      const resource = life({exact});
      let asked: 'start' | 'stop' | undefined;
      const see = (effects: readonly string[]): void => {
        t.true(effects.filter((effect) => effect.includes('/')).length <= 1, effects.join());
        if (asked !== undefined && effects.some((effect) => effect.startsWith(`${asked} `)))
          asked = undefined;
      };
      const busy = () => resource.state.busy;
      const happen = (what: string): void => {
        const running = busy();
        if (what === 'start' || what === 'stop') {
          asked = what;
          const effects = what === 'start' ? resource.start() : resource.stop();
          if (running !== undefined)
            t.false(
              effects.some((effect) => effect.includes('/')),
              'a second operation',
            );
          see(effects);
        } else if (what === 'due') {
          if (nextDue(resource.state) < Infinity) see(resource.due());
        } else if (running !== undefined) see(resource.done(running, what === 'ok' ? ok : no()));
      };
      for (const what of happenings) happen(what);
      // From here on every operation succeeds.
      for (let turn = 0; turn < 20 && asked !== undefined; turn += 1)
        happen(busy() === undefined ? 'due' : 'ok');
      t.is(asked, undefined);
    }),
    {numRuns: 2_000},
  );
});

test('hactl_resource: the name overrides the type, the type overrides all, later lines win', (t) => {
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
