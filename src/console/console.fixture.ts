/** A console in front of a fake director, and three users sharing one password. */
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Clock} from '@hactl/base';
import type {AnswerTo} from '../control/answers.ts';
import type {Command, StatusSnapshot} from '../control/protocol.ts';
import {snapshot} from '../control/snapshot.fixture.ts';
import {openAudit, type Audit} from './audit.ts';
import type {Daemon} from './daemon.ts';
import {CSRF_HEADER} from './route.ts';
import {makeConsole, type ConsoleOptions} from './server.ts';
import {makeUser, openUsers, type User} from './users.ts';

export const PASSWORD = 'correct horse battery';
/** A stopped clock: rate limits apply whatever the machine's speed. */
const started = Date.now();
export const clock: Clock = {now: () => 0, wall: () => started};
/** Hashed once: hashing is slow on purpose. */
const hashed: {user?: Promise<User>} = {};

export interface OpenOptions extends Partial<
  Pick<ConsoleOptions, 'clock' | 'page' | 'limits' | 'certificate'>
> {
  readonly status?: () => StatusSnapshot;
  readonly audit?: Audit;
  /** Before a command is answered. */
  readonly delay?: (command: Command) => Promise<void>;
}

/** The state directory is removed when the test ends. */
export async function openConsole(t: {teardown(work: () => unknown): void}, options: OpenOptions = {}) {
  const {status = () => snapshot, audit, delay, ...more} = options;
  const state = mkdtempSync(path.join(os.tmpdir(), 'hactl-console-'));
  const users = openUsers(state);
  hashed.user ??= makeUser('any', 'viewer', PASSWORD);
  for (const role of ['viewer', 'operator', 'admin'] as const)
    users.put({...(await hashed.user), name: role, role});
  const asked: Command[] = [];
  const daemon: Daemon = {
    status: async () => status(),
    events: async () => ({version: 1, node: 'lb1', wall: 0, mono: 0, last: 0, events: []}),
    command: async <C extends Command>(command: C): Promise<AnswerTo<C>> => {
      asked.push(command);
      await delay?.(command);
      const answer =
        command.command === 'config-read'
          ? {
              files: [
                {
                  name: 'ldirectord.cf',
                  text: 'virtual=10.0.0.1:80\n\tpasswd=GEHEIM\n\trequest="AUTH GEHEIM-2"\n',
                  digest: 'd',
                },
              ],
            }
          : command.command === 'config-history'
            ? {versions: [], pushes: []}
            : {ok: true, text: 'done', rows: [], diagnostics: [], lines: [], notes: []};
      return answer as unknown as AnswerTo<C>;
    },
  };
  const {app, live, close} = await makeConsole({
    clock,
    daemon,
    users,
    audit: audit ?? openAudit(state),
    version: 'test',
    metricsToken: 'SCRAPE',
    ...more,
  });
  t.teardown(async () => {
    await close();
    rmSync(state, {recursive: true, force: true});
  });
  await live.look();
  async function login(user: string) {
    const answer = await app.inject({method: 'POST', url: '/api/login', payload: {user, password: PASSWORD}});
    const [cookie] = answer.cookies;
    return {
      cookie: `${cookie?.name ?? ''}=${cookie?.value ?? ''}`,
      [CSRF_HEADER]: answer.json<{csrf: string}>().csrf,
    };
  }
  return {app, live, login, users, state, asked};
}
