/**
 * Assigns each virtual service to one of a few processes (shards) and forwards their messages. A server that crashes its
 * shard, or keeps it busy, does not affect the services of the others. External commands have a process of their own, which
 * runs as another user. Once there is something to check, router and shards drop root.
 */
import os from 'node:os';
import {becomeUser, type Account, type Remains} from '@hactl/net/privileges';
import {chooseAccounts} from './accounts.ts';
import {makeConfined} from './confined.ts';
import type {CheckSpec, FromChecks, FromShard, Identity, ToChecks} from './messages.ts';
import {isCommand, mayPing, placeVirtuals, shardCount, virtualOf} from './placement.ts';
import {makeReportRounds} from './report-round.ts';
import {newShard, restartShard, tell, type Shard, type ShardEvents} from './shard-process.ts';

process.title = 'hactld-checks';
const isRoot = process.getuid?.() === 0;

const say = (message: FromChecks, then?: () => void): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      // The 'disconnect' event reports the supervisor's end.
      then?.();
    });
  else then?.();
};
const log = (level: 'error' | 'warn' | 'info', message: string): void => say({type: 'log', level, message});

/** The privileges that were dropped. */
interface Dropped {
  readonly raw: boolean;
  readonly scripts: boolean;
  readonly identity: string;
}

const shards: Shard[] = [];
let commands: Shard | undefined;
let shardOfVirtual = new Map<string, number>();
/** The last report of each server, for a shard that restarts. */
const states = new Map<string, 'up' | 'down'>();
let dropped: Dropped | undefined;
let ending = false;
/** All checks by id. */
let wanted = new Map<string, CheckSpec>();
const events: ShardEvents = {message: onShard, ended: onEnd};
const reports = makeReportRounds(say, ownerOf, () => wanted.values());
const quarantine = makeConfined({
  events,
  log,
  specOf: (id) => wanted.get(id),
  homeOf,
  homes: () => shards,
  configureShard,
});

const all = (): Shard[] => [...shards, ...quarantine.shards, ...(commands ? [commands] : [])];

function homeOf(spec: CheckSpec): Shard | undefined {
  return isCommand(spec) ? commands : shards[shardOfVirtual.get(virtualOf(spec)) ?? -1];
}

function ownerOf(id: string): Shard | undefined {
  const spec = wanted.get(id);
  return spec && (quarantine.shardOf(id) ?? homeOf(spec));
}

function onEnd(shard: Shard, how: string): void {
  reports.without(shard);
  if (!ending && !shard.retired) onDeath(shard, how);
}

function onDeath(shard: Shard, how: string): void {
  const virtuals = new Set(shard.specs.map(virtualOf)).size;
  log(
    'error',
    `the ${shard.name} of ${virtuals} virtual services ended (${how}); their servers keep their state`,
  );
  // A quarantine that cannot be started is dropped; its checks continue in their own shards.
  if (shard.costs === 'quarantine' && !shard.ready) return quarantine.giveUp(how);
  // Without root it cannot start a process of another user, nor perhaps read its own program: the supervisor restarts it.
  if (dropped && (shard === commands || !shard.ready)) return leave('it cannot be started by this user');
  restartShard(shard, events);
}

function onShard(shard: Shard, message: FromShard): void {
  switch (message.type) {
    case 'ready':
      shard.ready = true;
      if (shard.become) tell(shard, shard.become);
      tell(shard, {type: 'treat', costs: quarantine.costsOf(shard)});
      return configureShard(shard);
    case 'verdict': {
      const {id, state} = message.report;
      // A late message of a shard that has handed the check over meanwhile.
      if (ownerOf(id) !== shard) return;
      if (state !== 'unknown') states.set(id, state);
      return say(message);
    }
    case 'reports':
      return reports.answered(shard, message);
    case 'handover':
      return quarantine.onHandOver(shard, message);
    case 'log':
      return say(message);
  }
}

function configureShard(shard: Shard): void {
  const specs = shard.specs.map((spec) => {
    const initial = states.get(spec.id) ?? spec.initial;
    return initial === undefined ? spec : {...spec, initial};
  });
  tell(shard, {type: 'configure', specs});
  for (const [id, carried] of shard.adopting) {
    const spec = shard.specs.find((candidate) => candidate.id === id);
    if (spec) tell(shard, {type: 'adopt', spec, carried});
  }
  if (shard.ready) shard.adopting.clear();
}

/** Exits, so that the supervisor starts a new process as root. */
function leave(why: string): void {
  ending = true;
  say({type: 'log', level: 'info', message: `the checks process restarts: ${why}`}, () => process.exit(0));
}

/** Drops root, keeping only what the checks need; true when it is too late for that and a new process is required. */
function drop(specs: readonly CheckSpec[], identity: Identity): boolean {
  // Without a server to check there is no risk yet, and the checks' needs are unknown.
  if (!isRoot || specs.length === 0) return false;
  const needs = {
    raw: specs.some(mayPing),
    scripts: specs.some(isCommand),
    identity: JSON.stringify([identity.checkUser, identity.scriptUser]),
  };
  if (dropped)
    return (
      (needs.raw && !dropped.raw) ||
      (needs.scripts && !dropped.scripts) ||
      needs.identity !== dropped.identity
    );
  const {check, script, warnings} = chooseAccounts(identity);
  for (const warning of warnings) log('warn', warning);
  if (commands && script) becomeAt(commands, script, {raw: false, setuidPrograms: true, groups: true});
  else if (commands) log('warn', 'external checks run as root: hactl_script_user names a user for them');
  if (!check) return false;
  const remains = {raw: needs.raw, setuidPrograms: false, groups: false};
  for (const shard of shards) becomeAt(shard, check, remains);
  becomeUser(check, remains);
  dropped = needs;
  return false;
}

function becomeAt(shard: Shard, account: Account, remains: Remains): void {
  shard.become = {type: 'become', account, remains};
  tell(shard, shard.become);
}

function configure(specs: readonly CheckSpec[], identity: Identity): void {
  const network = specs.filter((spec) => !isCommand(spec));
  const virtuals = new Set(network.map(virtualOf)).size;
  const count = Math.max(shards.length, shardCount(virtuals, os.availableParallelism()));
  if (!dropped && specs.some(isCommand))
    commands ??= newShard('process for external commands', 'keep', events);
  while (shards.length < count) shards.push(newShard('checks process', 'handover', events));
  if (drop(specs, identity)) return leave('the new checks need privileges that this process has dropped');
  wanted = new Map(specs.map((spec) => [spec.id, spec]));
  for (const id of states.keys()) if (!wanted.has(id)) states.delete(id);
  shardOfVirtual = placeVirtuals(network, shardOfVirtual, shards.length);
  quarantine.configure(network);
  for (const [index, shard] of shards.entries()) {
    shard.specs = network.filter(
      (spec) => shardOfVirtual.get(virtualOf(spec)) === index && !quarantine.shardOf(spec.id),
    );
    configureShard(shard);
  }
  if (!commands) return;
  commands.specs = specs.filter(isCommand);
  configureShard(commands);
}

process.on('message', (message: ToChecks) => {
  if (ending) return;
  switch (message.type) {
    case 'configure':
      return configure(message.specs, message.identity ?? {});
    case 'report':
      return reports.ask(all());
    case 'stop':
      // The shards see the channel close, and end themselves and their children.
      process.exit(0);
  }
});
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// The first shard loads meanwhile, also in a standby process.
shards.push(newShard('checks process', 'handover', events));
say({type: 'ready', pid: process.pid});
