/**
 * `watchdog /dev/watchdog` with the kernel's softdog. It is told not to reset the machine (`soft_noboot`): when it fires it
 * writes a line to the kernel's log. Needs the module: runs in the micro-VM.
 */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {until} from '../lab/until.ts';
import {direct, LIMIT} from './director.fixture.ts';

/** Seconds without being fed until it fires; hactld feeds it each second. An engine takes ten to load in the emulated machine. */
const MARGIN = 30;
const device = (file: string): string => readFileSync(`/sys/class/watchdog/watchdog0/${file}`, 'utf8').trim();
const kernelLines = (pattern: RegExp): number =>
  execFileSync('dmesg', {encoding: 'utf8', maxBuffer: 1 << 26})
    .split('\n')
    .filter((line) => pattern.test(line)).length;
const fired = (): number => kernelLines(/softdog.*Reboot ignored/);
const state = (expected: string): Promise<unknown> =>
  until(`the watchdog is ${expected}`, LIMIT, () => device('state') === expected);

/** Whether this output of `hactl status --json` says that an engine is loaded and waits. */
const engineSpare = (output: string): boolean =>
  output.startsWith('{') &&
  (JSON.parse(output) as {processes: {name: string; spare?: string}[]}).processes.some(
    ({name, spare}) => name === 'failover' && spare === 'loaded',
  );

test('softdog is fed while the engine runs, also by its successor; a hung engine does not feed it; a clean stop disarms it', async (t) => {
  t.timeout(600_000);
  execFileSync('modprobe', ['softdog', `soft_margin=${MARGIN}`, 'soft_noboot=1']);
  t.is(device('identity'), 'Software Watchdog');
  t.is(device('nowayout'), '0');
  t.is(device('state'), 'inactive');
  const director = await direct(t, 'w', {before: '', ha: 'watchdog /dev/watchdog\n'});
  await director.serves('with a watchdog');
  await state('active');
  const armed = performance.now();
  await until('it would have fired', LIMIT, () => performance.now() - armed > 1_200 * MARGIN);
  t.is(fired(), 0, 'fed');

  // Without a spare the successor loads first, which takes longer than the margin on a busy emulated machine.
  await until(
    'there is a spare engine',
    2 * LIMIT,
    async () => engineSpare(await director.hactl('status', '--json')),
    1_000,
  );
  await director.end('hactld-failover');
  await director.serves('after the engine was killed');
  const killed = performance.now();
  await until('it would have fired', LIMIT, () => performance.now() - killed > 1_200 * MARGIN);
  t.is(device('state'), 'active', 'a crash does not disarm it');
  t.is(fired(), 0, `its successor feeds it: ${director.log()}`);

  await director.end('hactld-failover', 'SIGSTOP');
  await until('it fires', LIMIT, () => fired() === 1);
  await director.end('hactld-failover', 'SIGCONT');
  await director.serves('running again');
  await director.end('hactld *$', 'SIGTERM');
  await state('inactive');
  t.is(kernelLines(/watchdog did not stop/), 1, 'after the crash only');
});
