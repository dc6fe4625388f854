/** The checks process: all health checks, away from everything that must be on time. */
import {systemClock} from '@hactl/base';
import {startChecks} from './driver.ts';
import type {FromChecks, ToChecks} from './messages.ts';

// Started by hand it would wait for ever for a word of the supervisor.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
process.title = 'hactld-checks';
const say = (message: FromChecks): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* The supervisor's end is seen by 'disconnect'. */
    });
};
const checks = startChecks(systemClock, process.pid, say);

process.on('message', (message: ToChecks) => {
  switch (message.type) {
    case 'configure':
      checks.configure(message.specs);
      return;
    case 'check-now':
      checks.checkNow(message.ids);
      return;
    case 'report':
      say({type: 'reports', reports: checks.reports(), lateness: checks.lateness()});
      return;
    case 'stop':
      process.exit(0);
  }
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
say({type: 'ready', pid: process.pid});
