/**
 * The sync process: maintains the kernel's sync daemons and settings, and keeps this director's table in sync with the peer's.
 * The kernel's daemons outlive it.
 */
import path from 'node:path';
import {systemClock} from '@hactl/base';
import {allowMulticast} from '@hactl/net';
import {IpvsError, openKernelIpvs, type IpvsClient, type SyncDaemon} from '@hactl/ipvs';
import {chosenGroup, planDaemons, wantedDaemons} from './control.ts';
import {openFlows} from './driver-flows.ts';
import {findInterface, LO} from './driver-link.ts';
import type {FromSync, SyncGroup, SyncSettings, ToSync} from './messages.ts';
import {openNode, type SyncNode} from './driver.ts';
import {removeService} from './driver-pulse.ts';
import {openRecentSync, type RecentSync} from './driver-recent-sync.ts';
import {openSysctls, type Sysctls} from './sysctls.ts';

const RETRY = 1_000;
/** Time for the kernel to flush its buffer before its master daemon is stopped, in ms. */
const DRAIN_LIMIT = 200;
/** The same before this process ends, which the supervisor grants 2 s. */
const STOP_DRAIN_LIMIT = 1_000;

// Started manually it would wait for the supervisor forever.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
process.title = 'hactld-sync';
let groups: readonly SyncGroup[] = [];
let settings: SyncSettings | undefined;
/** The daemons that were last wanted. */
let keptDaemons: readonly SyncDaemon[] = [];
let ipvs: IpvsClient | undefined;
let node: SyncNode | undefined;
/** The settings the node was opened with; it is reopened when they change. */
let opened = '';
/** Its current keys, which can change while it is open. */
let signed = '';
let sysctls: Sysctls | undefined;
let recentSync: RecentSync | undefined;
let problem: string | undefined;
let busy = false;
let again = false;

const say = (message: FromSync): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* The supervisor's exit is noticed by 'disconnect'. */
    });
};
const log = (level: 'error' | 'warn' | 'info' | 'debug', message: string): void =>
  say({type: 'log', level, message});

/** The kernel's error with its remedy. */
const explain = (error: unknown): string => {
  const code = error instanceof IpvsError ? error.code : '';
  const device = chosenGroup(groups)?.interface ?? '';
  if (code === 'ENODEV')
    return `connection sync: there is no interface ${device}; name another in haresources: LVSSyncDaemonSwap::master::INTERFACE`;
  if (code === 'ENETUNREACH' || code === 'ENETDOWN')
    return `connection sync: ${device} is down or has no address; retrying`;
  if (code === 'ENOENT') return 'connection sync: the kernel has no IPVS: modprobe ip_vs';
  return `connection sync: ${error instanceof Error ? error.message : String(error)}`;
};

/** The UDP flows of failed servers, with and without connection sync. */
const flows = openFlows({
  ipvs: async () => (ipvs ??= await openKernelIpvs()),
  node: () => node,
  keepsDaemons: () => wantedDaemons(groups, settings?.mode, settings?.delay).length > 0,
  log,
});

async function keepDaemons(): Promise<void> {
  const wanted = wantedDaemons(groups, settings?.mode, settings?.delay);
  if (wanted.length === 0 && keptDaemons.length === 0) return;
  ipvs ??= await openKernelIpvs();
  if (settings?.mode === 'relay') allowMulticast(LO);
  for (const operation of planDaemons(await ipvs.syncDaemons(), wanted, keptDaemons)) {
    // oxlint-disable no-await-in-loop -- requests follow one another.
    // The kernel would discard its buffer.
    if (operation.type === 'stop' && operation.role === 'master') await node?.drain(DRAIN_LIMIT);
    await (operation.type === 'start'
      ? ipvs.startSyncDaemon(operation.daemon)
      : ipvs.stopSyncDaemon(operation.role));
    // oxlint-enable no-await-in-loop
    log(
      'info',
      operation.type === 'start'
        ? `${operation.daemon.role} daemon started on ${operation.daemon.interface}, syncid ${operation.daemon.syncid}`
        : `${operation.role} daemon stopped`,
    );
  }
  keptDaemons = wanted;
}

async function keepSysctls(): Promise<void> {
  const wanted = groups.length > 0 ? settings?.sysctls : settings?.lasting;
  if (!settings || !wanted || (sysctls === undefined && Object.keys(wanted).length === 0)) {
    sysctls?.restore();
    return;
  }
  sysctls ??= openSysctls(path.join(settings.stateDir, 'sync-sysctls.json'));
  const refused = sysctls.apply(wanted);
  if (refused.length > 0) throw new Error(refused.join('; '));
}

async function keepNode(): Promise<void> {
  const group = chosenGroup(groups);
  if (!group || !settings) {
    node?.close();
    node = undefined;
    return;
  }
  const {sysctls: _, lasting: __, stateDir: ___, secret, accepted = [], ...link} = settings;
  const where = {...link, interface: group.interface, syncid: group.syncid};
  const wanted = {...where, secret, accepted};
  const [key, keys] = [JSON.stringify(where), JSON.stringify([secret, accepted])];
  const syncInterface = findInterface(group.interface);
  const moved =
    node !== undefined &&
    (node.place.index !== syncInterface.index || node.place.address !== syncInterface.address);
  const known = node?.mirror;
  if (moved && settings.mode === 'multicast') {
    // The kernel's daemons keep the old interface.
    for (const {role} of (await ipvs?.syncDaemons()) ?? []) await ipvs?.stopSyncDaemon(role);
    await keepDaemons();
  }
  if (node && (moved || key !== opened)) {
    node.close();
    node = undefined;
  }
  if (!node) {
    const first = recentSync === undefined;
    recentSync ??= openRecentSync(settings.stateDir, () => systemClock.now());
    node = await openNode(
      wanted,
      {log, services: async () => (await ipvs?.list()) ?? [], ipvs: () => ipvs, now: () => systemClock.now()},
      {recentSync: first && recentSync.recent, ...(known ? {known} : {})},
    );
    [opened, signed] = [key, keys];
    log(
      'info',
      `connections are synced over ${group.interface}, ${settings.mode === 'relay' ? 'relayed' : "the kernels' own multicast"}`,
    );
  }
  if (keys !== signed) {
    node.setKeys({secret, accepted});
    signed = keys;
    log('info', 'the keys of the channel changed; the session continues');
  }
  node.setActive(groups.some(({active}) => active));
}

async function reconcile(): Promise<void> {
  again = true;
  if (busy) return;
  busy = true;
  while (again) {
    again = false;
    const problems: string[] = [];
    // Independently: a setting that the kernel lacks must not prevent its daemons from starting.
    for (const keep of [keepDaemons, keepSysctls, keepNode])
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after another, see above.
        await keep();
      } catch (error) {
        problems.push(explain(error));
      }
    const text = problems.length === 0 ? undefined : problems.join('; ');
    if (text !== undefined && text !== problem) log('warn', text);
    problem = text;
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
  const report = node?.report();
  if (report?.peer && report.phase === 'in-sync') recentSync?.note();
  say({
    type: 'status',
    status: {
      daemons,
      ...(report === undefined ? {} : {report}),
      ...(problem === undefined ? {} : {problem}),
    },
  });
};

async function barrier(id: number, limit: number): Promise<void> {
  const nothing = {ok: true, took: 0, reason: 'no connection sync'};
  say({type: 'barrier-done', id, ...((await node?.barrier(limit)) ?? nothing)});
}

async function stop(): Promise<void> {
  await flows.close();
  // The last connections of this director: the peer holds their packets back meanwhile.
  await node?.drain(STOP_DRAIN_LIMIT);
  node?.close();
  sysctls?.restore();
  for (const {role} of wantedDaemons(groups, settings?.mode, settings?.delay)) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- two requests.
      await ipvs?.stopSyncDaemon(role);
    } catch {
      // It does not run, as desired.
    }
  }
  if (ipvs) await removeService(ipvs);
  ipvs?.close();
  recentSync?.forget();
  process.exit(0);
}

process.on('message', (message: ToSync) => {
  switch (message.type) {
    case 'configure':
      ({groups, settings} = {settings: undefined, ...message});
      void reconcile();
      break;
    case 'status':
      void status();
      break;
    case 'flows':
      flows.configure(message.failed);
      break;
    case 'resync':
      node?.resync();
      break;
    case 'barrier':
      void barrier(message.id, message.limit);
      break;
    case 'stop':
      void stop();
  }
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// Checked periodically: somebody may stop a daemon, or an interface may come up later.
setInterval(() => void reconcile(), RETRY);
say({type: 'ready', pid: process.pid});
