/** The sync process: keeps the kernel's sync daemons as they should be. The kernel's daemons outlive it. */
import {IpvsError, openKernelIpvs, type IpvsClient} from '@hactl/ipvs';
import {planDaemons, wantedDaemons} from './control.ts';
import type {FromSync, SyncGroup, ToSync} from './messages.ts';

const RETRY = 1_000;

// Started by hand it would wait for ever for a word of the supervisor.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
process.title = 'hactld-sync';
let groups: readonly SyncGroup[] = [];
let ipvs: IpvsClient | undefined;
let problem: string | undefined;
let busy = false;
let again = false;

const say = (message: FromSync): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* The supervisor's end is seen by 'disconnect'. */
    });
};

/** The kernel's error in words that say what to do. */
const explain = (error: unknown): string => {
  const code = error instanceof IpvsError ? error.code : '';
  const [first] = wantedDaemons(groups);
  const device = first?.interface ?? '';
  if (code === 'ENODEV')
    return `connection sync: there is no interface ${device}; name another in haresources: LVSSyncDaemonSwap::master::INTERFACE`;
  if (code === 'ENETUNREACH' || code === 'ENETDOWN')
    return `connection sync: ${device} is down or has no address; trying again`;
  if (code === 'ENOENT') return 'connection sync: the kernel has no IPVS: modprobe ip_vs';
  return `connection sync: ${error instanceof Error ? error.message : String(error)}`;
};

async function reconcile(): Promise<void> {
  again = true;
  if (busy) return;
  busy = true;
  while (again) {
    again = false;
    try {
      const wanted = wantedDaemons(groups);
      if (wanted.length === 0) continue;
      // oxlint-disable-next-line no-await-in-loop -- requests follow one another.
      ipvs ??= await openKernelIpvs();
      // oxlint-disable-next-line no-await-in-loop -- see above.
      for (const operation of planDaemons(await ipvs.syncDaemons(), wanted)) {
        // oxlint-disable-next-line no-await-in-loop -- see above.
        await (operation.type === 'start'
          ? ipvs.startSyncDaemon(operation.daemon)
          : ipvs.stopSyncDaemon(operation.role));
        say({
          type: 'log',
          level: 'info',
          message:
            operation.type === 'start'
              ? `${operation.daemon.role} daemon started on ${operation.daemon.interface}, syncid ${operation.daemon.syncid}`
              : `${operation.role} daemon stopped`,
        });
      }
      problem = undefined;
    } catch (error) {
      const text = explain(error);
      if (text !== problem) say({type: 'log', level: 'warn', message: text});
      problem = text;
    }
  }
  busy = false;
}

const status = async (): Promise<void> => {
  let daemons: Awaited<ReturnType<IpvsClient['syncDaemons']>> = [];
  try {
    daemons = (await ipvs?.syncDaemons()) ?? [];
  } catch (error) {
    problem = explain(error);
  }
  say({type: 'status', status: {daemons, ...(problem === undefined ? {} : {problem})}});
};

async function stop(): Promise<void> {
  for (const {role} of wantedDaemons(groups)) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- two requests.
      await ipvs?.stopSyncDaemon(role);
    } catch {
      // It does not run: that is what we want.
    }
  }
  ipvs?.close();
  process.exit(0);
}

process.on('message', (message: ToSync) => {
  if (message.type === 'configure') {
    groups = message.groups;
    void reconcile();
  } else if (message.type === 'status') void status();
  else void stop();
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// A daemon that somebody stopped, or an interface that was down at first: looked at again and again.
setInterval(() => void reconcile(), RETRY);
say({type: 'ready', pid: process.pid});
