/**
 * checktype=external: the configured command, `COMMAND VIP VPORT RIP RPORT`; exit status 0 is up. Or Piranha's sending
 * program, whose output is compared.
 */
import type {ChildProcess} from 'node:child_process';
import {makeReaper, type Clock, type Millis} from '@hactl/base';
import {endGroup, startProgram} from '@hactl/base/run';
import {commandEnvironment} from '../environment.ts';
import type {CheckSpec, WantedWeight} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {shortageOf} from './connect.ts';
import {startDeadline} from './deadline.ts';
import {Meter} from './meter.ts';

const TERM_GRACE = 500;

/** The output is read up to this length, and for this long after the command ends: a grandchild may hold the pipe open. */
const OUTPUT_MAX = 1_000;
const OUTPUT_GRACE = 200;
/** A command that prints more than this in one run is killed. */
const PRINTED_MAX = 1 << 20;
const forkFailures: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);
/** Characters shown of an unexpected output. */
const SHOWN = 60;
const WEIGHT_MAX = 65_535;

/** `weight 5`, `weight=5`, `weight 50%` on a line of its own; the last one applies. */
export function readWeight(output: string): WantedWeight | undefined {
  const [, digits, sign] = [...output.matchAll(/^weight[ =](\d{1,5})(%?)\s*$/gm)].at(-1) ?? [];
  const value = Number(digits);
  if (digits === undefined || value > WEIGHT_MAX) return undefined;
  return {value, percent: sign === '%'};
}

/** The command's argument vector. */
function argvOf(spec: CheckSpec): readonly string[] {
  const {sendProgram, address, realPort} = spec;
  if (sendProgram)
    return sendProgram.command
      .trim()
      .split(/\s+/)
      .map((word) => word.replaceAll('%h', address).replaceAll('%p', String(realPort)));
  const command = spec.checkCommand ?? '/bin/true';
  const words = [spec.virtualAddress, String(spec.virtualPort), address, String(realPort)];
  return spec.checkType.kind === 'external-perl' ? ['perl', command, ...words] : [command, ...words];
}

/** Running commands are killed when this process ends, for whatever reason. */
const reaper = makeReaper();

/** Runs the command in its own process group; after `limit` the whole group is killed. */
export function probeExternal(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const argv = argvOf(spec);
    const [command = ''] = argv;
    const expected = spec.sendProgram?.expect;
    reaper.prepare();
    let child: ChildProcess;
    try {
      child = startProgram(command, argv.slice(1), {
        env: commandEnvironment(process.env),
        read: spec.dynamicWeight || expected !== undefined ? 'stdout' : 'none',
      });
    } catch (error) {
      // Lack of memory for a process is thrown; other failures come as an event.
      const {code, message} = error as NodeJS.ErrnoException;
      const reason = `${command} cannot be run: ${code ?? message}`;
      resolve({passed: false, reason, took: clock.now() - started, ...shortageOf(error as Error)});
      return;
    }
    const group = child.pid;
    if (group !== undefined) reaper.watch(group);
    let [output, printed] = ['', 0];
    child.stdout?.on('data', (chunk: Buffer) => {
      meter.enter();
      printed += chunk.length;
      if (output.length < OUTPUT_MAX) output = (output + chunk.toString()).slice(0, OUTPUT_MAX);
      if (printed > PRINTED_MAX) giveUp(`${command} prints more than ${PRINTED_MAX} octets: ended`);
    });
    let finished = false;
    const done = (passed: boolean, reason: string, more: Partial<ProbeResult> = {}): void => {
      if (finished) return;
      finished = true;
      deadline.clear();
      child.stdout?.destroy();
      const weight = passed && spec.dynamicWeight ? readWeight(output) : undefined;
      const asked = weight ? `, it wants weight ${weight.value}${weight.percent ? '%' : ''}` : '';
      resolve({
        passed,
        reason: `${reason}${asked}`,
        took: clock.now() - started,
        ...(weight ? {weight} : {}),
        ...more,
      });
    };
    const giveUp = (reason: string): void => {
      endGroup(child, TERM_GRACE, () => group !== undefined && reaper.forget(group));
      done(false, reason);
    };
    const deadline = startDeadline(clock, limit, () =>
      giveUp(`${command} did not end within ${limit} ms: ended`),
    );
    const meter = new Meter(giveUp);
    child.on('error', (error: NodeJS.ErrnoException) =>
      done(
        false,
        `${command} cannot be run: ${error.code ?? error.message}`,
        // Missing or not executable: a configuration error, so the check fails.
        forkFailures.has(error.code ?? '') ? shortageOf(error) : {},
      ),
    );
    child.on('exit', (code, name) => {
      // A command that was given up may leave children behind until they are killed.
      if (group !== undefined && !finished) reaper.forget(group);
      const status = `${command} ended with ${name ?? `exit status ${code}`}`;
      const end = (): void => {
        if (expected === undefined) return done(code === 0, status);
        const text = output.replace(/\n+$/, '');
        if (text === expected) done(true, `${command} printed what is expected`);
        else done(false, `${status}; it printed "${text.slice(0, SHOWN)}", not what is expected`);
      };
      if (!child.stdout || child.stdout.readableEnded || (code !== 0 && expected === undefined)) return end();
      child.stdout.on('end', end);
      setTimeout(end, OUTPUT_GRACE);
    });
  });
}
