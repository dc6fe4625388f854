/** A change is applied to both directors or to neither. */
import test from 'ava';
import type {FastifyRequest} from 'fastify';
import {systemClock} from '@hactl/base';
import type {AnswerTo} from '../control/answers.ts';
import type {Command} from '../control/protocol.ts';
import {snapshot} from '../control/snapshot.fixture.ts';
import {makeConfigChanges} from './config-changes.ts';
import {ControlError, type Daemon} from './daemon.ts';
import type {LiveSource} from './live.ts';

const version = {number: 7, wall: 0, why: 'start', digest: 'd', changed: [], inUse: true};

/** A director whose peer gives this answer to a push; records the commands it receives. */
function director(push: () => {ok: boolean; text: string}) {
  const asked: Command[] = [];
  const daemon: Daemon = {
    status: async () => snapshot,
    events: async () => ({version: 1, node: 'lb1', wall: 0, mono: 0, last: 0, events: []}),
    command: async <C extends Command>(command: C): Promise<AnswerTo<C>> => {
      asked.push(command);
      const answers: Partial<Record<Command['command'], () => unknown>> = {
        'config-read': () => ({files: [{name: 'ha.cf', text: 'node a b\n', digest: 'd'}]}),
        'config-history': () => ({versions: [version], pushes: []}),
        push,
      };
      const answer = answers[command.command]?.() ?? {ok: true, text: 'done', rows: [], diagnostics: []};
      return answer as AnswerTo<C>;
    },
  };
  const live = {
    now: () => ({ok: true, at: 0, status: snapshot}),
    follow: () => () => undefined,
  } as unknown as LiveSource;
  return {asked, changes: makeConfigChanges(daemon, live, systemClock)};
}
const edit = {body: {edits: [{kind: 'ha', name: 'keepalive', value: '1s'}]}} as FastifyRequest;
const rolledBackTo = (asked: readonly Command[]): readonly number[] =>
  asked.flatMap((command) => (command.command === 'config-rollback' ? [command.version] : []));

for (const [what, push] of [
  ['refuses it', () => ({ok: false, text: 'director2 refuses it'})],
  [
    'cannot be asked',
    () => {
      throw new ControlError('unreachable', 'director2 cannot be asked');
    },
  ],
] as const)
  test(`if the peer ${what}, the change is reverted here too`, async (t) => {
    const {asked, changes} = director(push);
    const outcome = await changes.apply(edit);
    t.false(outcome.ok);
    t.regex(outcome.text, /director2 .*; reverted here too/);
    t.deepEqual(rolledBackTo(asked), [7]);
    t.false(changes.watched().watching);
  });

test('a change applied to both is watched and not reverted', async (t) => {
  const {asked, changes} = director(() => ({ok: true, text: 'in use on both'}));
  const outcome = await changes.apply(edit);
  t.true(outcome.ok);
  t.is(outcome.peer, 'in use on both');
  t.deepEqual(rolledBackTo(asked), []);
  t.true(changes.watched().watching);
});

test('a request that a browser sends twice is applied once, and answered twice; another click is another change', async (t) => {
  const {asked, changes} = director(() => ({ok: true, text: 'in use on both'}));
  const click = (id: string): FastifyRequest => ({body: {...(edit.body as object), id}}) as FastifyRequest;
  const [first, second] = await Promise.all([
    changes.apply(click('click-one')),
    changes.apply(click('click-one')),
  ]);
  t.true(first.ok);
  t.deepEqual(second, first);
  const writes = (): number => asked.filter(({command}) => command === 'config-write').length;
  t.is(writes(), 1);
  await changes.apply(click('click-two'));
  t.is(writes(), 2);
});
