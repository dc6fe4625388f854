/** May another check start now? Descriptors and commands are limited, and a quarantine has a CPU budget. */
import type {Instant} from '@hactl/base';
import type {CheckSpec, Costs} from './messages.ts';
import {isCommand, virtualOf} from './placement.ts';
import {afterUse, fullBucket, type Bucket} from './quarantine.ts';
import {makeSlots} from './slots.ts';

/** Maximum concurrent probes, because descriptors are limited; further ones wait for the next slot. */
const CONCURRENT_MAX = 4_000;
/** Maximum concurrent external commands, however many sockets are allowed. */
const COMMANDS_MAX = 32;
/** In quarantine each may take long: this many are started per slot, then the budget is checked again. */
const QUARANTINE_STARTS = 4;

export interface Starts {
  /** A slot of the schedule begins. */
  slot(now: Instant): void;
  full(spec: CheckSpec): boolean;
  begin(spec: CheckSpec): void;
  end(spec: CheckSpec): void;
  treat(costs: Costs, now: Instant): void;
  /** Replaces the set of checks. */
  configure(specs: readonly CheckSpec[]): void;
}

export function makeStarts(): Starts {
  const slots = makeSlots(COMMANDS_MAX);
  let [running, begun] = [0, 0];
  let bucket: Bucket | undefined;
  let cpuBefore = process.cpuUsage();
  return {
    slot: (now) => {
      begun = 0;
      if (!bucket) return;
      // The CPU time used since the last slot.
      const {user, system} = process.cpuUsage(cpuBefore);
      cpuBefore = process.cpuUsage();
      bucket = afterUse(bucket, (user + system) / 1_000, now);
    },
    full: (spec) =>
      running >= CONCURRENT_MAX ||
      (bucket !== undefined && (bucket.left <= 0 || begun >= QUARANTINE_STARTS)) ||
      (isCommand(spec) && !slots.free(virtualOf(spec))),
    begin: (spec) => {
      running += 1;
      begun += 1;
      if (isCommand(spec)) slots.acquire(virtualOf(spec));
    },
    end: (spec) => {
      running -= 1;
      if (isCommand(spec)) slots.release(virtualOf(spec));
    },
    treat: (costs, now) => {
      bucket = costs === 'quarantine' ? fullBucket(now) : undefined;
      cpuBefore = process.cpuUsage();
    },
    configure: (specs) => slots.share(new Set(specs.filter(isCommand).map(virtualOf)).size),
  };
}
