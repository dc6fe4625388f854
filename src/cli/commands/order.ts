import os from 'node:os';
import {ask} from '../../control/client.ts';
import type {OrderRequest} from '../../control/protocol.ts';
import {CliError, exit} from '../exit.ts';
import {orderLines} from '../render/render-status.ts';
import {jsonText, shownLine} from '../render/shown.ts';
import {ORDER_LIMIT_MS} from '../../system/limits.ts';

/** The user behind sudo, if any. */
function whoAmI(): string {
  const sudo = process.env.SUDO_USER;
  if (sudo !== undefined && sudo !== '') return sudo;
  try {
    return os.userInfo().username;
  } catch {
    // A user without a name in the user database.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** `hactl drain|undrain|weight|maintenance on|off`: the daemon saves the override and changes the table. */
export async function order(
  socket: string,
  what: Pick<OrderRequest, 'action' | 'reals' | 'weight'>,
  options: {virtual?: string; reason?: string; json?: boolean},
): Promise<number> {
  const {virtual, reason, json} = options;
  if (what.action === 'weight' && !Number.isInteger(what.weight))
    throw new CliError(exit.config, 'a weight is a whole number from 0 to 65535, or reset');
  const request: OrderRequest = {
    ...what,
    who: whoAmI(),
    ...(virtual === undefined ? {} : {virtual}),
    ...(reason === undefined ? {} : {reason}),
  };
  const outcome = await ask(socket, {command: 'order', ...request}, ORDER_LIMIT_MS);
  if (json) process.stdout.write(jsonText({version: 1, ...outcome}) + '\n');
  else {
    process.stdout.write(outcome.lines.map((line) => `${shownLine(line)}\n`).join(''));
    for (const note of outcome.notes) process.stderr.write(`note: ${shownLine(note)}\n`);
  }
  return exit.ok;
}

/** `hactl maintenance list`: every override in force, and maintenance by files. */
export async function listMaintenance(socket: string, options: {json?: boolean}): Promise<number> {
  const {orders = []} = await ask(socket, {command: 'status'}, ORDER_LIMIT_MS);
  process.stdout.write(
    options.json
      ? jsonText({version: 1, orders}) + '\n'
      : `${orders.length === 0 ? 'no orders' : orderLines(orders).join('\n')}\n`,
  );
  return exit.ok;
}

/** Every real server by its address with and without port, for completions. */
export async function printReals(socket: string): Promise<number> {
  const {virtuals} = await ask(socket, {command: 'status'}, ORDER_LIMIT_MS);
  const shown = virtuals.flatMap(({reals}) =>
    reals.filter(({check}) => !['fallback', 'foreign'].includes(check)).map(({name}) => name),
  );
  const bare = shown.map((name) => name.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
  process.stdout.write([...new Set([...bare, ...shown])].map((name) => `${shownLine(name)}\n`).join(''));
  return exit.ok;
}
