/** Mails, fallback commands, maintenance files, monitor lines: the decisions, without clock, shell or mail server. */
import type {CheckState} from '@hactl/checks';
import {parseLdirectordCf} from '@hactl/config';
import test from 'ava';
import {
  alertStep,
  composeMail,
  enqueue,
  stopEvents,
  dequeueDue,
  type AlertMemory,
  type Phase,
} from './alerts.ts';
import {fallbackStep, type FallbackMemory} from './fallback-command.ts';
import {inMaintenance, needsHostNames} from '../operators/maintenance.ts';
import {monitorLine} from './monitor-line.ts';
import {initialAlerts, reduceAlerts} from './slice.ts';
import {checkId} from '../table/services.ts';
import {viewsOf, type VirtualView} from '../table/views.ts';

const resolve = {host: () => undefined, service: () => undefined};
const file = (block: string, globals = '') =>
  parseLdirectordCf(
    {
      path: 'x.cf',
      text: `${globals}virtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate 3\n\treal=10.0.0.2:80 gate\n${block}`,
    },
    {mode: 'strict', resolve},
  ).model;

type States = readonly (CheckState | undefined)[];

/** The views of one file, with its real servers in these states. */
function views(states: States, block: string, globals = ''): VirtualView[] {
  const model = file(block, globals);
  const reports = new Map(
    model.virtuals.flatMap((virtual) =>
      virtual.reals.flatMap((real, at) => {
        const state = states[at];
        const id = checkId(virtual, real);
        return state === undefined
          ? []
          : [[id, {id, state, failures: 0, checks: 1, reason: 'HTTP 503', took: 1, at: 0}] as const];
      }),
    ),
  );
  return viewsOf([model], reports);
}

const mail = '\temailalert=ops@example.org\n';

/** Steps through states at given times; returns what was mailed at each. */
function said(
  steps: readonly (readonly [at: number, States])[],
  block = mail,
  phase: Phase = 'running',
): string[][] {
  let memory: AlertMemory = new Map();
  return steps.map(([at, states]) => {
    const step = alertStep(memory, views(states, block), phase, at);
    memory = step.memory;
    return step.events.map((event) => event.text);
  });
}

test('emailalert: one mail per change, with ldirectord’s subject lines', (t) => {
  const steps = [
    [0, [undefined, undefined]],
    [1, ['up', 'up']],
    [2, ['down', 'up']],
    [3, ['down', 'up']],
    [4, ['up', 'up']],
  ] as const;
  t.deepEqual(said(steps), [
    [],
    [
      'Added real server: 10.0.0.1:80 (tcp 10.0.0.100:80) (Weight set to 3)',
      'Added real server: 10.0.0.2:80 (tcp 10.0.0.100:80) (Weight set to 1)',
    ],
    ['Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)'],
    [],
    ['Added real server: 10.0.0.1:80 (tcp 10.0.0.100:80) (Weight set to 3)'],
  ]);
  t.deepEqual(said(steps.slice(1, 3), `${mail}\tquiescent=yes\n`)[1], [
    'Quiescent real server: 10.0.0.1:80 (tcp 10.0.0.100:80) (Weight set to 0)',
  ]);
});

test('emailalert: without a recipient no mail is sent', (t) => {
  t.deepEqual(said([[0, ['up', 'down']]], ''), [[]]);
});

test('emailalertfreq: the reminder repeats while the real server is down', (t) => {
  const steps = [0, 4_999, 5_000, 9_999, 10_000].map((at) => [at, ['down', 'up']] as const);
  const block = `${mail}\temailalertfreq=5\n`;
  const inaccessible = ['Inaccessible real server: 10.0.0.1:80 (tcp 10.0.0.100:80)'];
  t.deepEqual(said(steps, block).slice(1), [[], inaccessible, [], inaccessible]);
  t.deepEqual(said(steps).slice(1), [[], [], [], []], 'without it: once');
});

for (const [status, phases] of [
  ['all', ['starting', 'running', 'reloading', 'stopping']],
  ['none', []],
  ['running', ['running']],
  ['starting,stopping', ['starting', 'stopping']],
  ['reloading', ['reloading']],
] as const)
  test(`emailalertstatus=${status}: mails while ${phases.join(', ') || 'never'}`, (t) => {
    const block = `${mail}\temailalertstatus=${status}\n`;
    for (const phase of ['starting', 'running', 'reloading'] as const)
      t.is(
        said([[0, ['down', 'up']]], block, phase)[0]?.length,
        phases.some((text) => text === phase) ? 2 : 0,
        phase,
      );
    t.is(
      stopEvents(views(['down', 'up'], block)).length,
      phases.some((phase) => phase === 'stopping') ? 1 : 0,
    );
  });

test('cleanstop=no: a stop removes nothing, so it mails nothing', (t) => {
  t.deepEqual(stopEvents(views(['up', 'up'], `${mail}\tcleanstop=no\n`)), []);
});

test('the mail has ldirectord’s lines, the service’s name and the comment', (t) => {
  const block = `${mail}\tservicename=Shop\n\tcomment=Call Ann\n`;
  const {events} = alertStep(
    new Map(),
    views(['down', undefined], block, 'emailalertfrom=lvs@example.org\nsmtp=mail.example.org\n'),
    'running',
    0,
  );
  t.deepEqual(composeMail(events, 'lvs1', 'running'), {
    to: ['ops@example.org'],
    from: 'lvs@example.org',
    smtp: 'mail.example.org',
    subject: '[Shop] Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)',
    text: 'ldirectord host: lvs1\nDaemon-Status: running\n\nLog-Message: Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)\nReason: HTTP 503\nService name: Shop\nComment: Call Ann\n',
  });
  const plain = composeMail(
    alertStep(new Map(), views(['down', undefined], mail), 'running', 0).events,
    'lvs1',
    'running',
  );
  t.is(plain?.from, 'root@lvs1');
  t.is(plain?.smtp, undefined);
});

test('half of the real servers failing at once is one mail, and the second waits for the interval', (t) => {
  const down = alertStep(new Map(), views(['down', 'down'], mail), 'running', 0).events;
  let outbox = enqueue(new Map(), down.slice(0, 1), 0);
  outbox = enqueue(outbox, down.slice(1), 500);
  t.deepEqual(dequeueDue(outbox, 999).batches, []);
  t.is(dequeueDue(outbox, 999).nextAt, 1_000);
  const first = dequeueDue(outbox, 1_000);
  t.is(first.batches.length, 1);
  const digest = composeMail(first.batches[0] ?? [], 'lvs1', 'running');
  t.regex(digest?.subject ?? '', /^2 changes of real servers: Deleted real server: 10\.0\.0\.1:80/);
  t.is(digest?.text.match(/Log-Message:/g)?.length, 2);
  outbox = enqueue(first.outbox, down, 2_000);
  t.is(dequeueDue(outbox, 10_999).batches.length, 0);
  t.is(dequeueDue(outbox, 11_000).batches[0]?.length, 2);
  t.is(dequeueDue(outbox, 2_001, true).batches.length, 1, 'when the daemon stops everything is sent at once');
});

/** Steps through states; returns the command lines of each. */
function runs(steps: readonly (readonly [States, boolean])[], block: string): string[][] {
  let memory: FallbackMemory = new Map();
  return steps.map(([states, acting]) => {
    const step = fallbackStep(
      memory,
      views(states, block).map((view) => ({...view, acting})),
    );
    memory = step.memory;
    return step.runs.map((run) => run.line);
  });
}
const command = '\tfallbackcommand="/usr/local/bin/page -q"\n';
const [on, off] = ['start', 'stop'].map((word) => `/usr/local/bin/page -q ${word} 10.0.0.100:80 tcp`);

test('fallbackcommand: start when the last real server fails, stop when the first returns', (t) => {
  const steps = [
    [[undefined, 'down'], true],
    [['down', 'down'], true],
    [['down', 'down'], true],
    [['up', 'down'], true],
    [['up', 'up'], true],
  ] as const;
  t.deepEqual(runs(steps, command), [[], [on], [], [off], []]);
});

test('fallbackcommand: a standby runs nothing, and a handover stops what was started', (t) => {
  const steps = [
    [['down', 'down'], false],
    [['down', 'down'], true],
    [['down', 'down'], false],
  ] as const;
  t.deepEqual(runs(steps, command), [[], [on], [off]]);
});

test('fallbackcommand: a removed virtual service is stopped with the command that started it', (t) => {
  const {memory} = fallbackStep(new Map(), views(['down', 'down'], command));
  t.deepEqual(fallbackStep(memory, []).runs, [{virtual: 'tcp 10.0.0.100:80', line: off}]);
});

test('checktype=off never goes to the fallback and mails nothing', (t) => {
  t.deepEqual(said([[0, ['down', 'down']]], `${mail}\tchecktype=off\n`), [[]]);
  t.is(views(['down', 'down'], '\tchecktype=off\n')[0]?.inFallback, false);
});

for (const [name, port, files, hosts, expected] of [
  ['its address', 80, ['10.0.0.1'], [], true],
  ['its address and port', 80, ['10.0.0.1:80'], [], true],
  ['another port', 80, ['10.0.0.1:81'], [], false],
  ['another address', 80, ['10.0.0.11', '10.0.0'], [], false],
  ['its name', 80, ['web1.example.org'], ['web1.example.org'], true],
  ['its name and port', 80, ['web1.example.org:80'], ['web1.example.org'], true],
  ['its short name', 80, ['web1'], ['web1.example.org'], true],
  ['its short name and port', 80, ['web1:80'], ['web1.example.org'], true],
  ['nothing', 80, [], ['web1.example.org'], false],
] as const)
  test(`maintenancedir: a file named after ${name}`, (t) => {
    t.is(inMaintenance({address: '10.0.0.1', port: 80}, port, new Set(files), hosts), expected);
  });

test('maintenancedir: a real server without its own port, and IPv6', (t) => {
  t.true(inMaintenance({address: '10.0.0.1', port: 0}, 80, new Set(['10.0.0.1:80']), []));
  for (const name of ['2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:80'])
    t.true(inMaintenance({address: '2001:db8::1', port: 80}, 80, new Set([name]), []), name);
});

test('maintenancedir: host names are looked up only when a file needs them', (t) => {
  t.false(needsHostNames(['10.0.0.1', '10.0.0.1:80', '[2001:db8::1]:80', '2001:db8::1']));
  t.true(needsHostNames(['10.0.0.1', 'web1']));
});

test('monitorfile: one line, whatever characters the reason contains', (t) => {
  const [view] = views(['down', 'up'], '');
  const real = view?.reals[0];
  if (!view || !real) return t.fail();
  const report = {
    id: real.id,
    state: 'down' as const,
    failures: 1,
    checks: 1,
    reason: '50% | two\nlines',
    took: 1,
    at: 0,
  };
  const line = monitorLine(view.virtual, real, report, new Date(2026, 10, 21, 7, 8, 9), 42);
  t.is(
    line,
    '[Sat Nov 21 2026 07:08:09] [42] negotiate http tcp 10.0.0.1 80 3 gate [down] 50%25 %7C two%0Alines\n',
  );
});

test('a failed scheduled drill is sent to webhooks and commands if there are any', (t) => {
  const tell = (outside: boolean) =>
    reduceAlerts(
      initialAlerts('director1', [], outside, 0),
      {type: 'drill-failed', reason: 'no peer'},
      {now: 1, wall: 2},
    );
  t.deepEqual(tell(true)[1], [
    {type: 'notify', notices: [{type: 'drill', time: '1970-01-01T00:00:00.002Z', reason: 'no peer'}]},
  ]);
  t.deepEqual(tell(false)[1], []);
});
