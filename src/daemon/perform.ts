/** Carries out the machine's decisions: passes each effect to its driver. */
import type {Clock} from '@hactl/base';
import {sendPriorityZero} from '@hactl/failover';
import type {Notifications} from '../alerts/notifications.ts';
import type {AskPeer} from '../control/answers.ts';
import type {Journal} from '../journal/journal-file.ts';
import {AHEAD_MOST, readOrders} from '../operators/order-state.ts';
import {writeOrders} from '../operators/order-store.ts';
import type {ResourceRunner} from '../resources/resource-runner.ts';
import {runCommand} from '../system/shell.ts';
import type {Log} from '../system/log.ts';
import type {PacketHoldDriver} from '../table/packet-hold-driver.ts';
import type {TableDriver} from '../table/table-driver.ts';
import type {Children} from './children.ts';
import type {CoreEffect, CoreEvent} from './core.ts';
import {linesOf} from './facts.ts';
import {removeVips} from './kernel.ts';
import type {Requests} from './requests.ts';
import {PEER_ASK_LIMIT_MS} from '../system/limits.ts';

export interface Performers {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly stateDir: string;
  readonly feed: (event: CoreEvent) => void;
  readonly children: Children;
  readonly table: TableDriver;
  readonly packetHold: PacketHoldDriver;
  readonly notifications: Notifications;
  readonly resources: ResourceRunner;
  readonly requests: Requests;
  readonly journal: Journal;
  readonly askPeer: AskPeer;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Performs effects; returns their immediate answers, and feeds later ones. */
export function performer(drivers: Performers): (effect: CoreEffect) => CoreEvent | void {
  const {log, children} = drivers;
  return (effect) => {
    for (const {level, text} of linesOf(effect)) log(level, text);
    switch (effect.type) {
      case 'to-engine':
        return children.toEngine(effect.message);
      case 'to-checks':
        return void children.checks.send(effect.message);
      case 'to-sync':
        return void children.sync.send(effect.message);
      case 'read-table':
        return drivers.table.read(effect.only);
      case 'apply-table':
        return drivers.table.apply(effect.operations);
      case 'hold-packets':
        return drivers.packetHold.hold(effect.held);
      case 'mail':
      case 'notify':
      case 'fallback-command':
      case 'monitor':
        return drivers.notifications.perform(effect);
      case 'run-scripts':
        return runScripts(drivers, effect);
      case 'fence-self':
        return fence(drivers, effect);
      case 'write-orders': {
        const problem = writeOrders(drivers.stateDir, effect.orders);
        return {type: 'orders-written', ...(problem === undefined ? {} : {problem})};
      }
      case 'exchange-orders':
        return exchange(drivers, effect);
      case 'ask-facts':
        return askFacts(drivers);
      case 'answer-order':
      case 'answer-peer':
      case 'refuse':
        return drivers.requests.answer(effect);
      case 'record':
        return drivers.journal.record(effect.draft);
      case 'remove-vips':
        return removeVips(effect.vips, log);
      case 'send-priority-zero':
        return void sendPriorityZero(effect.config, drivers.clock.wall()).catch((error: unknown) =>
          log('warn', `cannot announce priority 0 for the engine: ${String(error)}`),
        );
      default:
      // A fact: already in the log and in the journal.
    }
  };
}

function runScripts(
  {resources, feed}: Performers,
  {vrid, action}: Extract<CoreEffect, {type: 'run-scripts'}>,
): void {
  void resources
    .run(vrid, action)
    .catch((error: unknown) => ({ok: false, reason: reasonOf(error)}))
    .then((outcome) => feed({type: 'scripts-done', vrid, action, outcome}));
}

function fence({log, node}: Performers, {file, words}: Extract<CoreEffect, {type: 'fence-self'}>): void {
  void runCommand({file, words: [...words, node], name: `fence ${file}`}, log);
}

function exchange(
  {askPeer, feed, clock}: Performers,
  {orders}: Extract<CoreEffect, {type: 'exchange-orders'}>,
): void {
  void askPeer({command: 'orders', state: orders}, PEER_ASK_LIMIT_MS)
    .then((answer): CoreEvent => {
      const theirs = readOrders(answer, clock.wall() + AHEAD_MOST);
      if (theirs) return {type: 'exchanged', orders: theirs};
      const problem = 'the peer sent an invalid list of overrides, or its clock is more than a day ahead';
      return {type: 'exchange-failed', problem};
    })
    .catch((error: unknown): CoreEvent => ({type: 'exchange-failed', problem: reasonOf(error)}))
    .then(feed);
}

function askFacts({askPeer, feed}: Performers): void {
  void askPeer({command: 'facts'}, PEER_ASK_LIMIT_MS)
    .then(({facts}): CoreEvent => ({type: 'peer-facts', facts}))
    .catch((error: unknown): CoreEvent => ({type: 'peer-facts-failed', problem: reasonOf(error)}))
    .then(feed);
}
