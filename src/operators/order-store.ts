/** The operators' overrides on disk, restored after a restart. */
import {readFileSync, renameSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import type {OrderState} from '../control/orders.ts';
import type {Log} from '../system/log.ts';
import {noOrders, readKeptOrders} from './order-state.ts';

const fileOf = (stateDir: string): string => path.join(stateDir, 'orders.json');

/** A damaged file is reported and moved aside: the director runs without the overrides rather than not at all. */
export function loadOrders(stateDir: string, log: Log): OrderState {
  const file = fileOf(stateDir);
  try {
    const kept = readKeptOrders(JSON.parse(readFileSync(file, 'utf8')));
    if (!kept) throw new Error('not a list of overrides');
    const {state, refused} = kept;
    if (refused > 0 && state.orders.length + state.ended.length === 0)
      throw new Error(`none of its ${refused} entries is an override`);
    if (refused > 0) log('warn', `${file}: ${refused} entries are not valid overrides; skipped`);
    return state;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noOrders;
    log('error', `${file} cannot be used, overrides of real servers are forgotten: ${String(error)}`);
    try {
      renameSync(file, `${file}.damaged`);
    } catch {
      // Already reported above; nothing to move aside.
    }
    return noOrders;
  }
}

/** Why writing failed; undefined: they are on disk. */
export function writeOrders(stateDir: string, orders: OrderState): string | undefined {
  const file = fileOf(stateDir);
  try {
    replaceFile(file, `${JSON.stringify({version: 1, ...orders}, null, 2)}\n`, 0o600);
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${String(error)}`;
  }
}
