/**
 * The operators' overrides: those set over the control socket, files in maintenance directories, and the peer's replica. Pure.
 * An override is in force once it is on disk.
 */
import type {Millis, Moment} from '@hactl/base';
import type {LdirectordConfig} from '@hactl/config';
import type {OrderState} from '../control/orders.ts';
import {checkId} from '../table/services.ts';
import {inMaintenance, MAINTENANCE_REASON} from './maintenance.ts';
import {mergeOrders, nextTime, withOrders} from './order-state.ts';
import {
  nextOperatorsDeadline,
  type OperatorsEffect,
  type OperatorsEvent,
  type OperatorsState,
  type OperatorsTurn,
  type Reply,
} from './operators-state.ts';
import {checkTargetsOf} from './order-targets.ts';
import {carryOut, orderedHeld, orderedWeights, orderViews} from './orders.ts';

export {heldOf, initialOperators, nextOperatorsDeadline} from './operators-state.ts';
export type {
  MaintenanceFiles,
  OperatorsEffect,
  OperatorsEvent,
  OperatorsState,
  Reply,
} from './operators-state.ts';

const ASK_AGAIN: Millis = 10_000;

export function reduceOperators(state: OperatorsState, event: OperatorsEvent, moment: Moment): OperatorsTurn {
  switch (event.type) {
    case 'operator-config':
      return onConfig(state, event.files, event.peer);
    case 'order':
      return onOrder(state, event, moment);
    case 'peer-orders':
      return merge(state, event.orders, event.reply);
    case 'orders-written':
      return onWritten(state, event.problem, moment);
    case 'exchanged':
      return onExchanged(state, event.orders, moment);
    case 'exchange-failed':
      return onExchangeFailed(state, event.problem, moment);
    case 'maintenance':
      return withMaintenance({...state, maintenance: event.maintenance});
    case 'peer-lives': {
      const {exchange} = state;
      const due = exchange.due || (event.lives && !exchange.isUp);
      return [{...state, exchange: {...exchange, isUp: event.lives, due}}, []];
    }
    case 'tick':
      return moment.now < nextOperatorsDeadline(state) ? [state, []] : ask(state, moment);
  }
}

function onConfig(
  state: OperatorsState,
  files: readonly LdirectordConfig[],
  peer: string | undefined,
): OperatorsTurn {
  const checkTargets = checkTargetsOf(files);
  const {peer: _, ...exchange} = state.exchange;
  const next: OperatorsState = {
    ...state,
    files,
    checkTargets,
    weights: orderedWeights(state.orders.orders, checkTargets),
    heldByOrder: orderedHeld(state.orders.orders, checkTargets),
    exchange: {...exchange, ...(peer === undefined ? {} : {peer})},
  };
  const [operatorsState, effects] = withMaintenance(next);
  return [
    operatorsState,
    [...effects.filter(({type}) => type !== 'overrides-changed'), {type: 'overrides-changed'}],
  ];
}

/** Which real servers the files keep in maintenance now. */
function withMaintenance(state: OperatorsState): OperatorsTurn {
  const {maintenance} = state;
  const byFile = new Map<string, string>();
  for (const {maintenanceDir, virtuals} of state.files) {
    const names = maintenanceDir === undefined ? undefined : maintenance.files.get(maintenanceDir);
    if (!names || names.size === 0) continue;
    for (const virtual of virtuals) {
      const port = virtual.address.kind === 'address' ? virtual.address.port : 0;
      for (const real of virtual.reals)
        if (inMaintenance(real, real.port || port, names, maintenance.hostNames.get(real.address) ?? []))
          byFile.set(checkId(virtual, real), MAINTENANCE_REASON);
    }
  }
  const began = [...byFile.keys()].filter((id) => !state.heldByFile.has(id));
  const ended = [...state.heldByFile.keys()].filter((id) => !byFile.has(id));
  if (began.length === 0 && ended.length === 0) return [state, []];
  return [
    {...state, heldByFile: byFile},
    [
      ...began.map((id) => ({type: 'maintenance-changed' as const, id, on: true})),
      ...ended.map((id) => ({type: 'maintenance-changed' as const, id, on: false})),
      {type: 'overrides-changed'},
    ],
  ];
}

function onOrder(
  state: OperatorsState,
  {request, addresses, reply}: Extract<OperatorsEvent, {type: 'order'}>,
  {wall}: Moment,
): OperatorsTurn {
  const when = nextTime(state.orders, wall);
  const done = carryOut(state.orders.orders, request, state.files, (host) => addresses.get(host) ?? [], when);
  if (!done.ok) return [state, [{type: 'refuse', reply, code: 'no-such', reason: done.fault}]];
  const {orders, lines, ids} = done.value;
  const notes =
    request.action === 'maintenance-off'
      ? orderViews([], state.checkTargets, state.heldByFile)
          .filter(({reals}) => ids.some((id) => reals.includes(id)))
          .map(({target}) => `${target} stays in maintenance: a file in its maintenancedir holds it`)
      : [];
  const {who, reason} = request;
  const writing = {
    orders: withOrders(state.orders, orders, when),
    reply,
    outcome: {lines, notes},
    fact: {type: 'order-given' as const, who, lines, ...(reason === undefined ? {} : {reason})},
  };
  return [{...state, writing}, [{type: 'write-orders', orders: writing.orders}]];
}

const textsOf = ({orders}: OrderState): ReadonlySet<string> =>
  new Set(orders.map((order) => JSON.stringify(order)));

/** Merges the other director's overrides. */
function merge(state: OperatorsState, theirs: OrderState, reply?: Reply): OperatorsTurn {
  const orders = mergeOrders(state.orders, theirs);
  const answer: readonly OperatorsEffect[] =
    reply === undefined ? [] : [{type: 'answer-peer', reply, orders}];
  if (JSON.stringify(orders) === JSON.stringify(state.orders)) return [state, answer];
  const [before, after] = [textsOf(state.orders), textsOf(orders)];
  const writing = {
    orders,
    ...(reply === undefined ? {} : {reply}),
    fact: {
      type: 'orders-merged' as const,
      added: [...after].filter((text) => !before.has(text)).length,
      ended: [...before].filter((text) => !after.has(text)).length,
    },
  };
  return [{...state, writing}, [{type: 'write-orders', orders}]];
}

function onWritten(before: OperatorsState, problem: string | undefined, moment: Moment): OperatorsTurn {
  const {writing, ...state} = before;
  if (!writing) return [state, []];
  const {orders, reply, outcome, fact} = writing;
  if (problem !== undefined) {
    const reason = `the override was not set: ${problem}`;
    if (reply !== undefined) return [state, [{type: 'refuse', reply, code: 'state', reason}]];
    return exchangeProblem(state, problem);
  }
  const next: OperatorsState = {
    ...state,
    orders,
    weights: orderedWeights(orders.orders, state.checkTargets),
    heldByOrder: orderedHeld(orders.orders, state.checkTargets),
  };
  const effects: readonly OperatorsEffect[] = [fact, {type: 'overrides-changed'}];
  if (reply === undefined) return [next, effects];
  if (outcome === undefined) return [next, [...effects, {type: 'answer-peer', reply, orders}]];
  if (next.exchange.peer === undefined) return [next, [...effects, {type: 'answer-order', reply, outcome}]];
  // An override that the peer does not know would end with a takeover.
  const waiting = [...next.exchange.waiting, {reply, outcome}];
  const [asked, more] = ask({...next, exchange: {...next.exchange, waiting}}, moment);
  return [asked, [...effects, ...more]];
}

/** Exchanges overrides with the peer, one exchange at a time. */
function ask(state: OperatorsState, {now}: Moment): OperatorsTurn {
  if (state.exchange.asking) return [{...state, exchange: {...state.exchange, due: true}}, []];
  const covered = state.exchange.waiting.length;
  const exchange = {...state.exchange, due: false, asking: true, covered, askAt: now + ASK_AGAIN};
  return [{...state, exchange}, [{type: 'exchange-orders', orders: state.orders}]];
}

/** Answers the requests that the exchange covered; later ones get another exchange. */
function answered(state: OperatorsState, note: (peer: string) => string, moment: Moment): OperatorsTurn {
  const {waiting, covered, peer = 'the peer'} = state.exchange;
  const rest = waiting.slice(covered);
  const replies = waiting.slice(0, covered).map(({reply, outcome}) => ({
    type: 'answer-order' as const,
    reply,
    outcome: {...outcome, notes: [...outcome.notes, note(peer)]},
  }));
  const next = {...state, exchange: {...state.exchange, waiting: rest, covered: 0, asking: false}};
  if (rest.length === 0) return [next, replies];
  const [asked, more] = ask(next, moment);
  return [asked, [...replies, ...more]];
}

function onExchanged(before: OperatorsState, orders: OrderState, moment: Moment): OperatorsTurn {
  const [state, replies] = answered(before, (peer) => `${peer} has the override too`, moment);
  const {problem: _, ...exchange} = state.exchange;
  const [next, effects] = merge({...state, exchange}, orders);
  return [next, [...replies, ...effects]];
}

function onExchangeFailed(before: OperatorsState, problem: string, moment: Moment): OperatorsTurn {
  const [state, replies] = answered(
    before,
    (peer) => `${peer} does not have the override yet; it will get it when it is reachable: ${problem}`,
    moment,
  );
  const [next, effects] = exchangeProblem(state, problem);
  return [next, [...replies, ...effects]];
}

/** Retried until it works, reported once. */
function exchangeProblem(state: OperatorsState, problem: string): OperatorsTurn {
  const exchange = {...state.exchange, due: true, problem};
  const isNewProblem = problem !== state.exchange.problem;
  return [{...state, exchange}, isNewProblem ? [{type: 'exchange-problem', problem}] : []];
}
