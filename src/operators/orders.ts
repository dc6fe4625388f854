/**
 * Operators' overrides for real servers: drain, weight, maintenance. An override names real servers, not one check: a virtual service
 * that comes later is covered too. Pure.
 */
import {fail, ok, type Result} from '@hactl/base';
import type {LdirectordConfig} from '@hactl/config';
import type {OrderAction, OrderRequest, OrderView} from '../control/protocol.ts';
import {MAINTENANCE_REASON} from './maintenance.ts';
import {type Target} from '../control/orders.ts';
import {
  covers,
  nameOf,
  checkTargetsOf,
  readReal,
  readVirtual,
  targetsOf,
  type AddressesOf,
  type CheckTarget,
} from './order-targets.ts';
import type {Order} from '../control/orders.ts';

/** Whether a client's message is a well-formed request. */
export function isOrderRequest(request: object): request is OrderRequest {
  const has = (key: string, type: string, must: boolean): boolean => {
    const value: unknown = Reflect.get(request, key);
    return value === undefined ? !must : typeof value === type;
  };
  const reals: unknown = Reflect.get(request, 'reals');
  return (
    Object.hasOwn(kindOf, String(Reflect.get(request, 'action'))) &&
    Array.isArray(reals) &&
    reals.length > 0 &&
    reals.every((real) => typeof real === 'string') &&
    has('who', 'string', true) &&
    has('virtual', 'string', false) &&
    has('reason', 'string', false) &&
    has('weight', 'number', false)
  );
}

const kindOf: Readonly<Record<OrderAction, Order['kind']>> = {
  drain: 'drain',
  undrain: 'drain',
  weight: 'weight',
  'weight-reset': 'weight',
  'maintenance-on': 'maintenance',
  'maintenance-off': 'maintenance',
};

const gives = (action: OrderAction): boolean => ['drain', 'weight', 'maintenance-on'].includes(action);

const same = (left: Target, right: Target): boolean =>
  left.address === right.address && left.port === right.port && left.virtual === right.virtual;

/** Revokes the overrides for a target. A wider override is left alone and reported: it cannot be split. */
function revoke(
  orders: readonly Order[],
  kind: Order['kind'],
  target: Target,
  checkTargets: readonly CheckTarget[],
): Result<readonly Order[], string> {
  const mine = checkTargets.filter((checkTarget) => covers(target, checkTarget));
  const touching = orders.filter(
    (order) =>
      order.kind === kind && (same(order, target) || mine.some((checkTarget) => covers(order, checkTarget))),
  );
  if (touching.length === 0)
    return fail(`${nameOf(target)}: nothing to revoke, there is no such override (${kind})`);
  const wider = touching.find((order) =>
    checkTargets.some((checkTarget) => covers(order, checkTarget) && !mine.includes(checkTarget)),
  );
  if (wider && !same(wider, target))
    return fail(
      `${nameOf(target)} is covered by an override for ${nameOf(wider)} (${wider.kind}, by ${wider.who}): revoke that one, then set what should stay`,
    );
  return ok(orders.filter((order) => !touching.includes(order)));
}

interface Done {
  readonly orders: readonly Order[];
  readonly lines: readonly string[];
  readonly ids: readonly string[];
}

/** The overrides after a request; a request that is partly invalid changes nothing. `lines` reports the changes. */
export function carryOut(
  orders: readonly Order[],
  request: OrderRequest,
  files: readonly LdirectordConfig[],
  addressesOf: AddressesOf,
  when: number,
): Result<Done, string> {
  const checkTargets = checkTargetsOf(files);
  const {action, reals, weight} = request;
  if (action === 'weight' && !(Number.isInteger(weight) && (weight ?? -1) >= 0 && (weight ?? 0) <= 65_535))
    return fail(`a weight is a whole number from 0 to 65535, or reset`);
  const virtual = request.virtual === undefined ? ok(undefined) : readVirtual(request.virtual, checkTargets);
  if (!virtual.ok) return virtual;
  return reals.reduce<Result<Done, string>>(
    (done, word) => {
      if (!done.ok) return done;
      const targets = targetsOf(word, virtual.value, checkTargets, addressesOf);
      return targets.ok
        ? targets.value.reduce<Result<Done, string>>(
            (next, target) => (next.ok ? orderTarget(next.value, request, target, checkTargets, when) : next),
            done,
          )
        : (revokeUnconfigured(done.value, action, word) ?? targets);
    },
    ok({orders, lines: [], ids: []}),
  );
}

/** An override for a removed real server can still be revoked by the argument that set it. */
function revokeUnconfigured(done: Done, action: OrderAction, word: string): Result<Done, string> | undefined {
  const kind = kindOf[action];
  const read = readReal(word);
  const target = {address: read?.host ?? '', ...(read?.port === undefined ? {} : {port: read.port})};
  const left = done.orders.filter((order) => order.kind === kind && same(order, target));
  if (gives(action) || left.length === 0) return undefined;
  return ok({
    orders: done.orders.filter((order) => !left.includes(order)),
    lines: [...done.lines, `${word}: override revoked; no such real server is configured now`],
    ids: done.ids,
  });
}

function orderTarget(
  done: Done,
  {action, who, reason, weight}: OrderRequest,
  target: Target,
  checkTargets: readonly CheckTarget[],
  when: number,
): Result<Done, string> {
  const kind = kindOf[action];
  const order: Order = {
    kind,
    ...target,
    ...(action === 'weight' && weight !== undefined ? {weight} : {}),
    who,
    when,
    ...(reason === undefined ? {} : {reason}),
  };
  const orders: Result<readonly Order[], string> = gives(action)
    ? ok([...done.orders.filter((known) => known.kind !== kind || !same(known, target)), order])
    : revoke(done.orders, kind, target, checkTargets);
  if (!orders.ok) return orders;
  const ids = checkTargets.filter((checkTarget) => covers(target, checkTarget)).map(({id}) => id);
  return ok({
    orders: orders.value,
    lines: [...done.lines, ...ids.map((id) => `${id}: ${doneText(action, weight)}`)],
    ids: [...done.ids, ...ids],
  });
}

function doneText(action: OrderAction, weight: number | undefined): string {
  switch (action) {
    case 'drain':
      return 'drained: no new connections, existing ones continue';
    case 'undrain':
      return 'no longer drained';
    case 'weight':
      return `weight ${weight ?? 0}`;
    case 'weight-reset':
      return 'weight as configured';
    case 'maintenance-on':
      return 'in maintenance';
    case 'maintenance-off':
      return 'no longer in maintenance by override';
  }
}

const ordersAt = (orders: readonly Order[], checkTarget: CheckTarget): Order[] =>
  orders.filter((order) => covers(order, checkTarget));

/** Weights that differ from the configured ones, by check. Drained is 0; of two weights the later one wins. */
export function orderedWeights(
  orders: readonly Order[],
  checkTargets: readonly CheckTarget[],
): Map<string, number> {
  const weights = new Map<string, number>();
  if (orders.length === 0) return weights;
  for (const checkTarget of checkTargets) {
    const applying = ordersAt(orders, checkTarget);
    const weight = applying.findLast((order) => order.kind === 'weight')?.weight;
    if (applying.some((order) => order.kind === 'drain')) weights.set(checkTarget.id, 0);
    else if (weight !== undefined) weights.set(checkTarget.id, weight);
  }
  return weights;
}

const bySomeone = ({who, reason}: Order): string =>
  ` (by ${who}${reason === undefined ? '' : `: ${reason}`})`;

/** Real servers in maintenance by override, each with the reason, by check. */
export function orderedHeld(orders: readonly Order[], places: readonly CheckTarget[]): Map<string, string> {
  const maintained = new Map<string, string>();
  for (const checkTarget of orders.length === 0 ? [] : places) {
    const order = ordersAt(orders, checkTarget).findLast((order) => order.kind === 'maintenance');
    if (order) maintained.set(checkTarget.id, `${MAINTENANCE_REASON}${bySomeone(order)}`);
  }
  return maintained;
}

/** The overrides with the real servers that each matches now, and maintenance by file, for `status` and `maintenance list`. */
export const orderViews = (
  orders: readonly Order[],
  places: readonly CheckTarget[],
  heldByFile: ReadonlyMap<string, string>,
): OrderView[] => [
  ...orders.map(({kind, weight, who, when, reason, ...target}) => ({
    kind,
    target: nameOf(target),
    reals: places.filter((checkTarget) => covers(target, checkTarget)).map(({id}) => id),
    ...(weight === undefined ? {} : {weight}),
    who,
    when,
    ...(reason === undefined ? {} : {reason}),
  })),
  ...places
    .filter(({id}) => heldByFile.has(id))
    .map(({id, shown, virtual}) => ({
      kind: 'maintenance-file' as const,
      target: `${shown} in ${virtual}`,
      reals: [id],
    })),
];
