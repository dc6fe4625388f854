/** The drivers around the machine: each feeds it events and performs effects. */
import type {Clock} from '@hactl/base';
import {openNotifications, type Notifications} from '../alerts/notifications.ts';
import type {Loaded} from '../configuration/loaded.ts';
import type {AskPeer} from '../control/answers.ts';
import {openJournal, type Journal} from '../journal/journal-file.ts';
import {watchMaintenance} from '../operators/maintenance-watch.ts';
import {findAgent} from '../resources/resource-agents.ts';
import {makeResourceRunner, type ResourceRunner} from '../resources/resource-runner.ts';
import {keepRespawns} from '../resources/respawn.ts';
import {trackScripts} from '../resources/track-scripts.ts';
import type {Log} from '../system/log.ts';
import {sendMail} from '../system/mail.ts';
import {connectIpvs, type IpvsConnection} from '../table/ipvs-connection.ts';
import {drivePacketHold} from '../table/packet-hold-driver.ts';
import {driveTable, type TableDriver} from '../table/table-driver.ts';
import {startChildren, type Children} from './children.ts';
import type {Spare} from './child.ts';
import type {CoreEvent} from './core.ts';
import type {Loop} from './loop.ts';
import {performer} from './perform.ts';
import {makeRequests, type Requests} from './requests.ts';

export interface DriverOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly configDir: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly pool: ReadonlyMap<string, Spare> | undefined;
  readonly settled?: Promise<unknown> | undefined;
  readonly loop: Loop;
  readonly askPeer: AskPeer;
}

/** A director whose failfast program ended should not serve for a while. */
const FAILFAST_HOLD_OFF = 60_000;

export interface Drivers {
  readonly children: Children;
  readonly ipvs: IpvsConnection;
  readonly table: TableDriver;
  readonly resources: ResourceRunner;
  readonly requests: Requests;
  readonly journal: Journal;
  /** Applies a configuration: unchanged parts continue. */
  configure(loaded: Loaded): void;
  /** Stops all drivers: no further events. */
  quiet(): void;
  stopResources(): Promise<void>;
  readonly notifications: Notifications;
}

/** Opens all drivers with the machine's configuration, and starts the machine. */
export function openDrivers(options: DriverOptions): Drivers {
  const {clock, log, loop} = options;
  const {feed} = loop;
  const {running} = loop.state.configuration;
  const journal = openJournal({clock, log, node: options.node, stateDir: options.stateDir});
  const ipvs = connectIpvs({
    opened: () => feed({type: 'ipvs-opened'}),
    failed: (reason) => feed({type: 'ipvs-failed', reason}),
  });
  const table = driveTable({ipvs: () => ipvs.client(), feed});
  const packetHold = drivePacketHold(log);
  const notifications = openNotifications({clock, log, node: options.node, sendMail});
  const maintenance = watchMaintenance({
    log,
    now: () => clock.now(),
    changed: (files) => feed({type: 'maintenance', maintenance: files}),
  });
  const resources = openResources(options);
  const respawns = keepRespawns({
    clock,
    log,
    failedFast: (reason) => feed({type: 'give-up-all', reason, holdOff: FAILFAST_HOLD_OFF}),
  });
  const tracker = trackScripts(log, (lost) => feed({type: 'tracked', lost}));
  const children = startChildren({
    clock,
    pair: running.engine !== undefined,
    pool: options.pool,
    settled: options.settled,
    feed: (event: CoreEvent) => {
      feed(event);
      // The paths are open: at this point heartbeat starts its clients.
      if (event.type === 'engine' && event.message.type === 'status') respawns.up();
    },
  });
  const requests = makeRequests(feed);
  const configure = ({cluster}: Loaded): void => {
    const {groups} = cluster.haresources;
    const {hactl, respawns: lines = []} = cluster.ha ?? {};
    notifications.configure(hactl?.alerts);
    maintenance.configure(cluster.ldirectord);
    resources.configure(groups, hactl?.resources ?? []);
    respawns.configure(lines);
    tracker.configure(hactl?.trackScripts ?? []);
  };
  configure(running);
  loop.start(
    performer({...options, feed, children, table, packetHold, notifications, resources, requests, journal}),
  );
  void ipvs.open();
  return {
    children,
    ipvs,
    table,
    resources,
    requests,
    journal,
    notifications,
    configure,
    quiet: () => {
      tracker.stop();
      maintenance.close();
      packetHold.close();
    },
    stopResources: async () => {
      await Promise.all([resources.stop(), respawns.stop()]);
    },
  };
}

function openResources({clock, log, loop, ...options}: DriverOptions): ResourceRunner {
  const {feed} = loop;
  return makeResourceRunner({
    clock,
    log,
    memory: `${options.runDir}/resources.json`,
    agent: (resource) =>
      findAgent(resource, {
        configDir: options.configDir,
        runDir: options.runDir,
        node: options.node,
        log,
        sendMail: (mail) => {
          const files = loop.state.configuration.running.cluster.ldirectord;
          const smtp = files.find((file) => file.email.smtp)?.email.smtp;
          return sendMail(smtp === undefined ? mail : {...mail, smtp});
        },
      }),
    active: (vrid) => loop.state.roles.roles.get(vrid) === 'Active',
    giveUp: (vrid, reason, holdOff) => feed({type: 'give-up', vrid, reason, holdOff}),
    stuck: (reason) => feed({type: 'stuck', reason}),
  });
}
