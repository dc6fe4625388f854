/** Gathers the facts for hardening.ts: users, running processes in /proc, modes of directories. */
import {readdirSync, readFileSync, statSync} from 'node:fs';
import type {HardeningFacts, ProcessFacts} from './hardening.ts';

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended or never existed.
    return undefined;
  }
};

/** The union of all threads' capabilities: they belong to threads, not to the process. */
function effectiveOf(pid: number): bigint {
  let threads: readonly string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  return threads
    .map((thread) => /^CapEff:\s+(\S+)/m.exec(read(`/proc/${pid}/task/${thread}/status`) ?? '')?.[1] ?? '0')
    .reduce((all, mask) => all | BigInt(`0x${mask}`), 0n);
}

/** The facts about a process in /proc; undefined: it has ended. */
export function processFacts(name: string, pid: number): ProcessFacts | undefined {
  const [status, limits] = [read(`/proc/${pid}/status`), read(`/proc/${pid}/limits`)];
  if (status === undefined || limits === undefined) return undefined;
  const word = (field: string): string => new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '0';
  const core = /^Max core file size\s+(\S+)/m.exec(limits)?.[1];
  return {
    name,
    pid,
    uid: Number(word('Uid')),
    effective: effectiveOf(pid),
    bounding: BigInt(`0x${word('CapBnd')}`),
    umask: Number.parseInt(word('Umask'), 8),
    coreLimit: core === 'unlimited' ? Infinity : Number(core ?? 0),
  };
}

interface Named {
  readonly name: string;
  readonly pid: number;
}

const titleOf = (pid: number): string =>
  (read(`/proc/${pid}/cmdline`) ?? '').split('\0')[0]?.trim().split(' ')[0] ?? '';

/** The name of a process of hactld, as set by itself; undefined for spares and other processes. */
const hactlProcess = (pid: number): Named[] => {
  const title = titleOf(pid);
  return /^hactld(-|$)/.test(title) && title !== 'hactld-spare'
    ? [{name: title === 'hactld' ? 'launcher' : title.slice('hactld-'.length), pid}]
    : [];
};

const childrenOf = (pid: number): number[] =>
  (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
const parentOf = (pid: number): number[] => {
  const found = /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return found === undefined ? [] : [Number(found)];
};

/** Adds the processes that the daemon does not list: check shards, supervisor, launcher. */
export function allProcesses(listed: readonly Named[]): Named[] {
  const shards = listed.filter(({name}) => name === 'checks').flatMap(({pid}) => childrenOf(pid));
  const supervisors = listed.flatMap(({pid}) => parentOf(pid));
  const others = [...shards, ...supervisors, ...supervisors.flatMap(parentOf)].flatMap(hactlProcess);
  return [...new Map([...listed, ...others].map((process) => [process.pid, process])).values()];
}

const accounts = (): ReadonlySet<string> =>
  new Set((read('/etc/passwd') ?? '').split('\n').map((line) => line.split(':')[0] ?? ''));

/** `running`: the daemon's processes; `wanted`: directories and files with their maximum modes. */
export function readHardening(
  running: readonly {readonly name: string; readonly pid?: number}[],
  wanted: readonly {readonly path: string; readonly most: number}[],
): HardeningFacts {
  const users = accounts();
  return {
    hasUser: (name) => users.has(name),
    processes: allProcesses(
      running.flatMap(({name, pid}) => (pid === undefined ? [] : [{name, pid}])),
    ).flatMap(({name, pid}) => processFacts(name, pid) ?? []),
    paths: wanted.flatMap(({path, most}) => {
      const found = statSync(path, {throwIfNoEntry: false});
      return found ? [{path, most, mode: found.mode, uid: found.uid}] : [];
    }),
  };
}
