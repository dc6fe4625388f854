/** A waiter times out later than what it waits for: engine, supervisor, peer, command. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {COLD_MOVE_LIMIT, HANDOVER_LIMIT, MOVE_LIMIT, STOP_LIMIT} from '@hactl/failover';
import {OUTCOME_PAUSE_MS, OUTCOME_TRIES} from '../configuration/config-push.ts';
import * as limits from './limits.ts';

/** Each limit of a chain is waited for by the next. */
const chains: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  'a planned move': [
    ['engine: the peer answers a handover', HANDOVER_LIMIT],
    ['engine: warm', MOVE_LIMIT],
    ['engine: cold resources', COLD_MOVE_LIMIT],
    ['supervisor', limits.ENGINE_MOVE_LIMIT_MS],
    [
      'supervisor, with the barrier before it',
      limits.SYNC_BARRIER_LIMIT_MS + limits.SYNC_SILENCE_LIMIT_MS + limits.ENGINE_MOVE_LIMIT_MS,
    ],
    ['command', limits.MOVE_LIMIT_MS],
  ],
  'the end of a director': [
    ['engine: the peer takes over', STOP_LIMIT],
    ['supervisor: engine', limits.ENGINE_STOP_LIMIT_MS],
    [
      'supervisor: barrier, engine, last mails, the other children',
      limits.SYNC_BARRIER_LIMIT_MS +
        limits.SYNC_SILENCE_LIMIT_MS +
        limits.ENGINE_STOP_LIMIT_MS +
        limits.LAST_MAIL_LIMIT_MS +
        limits.CHILD_STOP_LIMIT_MS,
    ],
    ['launcher', limits.SUPERVISOR_STOP_LIMIT_MS],
    ['ldirectord stop', limits.LDIRECTORD_STOP_LIMIT_MS],
    ['heartbeat stop', limits.STOP_LIMIT_MS],
  ],
  'a status': [
    ['supervisor: engine', limits.ENGINE_STATUS_LIMIT_MS],
    ['command that finds out whether there is a daemon', limits.PROBE_LIMIT_MS],
    ['command', limits.ASK_LIMIT_MS],
    ['command, of the peer', limits.ASK_PEER_LIMIT_MS],
  ],
  'a question to the peer': [
    ['connect', limits.PEER_CONNECT_LIMIT_MS],
    ['answer', limits.PEER_ASK_LIMIT_MS],
    ['command', limits.ASK_PEER_LIMIT_MS],
    ['an override', limits.ORDER_LIMIT_MS],
    ['the peer closes', limits.PEER_REQUEST_LIMIT_MS],
  ],
  'a director that joins': [
    ['the inviting side is asked', limits.INVITED_ASK_LIMIT_MS],
    ['the files are there', limits.JOIN_FILES_LIMIT_MS],
    ['hactld is started', limits.READY_LIMIT_MS],
    ['the inviting side hears of it', limits.JOIN_OUTCOME_LIMIT_MS],
  ],
  'a configuration that is loaded': [
    ['names', limits.NAME_LOOKUP_LIMIT_MS],
    ['names, and facts from the peer', limits.NAME_LOOKUP_LIMIT_MS + limits.PEER_ASK_LIMIT_MS],
    ['command that loads', limits.LOAD_LIMIT_MS],
    ['command that applies a configuration', limits.CONFIG_LIMIT_MS],
  ],
  'a push': [
    ['peer: prepare', limits.PUSH_PREPARE_LIMIT_MS],
    ['peer: commit', limits.PUSH_COMMIT_LIMIT_MS],
    ['peer closes', limits.PEER_REQUEST_LIMIT_MS],
    [
      'supervisor: prepare, commit, what became of it, undo',
      limits.PUSH_PREPARE_LIMIT_MS +
        OUTCOME_TRIES * (limits.PEER_CONNECT_LIMIT_MS + OUTCOME_PAUSE_MS) +
        limits.PUSH_COMMIT_LIMIT_MS +
        OUTCOME_TRIES * (OUTCOME_PAUSE_MS + 2 * limits.PUSH_OUTCOME_LIMIT_MS) +
        limits.PUSH_COMMIT_LIMIT_MS,
    ],
    ['command', limits.PUSH_LIMIT_MS],
  ],
  'events as they come': [
    ['asked for', limits.FOLLOW_WAIT_MS],
    ['given at most', limits.EVENTS_WAIT_LIMIT_MS],
  ],
  'a start': [
    ['the lock of a supervisor that stops', limits.ORPHAN_LIMIT_MS],
    ['command', limits.START_LIMIT_MS],
  ],
};

for (const [what, chain] of Object.entries(chains))
  test(`${what}: each waiter times out later than what it waits for`, (t) => {
    for (const [index, [name, limit]] of chain.entries()) {
      const [before, inner] = chain[index - 1] ?? ['nothing', 0];
      t.true(inner < limit, `${name} (${limit} ms) waits for ${before} (${inner} ms)`);
    }
  });

/** A time of a systemd unit, in milliseconds. */
function unitTime(unit: string, name: string): number {
  const text = readFileSync(new URL(`../packaging/files/${unit}`, import.meta.url), 'utf8');
  const [, count, word] = new RegExp(`^${name}=(\\d+)(s|min)$`, 'm').exec(text) ?? [];
  return Number(count) * (word === 'min' ? 60_000 : 1_000);
}

test('systemd waits as long as the commands, and longer than a director needs to become ready', (t) => {
  t.is(unitTime('hactld.service', 'TimeoutStopSec'), limits.STOP_LIMIT_MS);
  t.is(unitTime('ldirectord@.service', 'TimeoutStopSec'), limits.LDIRECTORD_STOP_LIMIT_MS);
  t.true(unitTime('hactld.service', 'TimeoutStartSec') > limits.READY_LIMIT_MS + limits.ORPHAN_LIMIT_MS);
});

test('the wait for an orphaned supervisor is longer than its own stop', (t) => {
  t.true(limits.ORPHAN_LIMIT_MS >= limits.SUPERVISOR_STOP_LIMIT_MS);
});
