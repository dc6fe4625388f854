/** Whether another check may begin now: descriptors and commands are finite, and a quarantine has a budget of CPU. */
import type {Instant} from '@hactl/base';
import type {CheckSpec, Costs} from './messages.ts';
import {isCommand, virtualOf} from './placement.ts';
import {afterUse, fullBucket, type Bucket} from './quarantine.ts';
import {makeRooms} from './rooms.ts';

/** More probes than this at once wait for the next slot: descriptors are finite. */
const CONCURRENT_MAX = 4_000;
/** Maximum concurrent external commands, however many sockets are allowed. */
const COMMANDS_MAX = 32;
/** In quarantine each may take long: so many are begun in one slot, then the budget is looked at again. */
const QUARANTINE_STARTS = 4;

export interface Starts {
  /** A slot of the schedule begins. */
  slot(now: Instant): void;
  full(spec: CheckSpec): boolean;
  begin(spec: CheckSpec): void;
  end(spec: CheckSpec): void;
  treat(costs: Costs, now: Instant): void;
  /** These are checked from now on. */
  configure(specs: readonly CheckSpec[]): void;
}

export function makeStarts(): Starts {
  const rooms = makeRooms(COMMANDS_MAX);
  let [running, begun] = [0, 0];
  let bucket: Bucket | undefined;
  let cpuBefore = process.cpuUsage();
  return {
    slot: (now) => {
      begun = 0;
      if (!bucket) return;
      // What this process used since the last slot.
      const {user, system} = process.cpuUsage(cpuBefore);
      cpuBefore = process.cpuUsage();
      bucket = afterUse(bucket, (user + system) / 1_000, now);
    },
    full: (spec) =>
      running >= CONCURRENT_MAX ||
      (bucket !== undefined && (bucket.left <= 0 || begun >= QUARANTINE_STARTS)) ||
      (isCommand(spec) && !rooms.free(virtualOf(spec))),
    begin: (spec) => {
      running += 1;
      begun += 1;
      if (isCommand(spec)) rooms.take(virtualOf(spec));
    },
    end: (spec) => {
      running -= 1;
      if (isCommand(spec)) rooms.leave(virtualOf(spec));
    },
    treat: (costs, now) => {
      bucket = costs === 'quarantine' ? fullBucket(now) : undefined;
      cpuBefore = process.cpuUsage();
    },
    configure: (specs) => rooms.share(new Set(specs.filter(isCommand).map(virtualOf)).size),
  };
}
