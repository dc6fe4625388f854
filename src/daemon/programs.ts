/** The child processes of a director: their programs and how they are started. */
import {NODE_OPTIONS} from '@hactl/checks/node-options';
import {programFile} from '../system/programs.ts';
import {makeSpareOf, type Program, type Spare} from './child.ts';

export const childNames = ['failover', 'checks', 'sync'] as const;
export type ChildName = (typeof childNames)[number];

export const programs: Readonly<Record<ChildName, Program>> = {
  // A small heap that the real-time thread collects itself: V8's helper threads do not have its priority.
  failover: {entry: programFile('failover'), execArgv: ['--single-threaded-gc', '--max-semi-space-size=1']},
  checks: {entry: programFile('checks'), execArgv: NODE_OPTIONS},
  // Netlink, sysctls and network sockets; its files belong to root, so it stays root.
  sync: {entry: programFile('sync'), capabilities: ['net_admin', 'net_raw', 'net_bind_service']},
};

/** Starts children in advance, idle. `loaded` is called when the last has loaded. */
export function prefork(
  names: readonly ChildName[],
  loaded: () => void = () => undefined,
): ReadonlyMap<string, Spare> {
  let loading = names.length;
  const countDown = (): void => {
    loading -= 1;
    if (loading === 0) loaded();
  };
  return new Map(names.map((name) => [name, makeSpareOf(programs[name], undefined, countDown)]));
}
