/** Machines with one defect each, which the simulator must detect. */
import {ok} from '@hactl/base';
import {step, type Effect, type Event, type State} from '@hactl/failover';
import type {Violation} from './judge.ts';
import {production, type Machine} from './world.ts';

export interface Mutant {
  readonly name: string;
  readonly machine: Machine;
  /** First seed to try: one known to catch it quickly. */
  readonly from?: number;
  /** Invariants that may catch it. */
  readonly rules: readonly Violation['rule'][];
}

type Advert = Extract<Event, {type: 'advert'}>['advert'];

const hearing =
  (change: (advert: Advert) => Advert): Machine['step'] =>
  (config, state, event, now) =>
    step(config, state, event.type === 'advert' ? {...event, advert: change(event.advert)} : event, now);

const doing = (change: (effects: readonly Effect[]) => readonly Effect[]): Machine['step'] => (config, state, event, now) => {
  const [next, effects] = step(config, state, event, now);
  return [next, change(effects)];
}; // prettier-ignore

const withoutNewest = (state: State): State => ({
  ...state,
  peers: state.peers.map((peer) => {
    const {newest: _, ...rest} = peer;
    return rest;
  }),
});

export const mutants: readonly Mutant[] = [
  {
    name: 'no tie-break: no advert ever outranks another',
    machine: {...production, step: hearing((advert) => ({...advert, groups: advert.groups.map((group) => ({...group, priority: Math.min(group.priority, 1)}))}))},
    rules: ['two-holders', 'two-holders-on-lan', 'outage-without-cause', 'no-holder', 'restless'],
  },
  {
    name: 'stale adverts are accepted',
    from: 88,
    // Both guards are off: the replay window, and the machine's own freshness check.
    machine: {
      accept: (state, advert) => ok({...state, incarnation: advert.incarnation, newest: advert.sequence}),
      step: (config, state, event, now) =>
        step(config, event.type === 'advert' ? withoutNewest(state) : state, event, now),
    },
    rules: ['outage-without-cause', 'no-holder', 'restless', 'two-holders', 'hold-down'],
  },
  {
    name: 'no hold-down',
    machine: {...production, step: (config, state, event, now) => step({...config, holddown: 0}, state, event, now)},
    rules: ['hold-down'],
  },
  {
    name: 'acknowledgement bits are ignored',
    machine: {
      ...production,
      step: (config, state, event, now) =>
        step(
          config,
          state,
          event.type === 'advert'
            ? {...event, advert: {...event.advert, heard: 1, echoIncarnation: state.incarnation, echoSequence: state.sequence}}
            : event,
          now,
        ),
    },
    rules: ['two-holders', 'restless', 'outage-without-cause'],
  },
  {
    name: 'claims on the LAN are ignored',
    machine: {...production, step: (config, state, event, now) => (event.type === 'conflict' ? [state, []] : step(config, state, event, now))},
    rules: ['two-holders-on-lan'],
  },
  {
    name: 'addresses held by the peer in other groups are ignored',
    from: 15,
    machine: {...production, step: hearing((advert) => ({...advert, groups: advert.groups.map((group) => ({...group, addresses: []}))}))},
    rules: ['two-holders', 'two-holders-on-lan', 'restless', 'outage-without-cause'],
  },
  {
    name: 'a planned stop is break-before-make',
    machine: {...production, step: (config, state, event, now) => step(config, state, event.type === 'stop' ? {...event, leaveAddresses: true} : event, now)},
    rules: ['outage-without-cause'],
  },
  {
    name: 'the advert is sent before the address change',
    machine: {...production, step: doing((effects) => effects.toSorted((a, b) => Number(b.type === 'send-advert') - Number(a.type === 'send-advert')))},
    rules: ['order'],
  },
  {
    name: 'acquired addresses are not announced',
    machine: {...production, step: doing((effects) => effects.filter(({type}) => type !== 'announce'))},
    rules: ['order', 'two-holders-on-lan'],
  },
]; // prettier-ignore
