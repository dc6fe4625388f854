/** Runs the checks process, as the supervisor does, on the virtual services of several configurations. */
import {fork} from 'node:child_process';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import type {CheckReport, FromChecks, ToChecks} from '@hactl/checks';
import type {VirtualService} from '@hactl/config';
import type {ExecutionContext} from 'ava';
import {checkSpec} from '../../src/table/services.ts';

const main = path.resolve(import.meta.dirname, '../../packages/checks/src/main.ts');
/** Generous: the machine is emulated. */
const LIMIT = 200_000;
const POLL = 50;
/** Overrides the files' intervals of up to a minute: the checks' results are tested, not their rate. */
const CHECK_INTERVAL = 2_000;

type Reports = ReadonlyMap<string, CheckReport>;

export interface Watch {
  /** Waits until these real servers are down, some for one file only, and all others up. */
  until(down: readonly string[], downIn?: Readonly<Record<string, readonly string[]>>): Promise<void>;
  reason(file: string, address: string): string;
}

/** `files`: the virtual services of each file. */
export async function watch(
  t: ExecutionContext<unknown>,
  files: Readonly<Record<string, readonly VirtualService[]>>,
): Promise<Watch> {
  const keys = new Map<string, {readonly file: string; readonly address: string}>();
  const specs = Object.entries(files).flatMap(([file, virtuals]) =>
    virtuals.flatMap((virtual) =>
      virtual.reals.map((real) => {
        const spec = checkSpec(virtual, real, undefined);
        const id = `${file} ${spec.id}`;
        keys.set(id, {file, address: real.address});
        return {...spec, id, checkInterval: Math.min(spec.checkInterval, CHECK_INTERVAL)};
      }),
    ),
  );
  const child = fork(main, [], {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const say = (message: ToChecks): void => void child.send(message);
  let hear: (reports: Reports) => void = () => undefined;
  let last: Reports = new Map();
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the checks process exited')));
    child.on('message', (message: FromChecks) => {
      if (message.type === 'ready') resolve();
      if (message.type === 'reports') hear(new Map(message.reports.map((report) => [report.id, report])));
    });
  });
  say({type: 'configure', specs});
  const ask = async (): Promise<Reports> => {
    const answer = new Promise<Reports>((resolve) => (hear = resolve));
    say({type: 'report'});
    last = await answer;
    return last;
  };
  /** Triggers one more check of every real server. */
  async function round(deadline: number): Promise<Reports> {
    const before = await ask();
    for (;;) {
      // oxlint-disable no-await-in-loop -- a condition with a deadline.
      const now = await ask();
      const done = specs.every(({id}) => (now.get(id)?.checks ?? 0) > (before.get(id)?.checks ?? 0));
      if (done || performance.now() > deadline) return now;
      await pause(POLL);
      // oxlint-enable no-await-in-loop
    }
  }
  return {
    until: async (down, downIn = {}) => {
      const deadline = performance.now() + LIMIT;
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- a condition with a deadline.
        const reports = await round(deadline);
        const wrong = [...keys].flatMap(([id, {file, address}]) => {
          const wanted = down.includes(address) || downIn[file]?.includes(address) ? 'down' : 'up';
          const {state, reason} = reports.get(id) ?? {};
          return state === wanted ? [] : [`${id} should be ${wanted} but is ${state}: ${reason}`];
        });
        if (wrong.length > 0 && performance.now() < deadline) continue;
        t.deepEqual(wrong, []);
        return;
      }
    },
    reason: (file, address) =>
      [...keys].flatMap(([id, key]) =>
        key.file === file && key.address === address ? (last.get(id)?.reason ?? '') : [],
      )[0] ?? '',
  };
}
