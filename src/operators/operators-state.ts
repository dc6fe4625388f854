/** State, events and effects of the operators' overrides. Pure. */
import type {Instant} from '@hactl/base';
import type {LdirectordConfig} from '@hactl/config';
import type {OrderState} from '../control/orders.ts';
import type {OrderOutcome, OrderRequest} from '../control/protocol.ts';
import {checkTargetsOf, type CheckTarget} from './order-targets.ts';
import {orderedHeld, orderedWeights} from './orders.ts';

/** The files in the maintenance directories, and the real servers' host names if a file is named after one. */
export interface MaintenanceFiles {
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
  readonly hostNames: ReadonlyMap<string, readonly string[]>;
}

/** The id of the request to answer. */
export type Reply = number;

export interface OperatorsState {
  readonly files: readonly LdirectordConfig[];
  readonly checkTargets: readonly CheckTarget[];
  readonly orders: OrderState;
  readonly weights: ReadonlyMap<string, number>;
  readonly heldByOrder: ReadonlyMap<string, string>;
  readonly maintenance: MaintenanceFiles;
  readonly heldByFile: ReadonlyMap<string, string>;
  /** Being written to disk. */
  readonly writing?: {
    readonly orders: OrderState;
    readonly reply?: Reply;
    readonly outcome?: OrderOutcome;
    readonly fact: OperatorsEffect;
  };
  readonly exchange: {
    /** The peer's name; undefined: there is no pair. */
    readonly peer?: string;
    readonly isUp: boolean;
    /** The peer may lack some of this director's overrides. */
    readonly due: boolean;
    readonly asking: boolean;
    readonly askAt: Instant;
    /** Why the last exchange failed. */
    readonly problem?: string;
    /** Requests waiting to learn whether the peer has their override. */
    readonly waiting: readonly {readonly reply: Reply; readonly outcome: OrderOutcome}[];
    /** How many of them the running exchange covers. */
    readonly covered: number;
  };
}

export type OperatorsEvent =
  | {
      readonly type: 'operator-config';
      readonly files: readonly LdirectordConfig[];
      readonly peer: string | undefined;
    }
  | {
      readonly type: 'order';
      readonly request: OrderRequest;
      /** The addresses of the host names in the request. */
      readonly addresses: ReadonlyMap<string, readonly string[]>;
      readonly reply: Reply;
    }
  /** The peer's overrides arrived with its own request. */
  | {readonly type: 'peer-orders'; readonly orders: OrderState; readonly reply: Reply}
  | {readonly type: 'orders-written'; readonly problem?: string}
  | {readonly type: 'exchanged'; readonly orders: OrderState}
  | {readonly type: 'exchange-failed'; readonly problem: string}
  | {readonly type: 'maintenance'; readonly maintenance: MaintenanceFiles}
  | {readonly type: 'peer-lives'; readonly lives: boolean}
  | {readonly type: 'tick'};

export type OperatorsEffect =
  /** Answered by `orders-written` before any other event. */
  | {readonly type: 'write-orders'; readonly orders: OrderState}
  | {readonly type: 'exchange-orders'; readonly orders: OrderState}
  | {readonly type: 'answer-order'; readonly reply: Reply; readonly outcome: OrderOutcome}
  | {readonly type: 'answer-peer'; readonly reply: Reply; readonly orders: OrderState}
  | {readonly type: 'refuse'; readonly reply: Reply; readonly code: string; readonly reason: string}
  /** The overrides in force may have changed. */
  | {readonly type: 'overrides-changed'}
  /** Facts for the log. */
  | {
      readonly type: 'order-given';
      readonly who: string;
      readonly reason?: string;
      readonly lines: readonly string[];
    }
  | {readonly type: 'orders-merged'; readonly added: number; readonly ended: number}
  | {readonly type: 'maintenance-changed'; readonly id: string; readonly on: boolean}
  | {readonly type: 'exchange-problem'; readonly problem: string};

export type OperatorsTurn = [OperatorsState, readonly OperatorsEffect[]];

const nothing: MaintenanceFiles = {files: new Map(), hostNames: new Map()};

export function initialOperators(
  files: readonly LdirectordConfig[],
  orders: OrderState,
  peer: string | undefined,
): OperatorsState {
  const checkTargets = checkTargetsOf(files);
  return {
    files,
    checkTargets,
    orders,
    weights: orderedWeights(orders.orders, checkTargets),
    heldByOrder: orderedHeld(orders.orders, checkTargets),
    maintenance: nothing,
    heldByFile: new Map(),
    exchange: {
      ...(peer === undefined ? {} : {peer}),
      isUp: false,
      due: true,
      asking: false,
      askAt: -Infinity,
      waiting: [],
      covered: 0,
    },
  };
}

/** Real servers in maintenance, each with the reason: the operator's override wins over a file. */
export const heldOf = ({heldByFile, heldByOrder}: OperatorsState): ReadonlyMap<string, string> =>
  heldByOrder.size === 0 ? heldByFile : new Map([...heldByFile, ...heldByOrder]);

export function nextOperatorsDeadline({exchange}: OperatorsState): Instant {
  const {peer, isUp, due, asking, askAt} = exchange;
  return peer !== undefined && isUp && due && !asking ? askAt : Infinity;
}
