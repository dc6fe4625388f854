/** checktype=external: the user's own command, `COMMAND VIP VPORT RIP RPORT`; exit status 0 is up. */
import {spawn} from 'node:child_process';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';

const TERM_GRACE = 500;

/** Runs the command in a process group of its own; after `limit` the whole group is ended. */
export function probeExternal(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const command = spec.checkCommand ?? '/bin/true';
    const words = [spec.virtualAddress, String(spec.virtualPort), spec.address, String(spec.realPort)];
    const argv = spec.checkType.kind === 'external-perl' ? ['perl', command, ...words] : [command, ...words];
    const child = spawn(argv[0] ?? command, argv.slice(1), {detached: true, stdio: 'ignore'});
    let finished = false;
    const done = (passed: boolean, reason: string): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      resolve({passed, reason, took: clock.now() - started});
    };
    const signal = (name: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch {
        // The group is gone already.
      }
    };
    const timer = setTimeout(() => {
      signal('SIGTERM');
      setTimeout(() => signal('SIGKILL'), TERM_GRACE).unref();
      done(false, `${command} did not end within ${limit} ms: ended`);
    }, limit);
    child.on('error', (error: NodeJS.ErrnoException) =>
      done(false, `${command} cannot be run: ${error.code ?? error.message}`),
    );
    child.on('exit', (code, name) =>
      done(code === 0, `${command} ended with ${name ?? `exit status ${code}`}`),
    );
  });
}
