/** The scheduled drill of ha.cf, by wall clock. Cron is not used for intervals. */
import {execFile} from 'node:child_process';
import type {Clock} from '@hactl/base';
import type {HaConfig} from '@hactl/config';
import cron from 'node-cron';
import type {Log} from '../system/log.ts';
import {programFile} from '../system/programs.ts';
import {makeMinutes, untilNextMinute} from './minutes.ts';

/** Keeps the configured drill scheduled. */
export function makeScheduledDrill(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly runDir: string;
  readonly stateDir: string;
  /** A drill did not run or did not finish: notify people. */
  readonly failed: (reason: string) => void;
}): {
  configure(ha: HaConfig | undefined): void;
  stop(): void;
} {
  const {clock, log, runDir, stateDir, failed} = options;
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  const stop = (): void => clearTimeout(timer);
  const drill = (): void => {
    if (isRunning) return;
    isRunning = true;
    log('info', 'scheduled drill: standby, then failback');
    const words = [programFile('hactl'), '--run-dir', runDir, 'drill', 'run', 'standby', '--yes'];
    const env = {...process.env, HACTL_STATE_DIR: stateDir};
    execFile(process.execPath, words, {env}, (error, stdout, stderr) => {
      isRunning = false;
      const text = `${stdout}${stderr}`.trim();
      log(error ? 'error' : 'info', `scheduled drill: ${text}`);
      if (error) failed(text);
    });
  };
  return {
    configure: (ha) => {
      stop();
      const schedule = ha?.hactl.drillSchedule;
      if (schedule === undefined) return;
      if (!cron.validate(schedule)) {
        log(
          'error',
          `hactl_drill: "${schedule}" is not a cron schedule of five fields; no drill is scheduled`,
        );
        return;
      }
      // node-cron's own timer counts every minute that a clock set forward leaves out, and waits out those set back.
      const task = cron.createTask(schedule, () => undefined);
      const isDue = makeMinutes((minute) => task.match(minute));
      const look = (): void => {
        if (isDue(clock.wall())) drill();
        timer = setTimeout(look, untilNextMinute(clock.wall()));
      };
      timer = setTimeout(look, untilNextMinute(clock.wall()));
    },
    stop,
  };
}
