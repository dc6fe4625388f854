/** Wall-clock chores: the scheduled drill announced in ha.cf. Intervals are never cron's business. */
import {execFile} from 'node:child_process';
import type {HaConfig} from '@hactl/config';
import cron, {type ScheduledTask} from 'node-cron';
import type {Log} from '../system/log.ts';
import {programFile} from '../system/programs.ts';

/** Keeps the chores of the configuration scheduled. */
export function scheduleChores(options: {
  readonly log: Log;
  readonly runDir: string;
  readonly stateDir: string;
  /** A drill was not done, or not to its end: people are to hear of it. */
  readonly failed: (reason: string) => void;
}): {
  configure(ha: HaConfig | undefined): void;
  stop(): void;
} {
  const {log, runDir, stateDir, failed} = options;
  let drill: ScheduledTask | undefined;
  const stop = (): void => {
    void drill?.destroy();
    drill = undefined;
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
      drill = cron.schedule(
        schedule,
        () => {
          log('info', 'scheduled drill: standby, then failback');
          const words = [programFile('hactl'), '--run-dir', runDir, 'drill', 'run', 'standby', '--yes'];
          const env = {...process.env, HACTL_STATE_DIR: stateDir};
          execFile(process.execPath, words, {env}, (error, stdout, stderr) => {
            const text = `${stdout}${stderr}`.trim();
            log(error ? 'error' : 'info', `scheduled drill: ${text}`);
            if (error) failed(text);
          });
        },
        {noOverlap: true},
      );
    },
    stop,
  };
}
