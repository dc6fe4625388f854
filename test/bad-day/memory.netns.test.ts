/**
 * A control group with too little memory for the spares: the kernel kills processes as they load. Whether the director serves
 * is read from the kernel, never from the daemon.
 */
import {existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {until} from '../lab/until.ts';
import {direct, LIMIT} from './director.fixture.ts';

const ROOT = '/sys/fs/cgroup';
/** Memory beyond the director's needs for serving, less than one spare. */
const ROOM = 8 * 2 ** 20;
/** Looks, half a second apart, over which the memory of a director that has loaded stays within one MB. */
const CALM = 10;

interface Files {
  readonly folder: string;
  readonly usage: string;
  readonly limit: string;
  /** File with a line `oom_kill COUNT`. */
  readonly events: string;
}

/** Creates a memory cgroup, version 1 or 2; undefined: this machine does not allow it. */
function makeGroup(): Files | undefined {
  const isSecond = existsSync(`${ROOT}/cgroup.controllers`);
  const folder = path.join(isSecond ? ROOT : `${ROOT}/memory`, `hactl-${process.pid}`);
  try {
    if (isSecond) writeFileSync(`${ROOT}/cgroup.subtree_control`, '+memory');
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  return isSecond
    ? {folder, usage: 'memory.current', limit: 'memory.max', events: 'memory.events'}
    : {folder, usage: 'memory.usage_in_bytes', limit: 'memory.limit_in_bytes', events: 'memory.oom_control'};
}

const scoreOf = (pid: string | number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));

/** Kills the spares that have loaded: on a busy machine they have before the director is seen to serve. */
async function killSpares(pids: readonly string[]): Promise<void> {
  const own = scoreOf(process.pid);
  // hactl offers its spares to the kernel's killer.
  const spares = pids.filter((pid) => existsSync(`/proc/${pid}`) && scoreOf(pid) > own);
  for (const pid of spares) process.kill(Number(pid), 'SIGKILL');
  await until('they have ended', LIMIT, () => !spares.some((pid) => existsSync(`/proc/${pid}`)));
}

/** Waits until every process has loaded: the director has its address before its checks and its spares have. */
async function settle(usage: () => number): Promise<void> {
  let [base, looks] = [usage(), 0];
  await until(
    'the director has loaded',
    LIMIT,
    () => {
      const now = usage();
      const isCalm = Math.abs(now - base) < 2 ** 20;
      [base, looks] = isCalm ? [base, looks + 1] : [now, 0];
      return looks >= CALM;
    },
    500,
  );
}

async function serveWithin(t: ExecutionContext, group: Files): Promise<void> {
  const read = (name: string): string => readFileSync(path.join(group.folder, name), 'utf8');
  const kills = (): number => Number(/^oom_kill (\d+)$/m.exec(read(group.events))?.[1] ?? 0);
  const director = await direct(t, 'km', {
    before: 'echo $$ >$DIR/pid.new; mv $DIR/pid.new $DIR/pid; while ! [ -e $DIR/go ]; do sleep 0.1; done',
  });
  const pid = await until('its shell runs', LIMIT, () => {
    const file = `${director.own}/pid`;
    return existsSync(file) && readFileSync(file, 'utf8').trim();
  });
  writeFileSync(path.join(group.folder, 'cgroup.procs'), pid);
  writeFileSync(`${director.own}/go`, '');
  await director.serves('at the start');
  const usage = (): number => Number(read(group.usage));
  await settle(usage);
  await killSpares(read('cgroup.procs').split('\n').filter(Boolean));
  writeFileSync(path.join(group.folder, group.limit), String(usage() + ROOM));
  // Each kill is a chance that the kernel kills once more before it has the first victim's memory back: a few are enough.
  await until('the kernel has killed three of its processes', LIMIT, () => kills() >= 3);
  t.true(await director.holds());
  t.notRegex(director.log(), /supervisor ended|Active -> Backup/);
}

test.serial('no memory for the spares: they are killed, and the director keeps serving', async (t) => {
  const group = makeGroup();
  if (!group) {
    t.log('not run: cannot create a control group with a memory limit here');
    t.pass();
    return;
  }
  // After the director: teardowns run in reverse.
  t.teardown(() =>
    until('the group is empty', LIMIT, () => {
      try {
        rmdirSync(group.folder);
      } catch {
        return false;
      }
      return true;
    }),
  );
  await serveWithin(t, group);
});
