/**
 * The checks process: all health checks, separated from everything time-critical. It contacts no server itself: it assigns
 * the virtual services to child processes, which run this file too.
 */
import {collectEarly} from '@hactl/base/heap';

// Started by hand, it would wait for the supervisor without end.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
// Registered first: the parent may end while the rest is loading.
process.on('disconnect', () => process.exit(0));
// Each loads only the modules it needs: the router has no parser and no TLS.
if (process.argv[2] === 'shard') await import('./shard.ts');
else await import('./router.ts');
collectEarly();
