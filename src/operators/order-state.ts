/**
 * Overrides replicated between two directors: every override and revocation is timestamped; for a target the latest wins, so
 * both agree whatever the order of arrival. Pure.
 */
import type {Ended, Order, OrderState} from '../control/orders.ts';

/** Revocations older than this predate any plausible absence of a director. */
const ENDED_MOST = 200;

const keyOf = ({kind, address, port, virtual}: Ended): string =>
  JSON.stringify([kind, address, port ?? 0, virtual ?? '']);

const newest = (left: Ended, right: Ended): number =>
  right.when - left.when || (keyOf(left) < keyOf(right) ? -1 : 1);

/** The timestamp of a new change: later than every known one, even if the other director's clock is ahead. */
export const nextTime = ({orders, ended}: OrderState, wall: number): number =>
  Math.max(wall, ...[...orders, ...ended].map(({when}) => when + 1));

/** The state after an operator's request, which left these overrides. */
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

/** Merges states: commutative, associative and idempotent. */
export function mergeOrders(left: OrderState, right: OrderState): OrderState {
  const latest = new Map<string, {readonly order?: Order; readonly ended?: Ended}>();
  // Same time: a revocation wins; of two overrides either, but the same one on both directors.
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
    // Latest last: of two weights that cover a real server the later counts.
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
/** How far the other director's clock may be ahead, in ms: a later change here must still get a later time. */
export const AHEAD_MOST = 86_400_000;
/** Maximum length of an address, name or reason. */
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
 * Parses the file of an earlier daemon and counts its invalid entries: one bad entry must not cost the others. undefined: not
 * a list of overrides at all.
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
 * Validates the other director's state and sorts it as `mergeOrders` does; undefined: invalid, or an entry is later than
 * `latest`.
 */
export function readOrders(value: unknown, latest: number = LATEST): OrderState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {orders, ended = []} = value as Record<string, unknown>;
  if (!Array.isArray(orders) || !orders.every(isOrder)) return undefined;
  if (!Array.isArray(ended) || !ended.every(isEnded)) return undefined;
  if ([...orders, ...ended].some(({when}) => when > latest)) return undefined;
  return mergeOrders({orders, ended}, noOrders);
}
