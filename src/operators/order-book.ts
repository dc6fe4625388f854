/** The operators' orders on disk: in force again after a restart. What they mean is decided in orders.ts. */
import {lookup} from 'node:dns/promises';
import {readFileSync, renameSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {LdirectordConfig} from '@hactl/config';
import type {OrderOutcome, OrderView} from '../control/protocol.ts';
import {CommandError} from '../control/error.ts';
import type {Log} from '../system/log.ts';
import {type OrderState} from '../control/orders.ts';
import {
  AHEAD_MOST,
  readKeptOrders,
  mergeOrders,
  nextTime,
  noOrders,
  readOrders,
  withOrders,
} from './order-state.ts';
import {carryOut, isOrderRequest, orderedHeld, orderedWeights, orderViews} from './orders.ts';
import {placesOf, readReal} from './order-targets.ts';

export interface OrderBook {
  /** Takes files into use: what the orders reach is found anew. */
  configure(files: readonly LdirectordConfig[]): void;
  /** Carries a request out and writes it down; throws a CommandError when it does not fit. */
  order(request: object, beside: Beside): Promise<OrderOutcome>;
  /** All orders, and those taken back: what the other director is given. */
  readonly state: OrderState;
  /** Adds what the other director knows; throws a CommandError when that is no list of orders. */
  take(theirs: unknown): void;
  /** Ordered weights and reals in maintenance, by check. */
  readonly weights: ReadonlyMap<string, number>;
  readonly held: ReadonlyMap<string, string>;
  views(heldByFile: ReadonlyMap<string, string>): readonly OrderView[];
}

/** What else an operator must know of when giving orders. */
interface Beside {
  /** Reals that a maintenancedir holds, by check. */
  readonly heldByFile: ReadonlyMap<string, string>;
}

export interface OrderBookOptions {
  readonly stateDir: string;
  readonly log: Log;
  readonly wall: () => number;
  /** The table must be looked at again. */
  readonly changed: () => void;
}

/** Opens the book. A damaged file is said and kept aside: the director runs without the orders rather than not at all. */
export function openOrderBook(options: OrderBookOptions): OrderBook {
  const {log} = options;
  const file = path.join(options.stateDir, 'orders.json');
  let files: readonly LdirectordConfig[] = [];
  let state = noOrders;
  let weights: ReadonlyMap<string, number> = new Map();
  let held: ReadonlyMap<string, string> = new Map();
  try {
    const kept = readKeptOrders(JSON.parse(readFileSync(file, 'utf8')));
    if (!kept) throw new Error('not a list of orders');
    if (kept.refused > 0 && kept.state.orders.length + kept.state.ended.length === 0)
      throw new Error(`none of its ${kept.refused} entries is an order`);
    if (kept.refused > 0) log('warn', `${file}: ${kept.refused} entries are no orders; left out`);
    state = kept.state;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log('error', `${file} cannot be used, drained and held reals are forgotten: ${String(error)}`);
      try {
        renameSync(file, `${file}.damaged`);
      } catch {
        // It was said above; there is nothing to keep aside.
      }
    }
  }
  const find = (): void => {
    const places = placesOf(files);
    weights = orderedWeights(state.orders, places);
    held = orderedHeld(state.orders, places);
  };
  /** First on the disk, then in force. */
  const keep = (next: OrderState): void => {
    writeFileSync(`${file}.new`, `${JSON.stringify({version: 1, ...next}, null, 2)}\n`, {mode: 0o600});
    renameSync(`${file}.new`, file);
    state = next;
    find();
  };
  const lookUp = async (reals: readonly string[]): Promise<Map<string, readonly string[]>> =>
    new Map(
      await Promise.all(
        reals.flatMap((word) => {
          const host = readReal(word)?.host;
          if (host === undefined || /^[\d.]+$|:/.test(host)) return [];
          return [
            lookup(host, {all: true}).then(
              (found) => [host, found.map(({address}) => address)] as const,
              () => [host, [] as string[]] as const,
            ),
          ];
        }),
      ),
    );

  return {
    configure: (next) => {
      files = next;
      find();
    },
    order: async (request, {heldByFile}) => {
      if (!isOrderRequest(request))
        throw new CommandError('bad-request', 'this is no order for real servers');
      const names = await lookUp(request.reals);
      const when = nextTime(state, options.wall());
      const done = carryOut(state.orders, request, files, (host) => names.get(host) ?? [], when);
      if (!done.ok) throw new CommandError('no-such', done.fault);
      try {
        keep(withOrders(state, done.value.orders, when));
      } catch (error) {
        throw new CommandError(
          'state',
          `the order was not carried out: ${file} cannot be written: ${String(error)}`,
        );
      }
      for (const line of done.value.lines)
        log(
          'info',
          `order by ${request.who}: ${line}${request.reason === undefined ? '' : ` (${request.reason})`}`,
        );
      options.changed();
      const notes: string[] = [];
      if (request.action === 'maintenance-off')
        for (const {target, reals} of orderViews([], placesOf(files), heldByFile))
          if (done.value.ids.some((id) => reals.includes(id)))
            notes.push(`${target} stays in maintenance: a file in its maintenancedir holds it`);
      return {lines: done.value.lines, notes};
    },
    get state() {
      return state;
    },
    take: (theirs) => {
      const read = readOrders(theirs, options.wall() + AHEAD_MOST);
      if (!read)
        throw new CommandError(
          'bad-request',
          "this is no list of orders, or one is more than a day ahead of this director's clock",
        );
      const next = mergeOrders(state, read);
      if (JSON.stringify(next) === JSON.stringify(state)) return;
      const before = new Set(state.orders.map((order) => JSON.stringify(order)));
      keep(next);
      const news = next.orders.filter((order) => !before.has(JSON.stringify(order)));
      const gone = before.size + news.length - next.orders.length;
      log('info', `orders of the other director: ${news.length} taken over, ${gone} taken back`);
      options.changed();
    },
    get weights() {
      return weights;
    },
    get held() {
      return held;
    },
    views: (heldByFile) => orderViews(state.orders, placesOf(files), heldByFile),
  };
}
