/**
 * Gives each virtual service to one of a few processes (shards) and hands on what they say. A server that breaks its
 * shard, or keeps it busy, costs the services of the others nothing. External commands have a process of their own, which
 * runs as another user. Once there is something to check, router and shards give up root.
 */
import {fork, type ChildProcess} from 'node:child_process';
import os from 'node:os';
import type {Millis} from '@hactl/base';
import {becomeUser, type Account, type Remains} from '@hactl/net/privileges';
import {chooseAccounts} from './accounts.ts';
import {shardEnvironment} from './environment.ts';
import type {CheckReport, CheckSpec, FromChecks, Identity, ToChecks, ToShard} from './messages.ts';
import {isCommand, mayPing, placeVirtuals, shardCount, virtualOf} from './placement.ts';

process.title = 'hactld-checks';
/** A shard that lived this long is restarted at once, others after a pause that doubles. */
const STABLE_AFTER: Millis = 5_000;
const PAUSE_FIRST: Millis = 50;
const PAUSE_MAX: Millis = 5_000;
/** A shard that does not answer in this time is left out of a report. */
const REPORT_LIMIT: Millis = 1_000;
const isRoot = process.getuid?.() === 0;

const say = (message: FromChecks, then?: () => void): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      // The supervisor's end is seen by 'disconnect'.
      then?.();
    });
  else then?.();
};
const log = (level: 'error' | 'warn' | 'info', message: string): void => say({type: 'log', level, message});

interface Shard {
  readonly name: string;
  process: ChildProcess | undefined;
  startedAt: number;
  ready: boolean;
  pause: Millis;
  timer?: NodeJS.Timeout | undefined;
  specs: readonly CheckSpec[];
  /** The user it becomes: sent before anything else. */
  become?: Extract<ToShard, {type: 'become'}>;
}

/** The privileges that were dropped. */
interface Dropped {
  readonly raw: boolean;
  readonly scripts: boolean;
  readonly identity: string;
}

const shards: Shard[] = [];
let commands: Shard | undefined;
let places = new Map<string, number>();
/** What is known of each server, for a shard that restarts. */
const states = new Map<string, 'up' | 'down'>();
let dropped: Dropped | undefined;
let ending = false;
let report:
  | {
      readonly waiting: Set<Shard>;
      readonly found: Extract<FromChecks, {type: 'reports'}>[];
      timer: NodeJS.Timeout;
    }
  | undefined;

const all = (): Shard[] => (commands ? [...shards, commands] : shards);

function tell(shard: Shard, message: ToShard): void {
  // Before it is ready it would not hear; then it is told all that counts.
  if (!shard.ready || !shard.process?.connected) return;
  shard.process.send(message, () => {
    /* A shard that dies under a send is seen by its exit. */
  });
}

function start(shard: Shard): void {
  shard.startedAt = performance.now();
  shard.ready = false;
  const child = fork(process.argv[1] ?? '', ['shard'], {
    execArgv: process.execArgv,
    env: shardEnvironment(process.env),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  shard.process = child;
  child.on('message', (message: FromChecks) => onShard(shard, message));
  let ended = false;
  const onEnd = (how: string): void => {
    if (ended) return;
    ended = true;
    shard.process = undefined;
    settleReport(shard);
    if (!ending) onDeath(shard, how);
  };
  child.on('exit', (code, signal) => onEnd(signal ?? `exit status ${code}`));
  child.on('error', (error) => onEnd(error.message));
}

function onDeath(shard: Shard, how: string): void {
  const virtuals = new Set(shard.specs.map(virtualOf)).size;
  log(
    'error',
    `the ${shard.name} of ${virtuals} virtual services ended (${how}); their servers keep their state`,
  );
  // Who gave up root cannot make another user's process, nor perhaps read its own program: the supervisor starts us anew.
  if (dropped && (shard === commands || !shard.ready)) return leave('it cannot be started by this user');
  const lived = performance.now() - shard.startedAt;
  shard.pause =
    lived > STABLE_AFTER ? 0 : Math.min(PAUSE_MAX, shard.pause === 0 ? PAUSE_FIRST : shard.pause * 2);
  shard.timer = setTimeout(() => {
    start(shard);
  }, shard.pause);
}

function onShard(shard: Shard, message: FromChecks): void {
  switch (message.type) {
    case 'ready':
      shard.ready = true;
      if (shard.become) tell(shard, shard.become);
      return configureShard(shard);
    case 'verdict': {
      const {id, state} = message.report;
      if (state !== 'unknown') states.set(id, state);
      return say(message);
    }
    case 'reports':
      if (report?.waiting.has(shard)) report.found.push(message);
      return settleReport(shard);
    case 'log':
      return say(message);
  }
}

/** A report is complete when every shard has answered, or cannot. */
function settleReport(shard?: Shard): void {
  if (!report) return;
  if (shard) report.waiting.delete(shard);
  else report.waiting.clear();
  if (report.waiting.size > 0) return;
  const {found, timer} = report;
  clearTimeout(timer);
  report = undefined;
  const most = (of: (lateness: {p50: number; p99: number; max: number}) => number): number =>
    Math.max(0, ...found.map(({lateness}) => of(lateness)));
  const reports: CheckReport[] = found.flatMap((status) => status.reports);
  // Of several processes the worst counts.
  const lateness = {p50: most(({p50}) => p50), p99: most(({p99}) => p99), max: most(({max}) => max)};
  say({type: 'reports', reports, lateness});
}

function askForReport(): void {
  if (report) return;
  const waiting = new Set(all().filter((shard) => shard.ready && shard.process));
  report = {waiting, found: [], timer: setTimeout(() => settleReport(), REPORT_LIMIT)};
  for (const shard of waiting) tell(shard, {type: 'report'});
  if (waiting.size === 0) settleReport();
}

const newShard = (name: string): Shard => {
  const shard: Shard = {name, process: undefined, startedAt: 0, ready: false, pause: 0, specs: []};
  start(shard);
  return shard;
};

function configureShard(shard: Shard): void {
  const specs = shard.specs.map((spec) => {
    const initial = states.get(spec.id) ?? spec.initial;
    return initial === undefined ? spec : {...spec, initial};
  });
  tell(shard, {type: 'configure', specs});
}

/** Ends this process, so that the supervisor starts one as root. */
function leave(why: string): void {
  ending = true;
  say({type: 'log', level: 'info', message: `the checks process restarts: ${why}`}, () => process.exit(0));
}

/** Gives up root for what is to be checked; true when that cannot be done any more, and another process must. */
function drop(specs: readonly CheckSpec[], identity: Identity): boolean {
  // Before there is a server to check there is nothing to fear, and nobody knows what checks will need.
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
  const wanted = Math.max(shards.length, shardCount(virtuals, os.availableParallelism()));
  if (!dropped && specs.some(isCommand)) commands ??= newShard('process for external commands');
  while (shards.length < wanted) shards.push(newShard('checks process'));
  if (drop(specs, identity)) return leave('they need what this process has given up');
  for (const id of states.keys()) if (!specs.some((spec) => spec.id === id)) states.delete(id);
  places = placeVirtuals(network, places, shards.length);
  for (const [index, shard] of shards.entries()) {
    shard.specs = network.filter((spec) => places.get(virtualOf(spec)) === index);
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
      return askForReport();
    case 'stop':
      // The shards see their end of the channel close, and end themselves and what they started.
      process.exit(0);
  }
});
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// The first one loads meanwhile, also in a process that stands by.
shards.push(newShard('checks process'));
say({type: 'ready', pid: process.pid});
