/** The checks process, run on the virtual services of a configuration as the supervisor runs it. */
import {fork} from 'node:child_process';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import type {CheckReport, FromChecks, ToChecks} from '@hactl/checks';
import type {VirtualService} from '@hactl/config';
import type {ExecutionContext} from 'ava';
import {checkSpec} from '../../src/supervisor/services.ts';

const main = path.resolve(import.meta.dirname, '../../packages/checks/src/main.ts');
/** An emulated machine takes its time. */
const LIMIT = 200_000;
const POLL = 100;

export type States = Readonly<Record<string, 'up' | 'down'>>;

export interface Watch {
  /** Waits until the reals, by address, are in these states; checks are asked for at once, not at their interval. */
  until(wanted: States): Promise<void>;
  reason(address: string): string;
  stop(): Promise<void>;
}

export async function watch(
  t: ExecutionContext<unknown>,
  virtuals: readonly VirtualService[],
): Promise<Watch> {
  const specs = virtuals.flatMap((virtual) =>
    virtual.reals.map((real) => checkSpec(virtual, real, undefined)),
  );
  const addresses = new Map(specs.map(({id, address}) => [id, address]));
  const child = fork(main, [], {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const found = new Map<string, CheckReport>();
  let rounds = 0;
  const say = (message: ToChecks): void => void child.send(message);
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message: FromChecks) => {
      if (message.type === 'ready') resolve();
      if (message.type !== 'reports') return;
      rounds += 1;
      for (const report of message.reports) found.set(addresses.get(report.id) ?? '', report);
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.teardown(stop);
  await ready;
  say({type: 'configure', specs});
  return {
    until: async (wanted) => {
      const deadline = performance.now() + LIMIT;
      for (;;) {
        const round = rounds;
        say({type: 'check-now'});
        say({type: 'report'});
        // oxlint-disable-next-line no-await-in-loop -- a condition with a deadline.
        while (rounds === round && performance.now() < deadline) await pause(POLL);
        const states = Object.fromEntries(Object.keys(wanted).map((one) => [one, found.get(one)?.state]));
        if (Object.entries(wanted).every(([address, state]) => states[address] === state)) {
          t.pass();
          return;
        }
        if (performance.now() < deadline) continue;
        const reasons = [...found].map(([address, {reason}]) => `${address}: ${reason}`);
        t.deepEqual(states, wanted, reasons.join('\n'));
        return;
      }
    },
    reason: (address) => found.get(address)?.reason ?? '',
    stop,
  };
}
