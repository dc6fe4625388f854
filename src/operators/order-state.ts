/**
 * The overrides as two directors keep them: each override and each revocation has its time; for one target the latest wins,
 * so both agree, in whatever order they received them. Pure.
 */
import type {Ended, Order, OrderState} from '../control/orders.ts';

/** Older ones are from before any absence of a director. */
const ENDED_MOST = 200;

const keyOf = ({kind, address, port, virtual}: Ended): string =>
  JSON.stringify([kind, address, port ?? 0, virtual ?? '']);

const newest = (left: Ended, right: Ended): number =>
  right.when - left.when || (keyOf(left) < keyOf(right) ? -1 : 1);

/** The time of what is said now: later than all that is known, also where the other director's clock is ahead. */
export const nextTime = ({orders, ended}: OrderState, wall: number): number =>
  Math.max(wall, ...[...orders, ...ended].map(({when}) => when + 1));

/** The state after an operator's request left these overrides. */
export function withOrders(before: OrderState, orders: readonly Order[], when: number): OrderState {
  const left = new Set(orders.map(keyOf));
  const gone = before.orders
    .filter((order) => !left.has(keyOf(order)))
    .map(({kind, address, port, virtual}) => ({
      kind,
      address,
      ...(port === undefined ? {} : {port}),
      ...(virtual === undefined ? {} : {virtual}),
      when,
    }));
  const ended = [...gone, ...before.ended.filter((ended) => !left.has(keyOf(ended)))];
  return mergeOrders({orders, ended}, noOrders);
}

/** No overrides. */
export const noOrders: OrderState = {orders: [], ended: []};

/** The merged state; the same in whichever order they are given, and again with what was merged before. */
export function mergeOrders(left: OrderState, right: OrderState): OrderState {
  const latest = new Map<string, {readonly order?: Order; readonly ended?: Ended}>();
  // Of the same time: taken back counts; of two orders any, but on both directors the same.
  const all = [
    ...[...left.orders, ...right.orders].map((order) => ({
      order,
      when: order.when,
      rank: JSON.stringify(order),
    })),
    ...[...left.ended, ...right.ended].map((ended) => ({ended, when: ended.when, rank: `~${keyOf(ended)}`})),
  ].toSorted((a, b) => a.when - b.when || (a.rank < b.rank ? -1 : 1));
  for (const statement of all) {
    const key = keyOf('order' in statement ? statement.order : statement.ended);
    // The last one said stands last: of two weights that cover a real server the later counts.
    latest.delete(key);
    latest.set(key, 'order' in statement ? {order: statement.order} : {ended: statement.ended});
  }
  const kept = [...latest.values()];
  return {
    orders: kept.flatMap(({order}) => (order ? [order] : [])),
    ended: kept
      .flatMap(({ended}) => (ended ? [ended] : []))
      .toSorted(newest)
      .slice(0, ENDED_MOST),
  };
}

/** A clock beyond 2200-01-01 is wrong. */
const LATEST = Date.UTC(2200, 0);
/** How far the other director's clock may be ahead: what is given later must still be later than its orders. In ms. */
export const AHEAD_MOST = 86_400_000;
/** Of an address, a name, a reason. */
const TEXT_MOST = 500;

const kinds: ReadonlySet<unknown> = new Set<Order['kind']>(['drain', 'weight', 'maintenance']);

function isEnded(item: unknown): item is Ended {
  if (typeof item !== 'object' || item === null) return false;
  const {address, kind, when, port, virtual} = item as Record<string, unknown>;
  return (
    typeof address === 'string' &&
    kinds.has(kind) &&
    Number.isSafeInteger(when) &&
    Number(when) >= 0 &&
    Number(when) <= LATEST &&
    address.length <= TEXT_MOST &&
    [port, virtual].every((value) => String(value).length <= TEXT_MOST) &&
    ['undefined', 'number'].includes(typeof port) &&
    ['undefined', 'string'].includes(typeof virtual)
  );
}

function isOrder(value: unknown): value is Order {
  if (!isEnded(value)) return false;
  const {who, reason, weight} = value as unknown as Record<string, unknown>;
  const weighs = Number.isInteger(weight) && (weight as number) >= 0 && (weight as number) <= 65_535;
  return (
    typeof who === 'string' &&
    who.length <= TEXT_MOST &&
    String(reason).length <= TEXT_MOST &&
    ['undefined', 'string'].includes(typeof reason) &&
    (value.kind === 'weight' ? weighs : weight === undefined)
  );
}

/**
 * What the file of an earlier daemon has, with the number of its entries that are none: an order that cannot be must not
 * cost the others. undefined: it is no list of orders at all.
 */
export function readKeptOrders(
  value: unknown,
): {readonly state: OrderState; readonly refused: number} | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {orders, ended = []} = value as Record<string, unknown>;
  if (!Array.isArray(orders) || !Array.isArray(ended)) return undefined;
  const good = {orders: orders.filter(isOrder), ended: ended.filter(isEnded)};
  return {
    state: mergeOrders(good, noOrders),
    refused: orders.length + ended.length - good.orders.length - good.ended.length,
  };
}

/**
 * Whatever the other director gave, as a state in the order that `mergeOrders` makes; undefined: it is none, or one of
 * its entries is later than `latest`.
 */
export function readOrders(value: unknown, latest: number = LATEST): OrderState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {orders, ended = []} = value as Record<string, unknown>;
  if (!Array.isArray(orders) || !orders.every(isOrder)) return undefined;
  if (!Array.isArray(ended) || !ended.every(isEnded)) return undefined;
  if ([...orders, ...ended].some(({when}) => when > latest)) return undefined;
  return mergeOrders({orders, ended}, noOrders);
}
