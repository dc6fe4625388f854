/** Requests to the machine whose answers come as effects: each has its own id. */
import type {OrderState} from '../control/orders.ts';
import {CommandError} from '../control/error.ts';
import type {OrderOutcome} from '../control/protocol.ts';
import type {CoreEffect, CoreEvent} from './core.ts';

type Answer = Extract<CoreEffect, {type: 'answer-order' | 'answer-peer' | 'refuse'}>;

export interface Requests {
  /** `make` puts the id into the event. */
  order(make: (reply: number) => CoreEvent): Promise<OrderOutcome>;
  peerOrders(make: (reply: number) => CoreEvent): Promise<OrderState>;
  answer(effect: Answer): void;
}

export function makeRequests(feed: (event: CoreEvent) => void): Requests {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;

  const ask = <T>(make: (reply: number) => CoreEvent, read: (answer: Answer) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, (answer) => {
        const value = read(answer);
        if (value !== undefined) resolve(value);
        else if (answer.type === 'refuse') reject(new CommandError(answer.code, answer.reason));
      });
      feed(make(last));
    });

  return {
    order: (make) => ask(make, (answer) => (answer.type === 'answer-order' ? answer.outcome : undefined)),
    peerOrders: (make) => ask(make, (answer) => (answer.type === 'answer-peer' ? answer.orders : undefined)),
    answer: (effect) => {
      const resolve = waiting.get(effect.reply);
      waiting.delete(effect.reply);
      resolve?.(effect);
    },
  };
}
