/** Looks at what hardening.ts judges: users, running processes in /proc, modes of directories. */
import {readFileSync, statSync} from 'node:fs';
import type {HardeningFacts, ProcessFacts} from './hardening.ts';

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It ended, or is not there.
    return undefined;
  }
};

/** What /proc says of a process; undefined: it is gone. */
export function processFacts(name: string, pid: number): ProcessFacts | undefined {
  const [status, limits] = [read(`/proc/${pid}/status`), read(`/proc/${pid}/limits`)];
  if (status === undefined || limits === undefined) return undefined;
  const word = (field: string): string => new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '0';
  const core = /^Max core file size\s+(\S+)/m.exec(limits)?.[1];
  return {
    name,
    pid,
    uid: Number(word('Uid')),
    effective: BigInt(`0x${word('CapEff')}`),
    bounding: BigInt(`0x${word('CapBnd')}`),
    umask: Number.parseInt(word('Umask'), 8),
    coreLimit: core === 'unlimited' ? Infinity : Number(core ?? 0),
  };
}

const accounts = (): ReadonlySet<string> =>
  new Set((read('/etc/passwd') ?? '').split('\n').map((line) => line.split(':')[0] ?? ''));

/** `running`: the daemon's processes; `wanted`: directories and files with the most that their modes may be. */
export function readHardening(
  running: readonly {readonly name: string; readonly pid?: number}[],
  wanted: readonly {readonly path: string; readonly most: number}[],
): HardeningFacts {
  const users = accounts();
  return {
    hasUser: (name) => users.has(name),
    processes: running.flatMap(({name, pid}) => {
      const facts = pid === undefined ? undefined : processFacts(name, pid);
      return facts ? [facts] : [];
    }),
    places: wanted.flatMap(({path, most}) => {
      const found = statSync(path, {throwIfNoEntry: false});
      return found ? [{path, most, mode: found.mode, uid: found.uid}] : [];
    }),
  };
}
