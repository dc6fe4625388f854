/** Sends this director's configuration to the peer: both apply it, or neither. */
import {randomBytes} from 'node:crypto';
import type {Authkeys} from '@hactl/config';
import type {PushOutcome} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {PushedFile} from '../control/peer-commands.ts';
import {planChanges} from './changes.ts';
import {filesOf, readConfigFile, sharedName} from './config-files.ts';
import type {PushPorts} from './push-ports.ts';
import type {PushRecord} from './config-store.ts';
import {PUSH_COMMIT_LIMIT_MS, PUSH_OUTCOME_LIMIT_MS, PUSH_PREPARE_LIMIT_MS} from '../system/limits.ts';

export const OUTCOME_TRIES = 5;
export const OUTCOME_PAUSE_MS = 1_000;

/**
 * While both run, keys change only in steps: at every moment each director must accept the key that the other signs with.
 * Returns the violation.
 */
export function keyProblem(running: Authkeys, next: Authkeys): string | undefined {
  const has = (keys: Authkeys, id: number, as: Authkeys): boolean => {
    const wanted = as.keys.find((key) => key.id === id);
    return keys.keys.some(
      (key) => key.id === id && key.method === wanted?.method && key.secret === wanted.secret,
    );
  };
  if (!has(next, running.active, running))
    return `the new authkeys no longer has key ${running.active}, which is signing now: push it with both keys first, then switch auth, then drop the old one`;
  if (!has(running, next.active, next))
    return `key ${next.active}, the new signing key, is not known to the peer: push it with auth ${running.active} first, then switch auth`;
  return undefined;
}

const outcomes: Readonly<Record<string, string>> = {
  done: 'in use at the peer',
  undone: 'undone by the peer',
  failed: 'nothing changed at the peer',
};

/** Carries out `hactl push`. */
export async function push(
  ports: PushPorts,
  options: {dryRun: boolean; keys: boolean},
): Promise<PushOutcome> {
  const peer = ports.peer();
  const mine = await ports.load();
  const local = {
    diagnostics: mine.texts,
    rows: mine.loaded ? planChanges(ports.running(), mine.loaded).rows : [],
  };
  let remote: PushOutcome['there'] = {diagnostics: [], rows: []};
  const result = (ok: boolean, text: string): PushOutcome => ({
    ok,
    text,
    dryRun: options.dryRun,
    peer,
    here: local,
    there: remote,
  });

  if (!mine.loaded) return result(false, 'the files here have errors: nothing was sent');
  const {refused} = planChanges(ports.running(), mine.loaded);
  if (refused !== undefined) return result(false, `nothing was sent: ${refused}`);
  const {cluster, digest} = mine.loaded;
  const problem = options.keys ? keyProblem(ports.running().cluster.authkeys, cluster.authkeys) : undefined;
  if (problem !== undefined) return result(false, `nothing was sent: ${problem}`);

  const files: PushedFile[] = [];
  for (const file of filesOf(cluster)) {
    if (file === cluster.authkeys.path && !options.keys) continue;
    const name = sharedName(file, ports.configDir);
    if (name === undefined)
      return result(
        false,
        `nothing was sent: ${file} is not in ${ports.configDir}; move it there and name it so in haresources`,
      );
    const {text = '', mode} = readConfigFile(file);
    files.push({name, text, mode});
  }

  const id = randomBytes(4).toString('hex');
  const prepared = await ports.ask(
    {command: 'push-prepare', id, dryRun: options.dryRun, files},
    PUSH_PREPARE_LIMIT_MS,
  );
  remote = {diagnostics: prepared.diagnostics, rows: prepared.rows};
  if (!prepared.ok)
    return result(
      false,
      `${peer} cannot use it: ${prepared.refused ?? 'it reports errors'}; nothing was changed on either`,
    );
  if (prepared.digest !== digest) {
    const why = options.keys ? '' : ': authkeys is only sent with --keys';
    const warning = `warning: ${peer} would still differ from this director afterwards${why}`;
    remote = {...remote, diagnostics: [...remote.diagnostics, warning]};
  }
  if (options.dryRun) return result(true, `${peer} could use it; nothing was changed on either`);

  let record: PushRecord = ports.store.note({
    id,
    wall: ports.wall(),
    side: 'sent',
    peer,
    state: 'asked',
    text: 'asking the peer to apply it',
    files: [],
    before: [],
  });
  const end = (state: PushRecord['state'], text: string): PushOutcome => {
    record = ports.store.note({...record, state, text});
    ports.log(state === 'done' ? 'info' : 'warn', `push ${id} to ${peer}: ${text}`);
    return result(state === 'done', text);
  };

  const committed = await commitThere(ports, id);
  if (committed.state === 'unknown')
    return end(
      'unknown',
      `${committed.reason}; whether ${peer} uses it is unknown, this director is unchanged: see hactl config history there`,
    );
  if (committed.state === 'failed')
    return end('failed', `${peer} could not apply it (${committed.reason}); nothing was changed on either`);
  const reloaded = await ports.reload(`push to ${peer}`);
  if (reloaded.ok) return end('done', `in use on both`);
  const undone = await ports
    .ask({command: 'push-undo', id}, PUSH_COMMIT_LIMIT_MS)
    .catch((error: unknown) => ({ok: false, reason: String(error)}));
  return end(
    undone.ok ? 'undone' : 'unknown',
    undone.ok
      ? `this director could not load it after all, and ${peer} undid it: ${reloaded.diagnostics.join('\n')}`
      : `this director could not load it after all, and ${peer} still has it (${undone.reason})`,
  );
}

/** Requests the swap; if the answer is lost, queries the outcome. */
async function commitThere(
  ports: PushPorts,
  id: string,
): Promise<{readonly state: 'done' | 'failed' | 'unknown'; readonly reason: string}> {
  let failure = '';
  for (let attempt = 0; attempt < OUTCOME_TRIES; attempt += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one question after another.
      const {ok, reason} = await ports.ask({command: 'push-commit', id}, PUSH_COMMIT_LIMIT_MS);
      return {state: ok ? 'done' : 'failed', reason};
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      const code = error instanceof CommandError ? error.code : '';
      if (['not-prepared', 'not-for-peers'].includes(code)) return {state: 'failed', reason: failure};
      // The request was never sent: it may be repeated.
      if (code !== 'no-peer') break;
    }
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await ports.wait(OUTCOME_PAUSE_MS);
  }
  for (let attempt = 0; attempt < OUTCOME_TRIES; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one question after another.
    await ports.wait(OUTCOME_PAUSE_MS);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    const outcome = await ports
      .ask({command: 'push-outcome', id}, PUSH_OUTCOME_LIMIT_MS)
      .catch(() => undefined);
    const known = outcome && outcomes[outcome.state];
    if (outcome && known !== undefined)
      return {state: outcome.state === 'done' ? 'done' : 'failed', reason: `${known}: ${outcome.text}`};
    // The commit has not arrived: make sure that a frame still in flight cannot trigger it.
    // oxlint-disable-next-line no-await-in-loop -- see above.
    if (outcome?.state === 'prepared')
      await ports.ask({command: 'push-abort', id}, PUSH_OUTCOME_LIMIT_MS).catch(() => undefined);
  }
  return {state: 'unknown', reason: failure};
}
