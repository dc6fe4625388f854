/** Every event in every role: the result is always legal, and role changes go through the transitions. */
import test from 'ava';
import type {EngineConfig} from '../messages.ts';
import {advertOf} from './advert-of.ts';
import type {Effect, Event, State} from './state.ts';
import {initialState, nextDeadline, step} from './step.ts';
import {config, peerAdvert, run, scenes} from './scene.fixture.ts';

const events: Readonly<Record<Event['type'], readonly Event[]>> = {
  tick: [{type: 'tick'}],
  advert: [
    {type: 'advert', advert: peerAdvert({role: 'Active', priority: 100})},
    {type: 'advert', advert: peerAdvert({role: 'Backup', priority: 100})},
    {type: 'advert', advert: peerAdvert({role: 'Backup', priority: 0})},
    {type: 'advert', advert: peerAdvert({role: 'Active', priority: 255, handover: true})},
  ],
  'kernel-answers': [{type: 'kernel-answers', nodeIndex: 1}],
  'found-address': [{type: 'found-address', vrid: 1, addresses: ['10.0.0.100']}],
  'acquire-failed': [{type: 'acquire-failed', vrid: 1, reason: 'no buffer space'}],
  acquired: [{type: 'acquired', vrid: 1, from: 0}],
  prepared: [
    {type: 'prepared', vrid: 1, ok: true, reason: ''},
    {type: 'prepared', vrid: 1, ok: false, reason: 'no licence'},
  ],
  fenced: [
    {type: 'fenced', ok: true, reason: 'done'},
    {type: 'fenced', ok: false, reason: 'no answer'},
  ],
  readiness: [{type: 'readiness', ready: true}],
  move: (['standby', 'takeover', 'failback'] as const).map((move) => ({
    type: 'move' as const,
    id: 1,
    move,
    scope: 'all' as const,
  })),
  device: [
    {type: 'device', device: 'eth0', problem: 'eth0 has no carrier'},
    {type: 'device', device: 'eth0'},
  ],
  'address-gone': [{type: 'address-gone', vrid: 1}],
  'link-changed': [{type: 'link-changed', device: 'eth0'}],
  conflict: (['peer', 'peer-alive', 'stranger'] as const).map((claimant) => ({
    type: 'conflict' as const,
    vrid: 1,
    address: '10.0.0.100',
    claimant,
    from: '02:00:00:00:00:99 on eth0',
  })),
  'give-up': [{type: 'give-up', vrid: 1, reason: 'apache ended', holdOff: 1_000}],
  'tracked-down': [{type: 'tracked-down', count: 1}],
  stop: [
    {type: 'stop', leaveAddresses: true},
    {type: 'stop', leaveAddresses: false},
  ],
  configure: [{type: 'configure', previous: config}],
};

const titleOf = (event: Event): string =>
  event.type === 'advert'
    ? `advert ${event.advert.groups.map(({role, priority}) => `${role} ${priority}`).join(', ')}`
    : JSON.stringify(event, (key, value: unknown) => (key === 'previous' ? undefined : value));

/** The addresses on the interfaces after these effects. */
const interfaceAfter = (before: ReadonlySet<string>, effects: readonly Effect[]): ReadonlySet<string> => {
  const now = new Set(before);
  for (const effect of effects) {
    if (effect.type === 'acquire') for (const {address} of effect.vips) now.add(address);
    if (effect.type === 'release') for (const {address} of effect.vips) now.delete(address);
  }
  return now;
};
const assigned = (state: State): ReadonlySet<string> =>
  new Set(
    state.groups.flatMap((group) =>
      (group.role === 'Active' ? group.vips : group.leftover).map(({address}) => address),
    ),
  );

for (const [scene, make] of Object.entries(scenes))
  for (const event of Object.values(events).flat())
    test(`${scene}: ${titleOf(event)}: addresses follow the role, each change of role is reported once`, (t) => {
      const {state, now} = make();
      const before = assigned(state);
      const [next, effects] = step(config, state, event, now);
      // Found addresses were on the interface before the machine knew of them.
      const known = event.type === 'found-address' ? assigned(next) : before;
      t.deepEqual(interfaceAfter(known, effects), assigned(next));
      const reported = effects.flatMap((effect) => (effect.type === 'transition' ? [effect.transition] : []));
      for (const [at, group] of next.groups.entries()) {
        const steps = reported.filter(({vrid}) => vrid === group.vrid);
        t.true((steps.at(-1)?.to ?? state.groups[at]?.role) === group.role);
        for (const [index, {from}] of steps.entries())
          t.true(from === (index === 0 ? state.groups[at]?.role : steps[index - 1]?.to));
      }
      // A state that waits for a deadline must have one.
      t.true(next.ended === true || nextDeadline(config, next) < Infinity);
      t.notThrows(() => advertOf(config, next));
    });

test('ended is final: after `stopped` there are no effects', (t) => {
  for (const leaveAddresses of [true, false])
    for (const make of Object.values(scenes)) {
      const {state, now} = make();
      let [next, effects] = step(config, state, {type: 'stop', leaveAddresses}, now);
      for (let at = now; next.ended !== true && at < now + 2_000; at = nextDeadline(config, next)) {
        const [after, more] = step(config, next, {type: 'tick'}, at);
        next = after;
        effects = [...effects, ...more];
      }
      t.is(effects.filter(({type}) => type === 'stopped').length, 1);
      for (const event of Object.values(events).flat())
        t.deepEqual(step(config, next, event, now + 5_000), [next, []]);
    }
});

test('a group removed by a reload releases its addresses and reports the role change', (t) => {
  const {state, now} = scenes.Active();
  const without: EngineConfig = {...config, groups: []};
  const [next, effects] = step(without, state, {type: 'configure', previous: config}, now);
  t.deepEqual(next.groups, []);
  t.like(effects[0], {type: 'release', vrid: 1, vips: config.groups[0]?.vips});
  t.like(effects[1], {
    type: 'transition',
    transition: {vrid: 1, group: 'web', from: 'Active', to: 'Initialize'},
  });
});

test('a reload that renames a group keeps its addresses without removing them in between', (t) => {
  const {state, now} = scenes.Active();
  const [group] = config.groups;
  if (!group) return t.fail();
  const renamed = {...group, vrid: 2, vips: [{...group.vips[0], address: '10.0.0.99'}, ...group.vips]};
  const after = {...config, groups: [renamed]} as EngineConfig;
  const [next, effects] = step(after, state, {type: 'configure', previous: config}, now);
  t.is(next.groups[0]?.role, 'Active');
  t.false(effects.some(({type}) => type === 'release'));
});

test('another prefix or device: the new form is added, then the old one removed; another label: removed first', (t) => {
  const {state, now} = scenes.Active();
  const order = (change: object): string[] => {
    const groups = config.groups.map((group) => ({
      ...group,
      vips: group.vips.map((vip) => ({...vip, ...change})),
    }));
    const [, effects] = step({...config, groups}, state, {type: 'configure', previous: config}, now);
    return effects.flatMap((effect) =>
      effect.type === 'acquire' || effect.type === 'release'
        ? effect.vips.map((vip) =>
            `${effect.type} ${vip.address}/${vip.prefixLength} ${vip.device} ${vip.label ?? ''}`.trim(),
          )
        : [],
    );
  };
  t.deepEqual(order({prefixLength: 32}), ['acquire 10.0.0.100/32 eth0', 'release 10.0.0.100/24 eth0']);
  t.deepEqual(order({device: 'eth1'}), ['acquire 10.0.0.100/24 eth1', 'release 10.0.0.100/24 eth0']);
  t.deepEqual(order({label: 'eth0:1'}), ['release 10.0.0.100/24 eth0', 'acquire 10.0.0.100/24 eth0 eth0:1']);
  t.deepEqual(order({}), []);
});

test('one fence for all groups that wait for it', (t) => {
  const groups = [1, 2, 3].map((vrid) => ({...config.groups[0], vrid, vips: []})) as EngineConfig['groups'];
  const fencing = {...config, groups, fence: '/usr/sbin/fence'};
  const start = initialState(fencing, 1n, 0);
  const {effects} = run(fencing, start, [[100, {type: 'tick'}]]);
  t.is(effects.filter(({type}) => type === 'fence').length, 1);
});

const claim = {
  type: 'conflict',
  vrid: 1,
  address: '10.0.0.100',
  claimant: 'peer',
  from: '02:00:00:00:00:99 on eth0',
} as const;
const announcements = (effects: readonly Effect[]): number =>
  effects.filter(({type}) => type === 'announce').length;
/** Later adverts of the peer. */
const says = (group: Parameters<typeof peerAdvert>[0], sequence: bigint): Event => ({
  type: 'advert',
  advert: peerAdvert(group, {sequence, echoSequence: 2n}),
});

for (const scene of ['Active', 'Active, handing over'] as const)
  test(`${scene}: a taker's last Backup advert that arrives after its announcement is not answered by an announcement`, (t) => {
    const {state, now} = scenes[scene]();
    const {effects, state: after} = run(config, state, [
      [now + 1, claim],
      [now + 2, says({role: 'Backup', priority: 100}, 1_001n)],
      [now + 3, says({role: 'Active', priority: 255}, 1_002n)],
    ]);
    t.is(announcements(effects), 0, 'no announcement redirects the clients');
    t.is(after.groups[0]?.role, 'Backup');
  });

test('Active: after a peer claimed the address and released it, it is announced once', (t) => {
  const {state, now} = scenes.Active();
  const {effects, state: after} = run(config, state, [
    [now + 1, claim],
    [now + 11, says({role: 'Backup', priority: 100}, 1_001n)],
    [now + 21, says({role: 'Backup', priority: 100}, 1_002n)],
    [now + 31, says({role: 'Backup', priority: 100}, 1_003n)],
  ]);
  t.is(announcements(effects), 1);
  t.is(after.groups[0]?.role, 'Active');
});

/** It holds the group of a preferred peer that has just come back: heard each 10 ms, the last time at `heard`. */
const guest = {
  settings: {
    ...config,
    deadtime: 60,
    groups: config.groups.map((group) => ({...group, preferredNode: 'director2'})),
  },
  heard: 20_040,
  begin: () => {
    const ticks = Array.from({length: 2_000}, (_, at) => [10 * (at + 1), {type: 'tick'}] as const);
    const adverts = [0, 10, 20, 30, 40].map(
      (at) => [20_000 + at, says({role: 'Backup', priority: 100}, 2_000n + BigInt(at))] as const,
    );
    return run(guest.settings, initialState(guest.settings, 5n, 0), [
      [0, {type: 'readiness', ready: true}],
      ...ticks,
      ...adverts,
    ]).state;
  },
};

/** What the guest does, waking each millisecond, when that peer claims the address 5 ms before it counts as dead. */
const afterClaim = (until: number, ...events: (readonly [number, Event])[]) => {
  const ticks = Array.from({length: until}, (_, at) => [at + 1, {type: 'tick'}] as const);
  const all: readonly (readonly [number, Event])[] = [...ticks, [55, claim], ...events];
  return run(
    guest.settings,
    guest.begin(),
    all.toSorted(([left], [right]) => left - right).map(([at, event]) => [guest.heard + at, event] as const),
  );
};

test('a claim of a preferred peer that goes silent just then is not answered at once: its advert may be late', (t) => {
  const dead = afterClaim(74);
  t.false(dead.state.peers[0]?.alive);
  t.is(announcements(dead.effects), 0);
  t.true(nextDeadline(guest.settings, dead.state) <= guest.heard + 75, 'it wakes for the claim');
  t.true(announcements(afterClaim(75).effects) > 0);
  const late = afterClaim(70, [63.5, says({role: 'Active', priority: 255}, 3_000n)]);
  t.is(announcements(late.effects), 0);
  t.is(late.state.groups[0]?.role, 'Backup');
});

test('a claim that was judged leaves no deadline in the past', (t) => {
  t.true(nextDeadline(guest.settings, afterClaim(75).state) > guest.heard + 75);
});

test('a peer that hands over has time to hear of the takeover from the advert on, however long the addresses took', (t) => {
  const takes = (...events: readonly (readonly [number, Event])[]): string | undefined => {
    const scene = scenes['Backup of a live peer']();
    const asked = {role: 'Active', priority: 255, handover: true} as const;
    const {state} = run(config, scene.state, [
      ...[15, 25, 35, 45].map(
        (at) => [at, {type: 'advert', advert: peerAdvert(asked, {sequence: 1_000n + BigInt(at)})}] as const,
      ),
      ...events,
      [55, {type: 'advert', advert: peerAdvert(asked, {sequence: 1_055n})}],
    ]);
    return state.groups[0]?.role;
  };
  t.is(takes(), 'Backup');
  t.is(takes([48, {type: 'acquired', vrid: 1, from: 15}]), 'Active');
  t.is(takes([48, {type: 'acquired', vrid: 1, from: 25}]), 'Backup', 'of another step');
});

test('a peer that hands over has two adverts more to hear of the takeover than one that is preempted', (t) => {
  const roleAt = (says: object, last: number): string | undefined => {
    const heard = Array.from({length: (last - 5) / 10}, (_, index) => {
      const advert = peerAdvert({role: 'Active', ...says}, {sequence: 1_001n + BigInt(index)});
      return [15 + 10 * index, {type: 'advert', advert}] as const;
    });
    return run(config, scenes['Backup of a live peer']().state, heard).state.groups[0]?.role;
  };
  t.is(roleAt({priority: 100}, 25), 'Active');
  t.is(roleAt({priority: 100}, 35), 'Backup');
  t.is(roleAt({priority: 255, handover: true}, 45), 'Active');
  t.is(roleAt({priority: 255, handover: true}, 55), 'Backup');
});

test('a pause just after a takeover: an advert that the holder of before sent too early is no takeover of its own', (t) => {
  const roleAfterPause = (echoSequence: bigint, echoIncarnation = 5n): string | undefined => {
    const lower = {role: 'Active', priority: 100} as const;
    const advert = (sequence: bigint, echo: object) =>
      ({type: 'advert', advert: peerAdvert(lower, {sequence, ...echo})}) as const;
    const taken = run(config, scenes['Backup of a live peer']().state, [[15, advert(1_001n, {})]]);
    t.is(taken.state.groups[0]?.role, 'Active');
    const {state} = run(config, taken.state, [
      [65, {type: 'tick'}],
      [66, advert(1_002n, {echoSequence, echoIncarnation})],
    ]);
    t.not(state.listenOnlyUntil, undefined);
    return state.groups[0]?.role;
  };
  t.is(roleAfterPause(1n), 'Active');
  t.is(roleAfterPause(3n), 'Backup', 'it has heard of the takeover, and took the group since');
  t.is(roleAfterPause(0n, 0n), 'Backup', 'it does not hear us');
});

test('a busy peer, whose adverts come irregularly, is given more time to hear of a takeover', (t) => {
  const roleAfter = (...instants: readonly number[]): string | undefined => {
    const scene = scenes['Backup of a live peer']();
    const lower = {role: 'Active', priority: 100} as const;
    const heard = instants.map(
      (at, index) =>
        [at, {type: 'advert', advert: peerAdvert(lower, {sequence: 1_001n + BigInt(index)})}] as const,
    );
    return run(config, scene.state, heard).state.groups[0]?.role;
  };
  t.is(roleAfter(15, 25, 31), 'Backup');
  t.is(roleAfter(23, 41), 'Active');
  t.is(roleAfter(23, 41, 51), 'Backup', 'but not for ever');
});

const quick: EngineConfig = {...config, keepalive: 1, deadtime: 4, warntime: 2};
/** A Backup that has heard an Active each millisecond, the last time at 20. */
const untilSilence = (settings: EngineConfig): State => {
  const active = {role: 'Active', priority: 255} as const;
  const adverts = Array.from({length: 20}, (_, at) => {
    const advert = {sequence: 1_000n + BigInt(at), echoSequence: 1n + BigInt(at)};
    return [at + 1, {type: 'advert', advert: peerAdvert(active, advert)}] as const;
  });
  return run(settings, initialState(settings, 5n, 0), [[0, {type: 'readiness', ready: true}], ...adverts])
    .state;
};
/**
 * What happens at its deadlines from then on; `late`: by how many ms each timer is; `dies`: when the peer's machine, which answers
 * each question after half a millisecond, no longer does.
 */
const silence = (settings: EngineConfig, {late = 0, dies = 0, until = 1_000}) => {
  let state = untilSilence(settings);
  const asked: number[] = [];
  let answerAt = Infinity;
  for (let at = 20; at < until; at = Math.max(Math.min(nextDeadline(settings, state), answerAt), at) + late) {
    const event: Event = at >= answerAt ? {type: 'kernel-answers', nodeIndex: 1} : {type: 'tick'};
    if (event.type === 'kernel-answers') answerAt = Infinity;
    const [next, effects] = step(settings, state, event, at);
    state = next;
    if (effects.some(({type}) => type === 'ask-kernel')) {
      asked.push(at);
      if (at < dies) answerAt = at + 0.5;
    }
    if (state.groups[0]?.role === 'Active') return {asked, takenAt: at};
  }
  return {asked, takenAt: Infinity};
};

test('at the fastest adverts, timers that are late by their resolution do not delay a takeover', (t) => {
  t.true(silence(quick, {late: 0.1}).takenAt < 20 + 4 + 1);
  t.true(silence(quick, {late: 1.5}).takenAt < 20 + 4 + 3);
  t.true(silence({...quick, keepalive: 2}, {late: 1.9}).takenAt < 20 + 4 + 4);
  // Only the timer of the question is late: the end of the silence is not left to one.
  const {asked} = silence({...quick, keepalive: 2, deadtime: 5}, {late: 0.9});
  t.true(asked[0]! + 2 <= 20 + 5, `asked at ${asked[0]}`);
});

test('below a deadtime of 50 ms the kernel of a silent peer is asked once, three milliseconds before the takeover', (t) => {
  const {asked, takenAt} = silence(quick, {late: 0.1});
  t.is(asked.length, 1);
  t.true(takenAt - asked[0]! >= 2.5 && takenAt - asked[0]! < 3.5);
  const slow = {...quick, keepalive: 10, deadtime: 50, warntime: 20};
  t.deepEqual(silence(slow, {late: 0.1}).asked, []);
});

test('a peer whose kernel answers again and again has ten times deadtime, and not more', (t) => {
  const {asked, takenAt} = silence(quick, {late: 0.1, dies: Infinity});
  t.true(asked.length >= 2 && asked.length <= 5, String(asked.length));
  t.true(takenAt >= 60 && takenAt < 63, String(takenAt));
});

test('a machine that dies after its kernel has answered is succeeded four deadtimes later', (t) => {
  for (const dies of [21.6, 34, 46]) {
    const {asked, takenAt} = silence(quick, {late: 0.1, dies});
    t.true(asked.length >= 2);
    t.true(takenAt > dies && takenAt < dies + 16 + 2, `${dies}: ${takenAt}`);
  }
});

test('a suspended peer that wakes up, announces and then sends its advert is not succeeded; one whose adverts are lost is', (t) => {
  const settings = {...quick, keepalive: 2, deadtime: 5};
  const wakes: Event = {
    type: 'conflict',
    vrid: 1,
    address: '10.0.0.100',
    claimant: 'peer-alive',
    from: 'the peer',
  };
  const advert = {
    type: 'advert',
    advert: peerAdvert({role: 'Active', priority: 255}, {sequence: 1_100n}),
  } as const;
  const before: (readonly [number, Event])[] = [
    [22.5, {type: 'tick'}],
    [23, {type: 'kernel-answers', nodeIndex: 1}],
    [30, wakes],
  ];
  const after = (...events: (readonly [number, Event])[]): string | undefined =>
    run(settings, untilSilence(settings), [...before, ...events]).state.groups[0]?.role;
  t.is(after(), 'Backup');
  t.is(after([30.5, advert], [35, {type: 'tick'}]), 'Backup');
  // Another answer of its kernel changes nothing.
  t.is(after([31, {type: 'kernel-answers', nodeIndex: 1}], [34.1, {type: 'tick'}]), 'Active');
});

test('with a deadtime below 50 ms a claim shows that the peer lives, until its advert is due', (t) => {
  const settings = {...quick, keepalive: 2, deadtime: 5};
  /** Its timer is on time: a director that overslept waits for other reasons. */
  const lives = (at: number, ...claims: readonly number[]): boolean | undefined => {
    const ticks = Array.from({length: 20}, (_, index) => 20.1 + index / 2).filter((tick) => tick < at);
    const events = [
      ...ticks.map((tick) => [tick, 'tick'] as const),
      ...claims.map((tick) => [tick, 'claim'] as const),
    ];
    return run(
      settings,
      untilSilence(settings),
      [...events, [at, 'tick'] as const]
        .toSorted(([left], [right]) => left - right)
        .map(([when, what]) => [when, what === 'tick' ? {type: 'tick'} : claim] as const),
    ).state.peers[0]?.alive;
  };
  t.true(lives(24.9));
  t.false(lives(25.1));
  t.true(lives(28.4, 24.5));
  t.false(lives(28.6, 24.5));
  t.true(lives(29.9, 24.5, 26));
  t.false(lives(30.1, 24.5, 26, 28, 29.5), 'one after deadtime counts, later ones put nothing off');
});

test('an answer that nobody asked for, or to an earlier question, delays nothing', (t) => {
  const answer: Event = {type: 'kernel-answers', nodeIndex: 1};
  const start = untilSilence(quick);
  const downAt = (state: State): number => state.peers[0]?.downAt ?? 0;
  const [unasked] = step(quick, start, answer, 20.5);
  t.is(downAt(unasked), downAt(start));
  const [asked] = step(quick, start, {type: 'tick'}, 22.2);
  const heard = {role: 'Active', priority: 255} as const;
  const [again] = step(quick, asked, {type: 'advert', advert: peerAdvert(heard, {sequence: 1_100n})}, 22.4);
  const [after] = step(quick, again, answer, 22.6);
  t.is(downAt(after), downAt(again));
});

test('an advert that waited in the socket since before the takeover says nothing about it', (t) => {
  const lower = {role: 'Active', priority: 100} as const;
  const roleAfter = (waited: number): string | undefined => {
    const scene = scenes['Backup of a live peer']();
    const heard = (at: number, sequence: bigint, waited: number): readonly [number, Event] => [
      at,
      {type: 'advert', advert: peerAdvert(lower, {sequence}), waited},
    ];
    return run(config, scene.state, [heard(15, 1_001n, 0), heard(25, 1_002n, 0), heard(31, 1_003n, waited)])
      .state.groups[0]?.role;
  };
  t.is(roleAfter(0), 'Backup');
  t.is(roleAfter(5), 'Active');
  t.is(roleAfter(20), 'Active');
});
