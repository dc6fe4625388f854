/**
 * The checks process: all health checks, apart from everything that must be on time. This one talks to no server: it gives
 * the virtual services to processes of its own, which are this file too.
 */

// Started by hand it would wait for ever for the supervisor.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
// Registered first: the parent may end while the rest is loaded.
process.on('disconnect', () => process.exit(0));
// Each loads what it needs only: the router has no parser and no TLS.
if (process.argv[2] === 'shard') await import('./shard.ts');
else await import('./router.ts');
export {};
