/** A process that checks some of the virtual services, controlled by the router (router.ts). */
import {systemClock} from '@hactl/base';
import {becomeUser} from '@hactl/net/privileges';
import {startChecks} from './driver.ts';
import type {FromShard, ToShard} from './messages.ts';

process.title = 'hactld-checks-shard';
const say = (message: FromShard): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* The 'disconnect' event reports the router's end. */
    });
};
const checks = startChecks(systemClock, process.pid, say);

process.on('message', (message: ToShard) => {
  switch (message.type) {
    case 'become':
      // Only a process started by root switches; others already run as that user.
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
// Running commands end with this process: external.ts kills them.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
say({type: 'ready', pid: process.pid});
