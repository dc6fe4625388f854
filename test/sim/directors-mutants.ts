/** Supervisors with one defect each, which the simulator must detect. */
import {step, type CoreEffect, type CoreEvent, type CoreState} from '../../src/daemon/core.ts';
import {noOrders} from '../../src/operators/order-state.ts';
import type {DirectorsViolation} from './directors-judge.ts';

export interface DirectorsMutant {
  readonly name: string;
  readonly step: typeof step;
  /** Invariants that may catch it. */
  readonly rules: readonly DirectorsViolation['rule'][];
}

/** Replaces the effects to perform. */
const doing =
  (
    change: (effects: readonly CoreEffect[], event: CoreEvent, state: CoreState) => readonly CoreEffect[],
  ): typeof step =>
  (config, state, event, now) => {
    const [next, effects] = step(config, state, event, now);
    return [next, change(effects, event, next)];
  };
/** Replaces an incoming event; undefined: drops it. */
const hearing =
  (change: (event: CoreEvent) => CoreEvent | undefined): typeof step =>
  (config, state, event, now) => {
    const heard = change(event);
    return heard ? step(config, state, heard, now) : [state, []];
  };
/** Replaces the resulting state. */
const believing =
  (change: (state: CoreState, event: CoreEvent) => CoreState): typeof step =>
  (config, state, event, now) => {
    const [next, effects] = step(config, state, event, now);
    return [change(next, event), effects];
  };

export const directorsMutants: readonly DirectorsMutant[] = [
  {
    name: 'both directors speak for every service',
    step: (config, state, event, now) => {
      const [next, effects] = step(config, {...state, roles: {...state.roles, pair: false}}, event, now);
      return [{...next, roles: {...next.roles, pair: true}}, effects];
    },
    rules: ['mails', 'fallback', 'speaks', 'ready', 'roles'],
  },
  {
    name: 'the table is not audited',
    step: believing((state) => ({...state, table: {...state.table, auditAt: Infinity}})),
    rules: ['table', 'override'],
  },
  {
    name: 'overrides are not sent to the peer',
    step: doing((effects) => effects.filter(({type}) => type !== 'exchange-orders')),
    rules: ['override', 'table', 'mails', 'fallback'],
  },
  {
    name: 'overrides are not persisted',
    step: doing((effects) =>
      effects.map((effect) => (effect.type === 'write-orders' ? {...effect, orders: noOrders} : effect)),
    ),
    rules: ['override', 'table', 'fallback'],
  },
  {
    name: 'the peer’s overrides are not adopted',
    step: hearing((event) => {
      if (event.type === 'exchanged') return {...event, orders: noOrders};
      return event.type === 'peer-orders' ? {...event, orders: noOrders} : event;
    }),
    rules: ['override', 'table', 'fallback'],
  },
  {
    name: 'a group removed by a reload keeps its role',
    step: (config, state, event, now) => {
      const [next, effects] = step(config, state, event, now);
      if (event.type !== 'loaded') return [next, effects];
      const roles = new Map([...state.roles.roles, ...next.roles.roles]);
      return [{...next, roles: {...next.roles, roles}}, effects];
    },
    rules: ['roles', 'speaks'],
  },
  {
    name: 'a reload does not reach the engine',
    step: doing((effects, event) =>
      event.type === 'loaded' ? effects.filter(({type}) => type !== 'to-engine') : effects,
    ),
    rules: ['no-holder', 'two-holders', 'roles', 'speaks'],
  },
  {
    name: 'a refused entry is not retried',
    step: believing((state) => ({
      ...state,
      table: {
        ...state.table,
        refusals: new Map([...state.table.refusals].map(([key, one]) => [key, {...one, retryAt: Infinity}])),
      },
    })),
    rules: ['table', 'override', 'ready'],
  },
  {
    name: 'the engine’s transitions are ignored',
    step: hearing((event) =>
      event.type === 'engine' && event.message.type === 'transition' ? undefined : event,
    ),
    rules: ['roles', 'speaks', 'mails', 'fallback'],
  },
  {
    name: 'fallback commands are not undone',
    step: doing((effects) =>
      effects.filter((effect) => effect.type !== 'fallback-command' || effect.line.includes(' start ')),
    ),
    rules: ['fallback'],
  },
  {
    name: 'no mail is sent',
    step: doing((effects) => effects.filter(({type}) => type !== 'mail')),
    rules: ['mails'],
  },
];
