/** A director's overrides: the slice with its file, and the test's peer and clock. */
import type {LdirectordConfig} from '@hactl/config';
import {CommandError} from '../control/error.ts';
import type {OrderState} from '../control/orders.ts';
import type {OrderOutcome, OrderRequest} from '../control/protocol.ts';
import {loadOrders, writeOrders} from './order-store.ts';
import {
  initialOperators,
  nextOperatorsDeadline,
  reduceOperators,
  type OperatorsEffect,
  type OperatorsEvent,
  type OperatorsState,
} from './slice.ts';

export function runOperators(options: {
  readonly stateDir: string;
  readonly files: readonly LdirectordConfig[];
  readonly peer?: string;
  /** Sends overrides to the peer; throws when it cannot. */
  readonly exchange?: (orders: OrderState) => OrderState;
  readonly log?: (level: string, message: string) => void;
}) {
  const log = options.log ?? (() => undefined);
  let now = 0;
  let state: OperatorsState = initialOperators(
    options.files,
    loadOrders(options.stateDir, log),
    options.peer,
  );
  const facts: OperatorsEffect[] = [];
  const answers = new Map<number, OrderOutcome | OrderState | CommandError>();
  function perform(effect: OperatorsEffect): void {
    switch (effect.type) {
      case 'write-orders': {
        const problem = writeOrders(options.stateDir, effect.orders);
        return feed({type: 'orders-written', ...(problem === undefined ? {} : {problem})});
      }
      case 'exchange-orders':
        try {
          return feed({type: 'exchanged', orders: options.exchange?.(effect.orders) ?? effect.orders});
        } catch (error) {
          return feed({type: 'exchange-failed', problem: (error as Error).message});
        }
      case 'answer-order':
        return void answers.set(effect.reply, effect.outcome);
      case 'answer-peer':
        return void answers.set(effect.reply, effect.orders);
      case 'refuse':
        return void answers.set(effect.reply, new CommandError(effect.code, effect.reason));
      default:
        facts.push(effect);
    }
  }
  function feed(event: OperatorsEvent): void {
    const [next, effects] = reduceOperators(state, event, {now, wall: 5});
    state = next;
    for (const effect of effects) perform(effect);
  }
  let reply = 0;
  return {
    feed,
    facts,
    get state() {
      return state;
    },
    order: (request: OrderRequest): OrderOutcome => {
      reply += 1;
      feed({type: 'order', request, addresses: new Map(), reply});
      const answer = answers.get(reply);
      if (answer instanceof Error || answer === undefined || !('lines' in answer)) throw answer;
      return answer;
    },
    /** The peer's request: its overrides, answered with the merged ones. */
    takes: (orders: OrderState): OrderState => {
      reply += 1;
      feed({type: 'peer-orders', orders, reply});
      const answer = answers.get(reply);
      if (answer instanceof Error || answer === undefined || 'lines' in answer) throw answer;
      return answer;
    },
    /** Advances the clock and runs what is due. */
    pass: (ms: number): void => {
      now += ms;
      if (nextOperatorsDeadline(state) <= now) feed({type: 'tick'});
    },
  };
}
