/** A process that checks some of the virtual services; the router (router.ts) speaks with it. */
import {systemClock} from '@hactl/base';
import {becomeUser} from '@hactl/net/privileges';
import {startChecks} from './driver.ts';
import type {FromShard, ToShard} from './messages.ts';

process.title = 'hactld-checks-shard';
const say = (message: FromShard): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* The router's end is seen by 'disconnect'. */
    });
};
const checks = startChecks(systemClock, process.pid, say);

process.on('message', (message: ToShard) => {
  switch (message.type) {
    case 'become':
      // It was started by root; one that was started by a user already is that user.
      if (process.getuid?.() === 0) becomeUser(message.account, message.remains);
      return;
    case 'configure':
      checks.configure(message.specs);
      return;
    case 'report':
      say({
        type: 'reports',
        reports: checks.reports(),
        lateness: checks.lateness(),
        services: checks.services(),
      });
      return;
    case 'treat':
      checks.treat(message.costs);
      return;
    case 'adopt':
      checks.adopt(message.spec, message.carried);
      return;
    case 'forget':
      checks.forget(message.id);
      return;
    case 'stop':
      process.exit(0);
  }
});
// Commands that run yet end with this process: the reaper of external.ts sees to it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
say({type: 'ready', pid: process.pid});
