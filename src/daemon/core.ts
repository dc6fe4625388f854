/**
 * The supervisor's core: joins what the children say. Verdicts and roles become an IPVS table; the table's plan is
 * carried out through the IPVS port. It owns no socket and starts no process itself: main.ts hands it the ports.
 */
import type {Clock, Instant} from '@hactl/base';
import type {CheckReport, CheckSpec, FromChecks, ToChecks} from '@hactl/checks';
import type {VirtualService} from '@hactl/config';
import type {EngineConfig, EngineStatus, FromEngine, Role, ToEngine, Transition} from '@hactl/failover';
import type {IpvsClient, ObservedService, Operation, VirtualTable} from '@hactl/ipvs';
import {plan} from '@hactl/ipvs';
import type {SyncStatus} from '@hactl/sync';
import type {StatusSnapshot} from '../control/protocol.ts';
import type {EventDraft} from '../control/events.ts';
import type {Loaded} from '../configuration/loaded.ts';
import {desiredTable} from '../table/desired.ts';
import {peersHave, settlingConfig} from '../configuration/config-settle.ts';
import {describeOperation} from '../table/describe.ts';
import {ofOperation, ofTransition, ofVerdict} from '../journal/journal-witness.ts';
import type {Log} from '../system/log.ts';
import {checkId, checkSpec, serviceKey, serviceName, virtualName} from '../table/services.ts';
import {virtualStatus} from '../table/snapshot.ts';
import {judgedReports, type Counting} from '../table/views.ts';
import {weightsNow, type Warmth} from '../table/weights.ts';
import {syncGroups, syncReadiness} from '../table/sync-groups.ts';

/** Where the core's decisions go. */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  /** The journal, for people who ask later what happened. */
  record(draft: EventDraft): void;
  /** undefined while the kernel's IPVS cannot be reached. */
  ipvs(): IpvsClient | undefined;
  toChecks(message: ToChecks): void;
  toEngine(message: ToEngine): void;
  /** This machine's kernel had the peer's connections a moment ago, under a supervisor before this one. */
  readonly syncTrusted: boolean;
  /** The groups' roles, for the sync process. */
  roles(roles: ReadonlyMap<number, Role>): void;
  /** Start or stop the scripts of a group, in haresources' order; resolves when all ran. */
  scripts(vrid: number, action: 'start' | 'start-late' | 'stop'): Promise<{ok: boolean; reason: string}>;
  /** Reals that an operator keeps out of service, each with the reason. */
  held(): ReadonlyMap<string, string>;
  /** Weights that operators ordered, by check. */
  weights(): ReadonlyMap<string, number>;
  /** What is known of the reals may be different now: for mails and commands. */
  changed(): void;
  /** Call `work` after `delay` milliseconds. */
  later(delay: number, work: () => void): void;
}

/** After this long without a complete first round of checks, the director may take over all the same. */
const FIRST_ROUND_LIMIT = 30_000;
const RETRY_TABLE = 1_000;
const TRANSITIONS_KEPT = 100;

/** What the checks must know of the settings that are ours. */
const verdictsOf = ({cluster}: Loaded): Pick<CheckSpec, 'rise' | 'damping' | 'dynamicWeight'> | undefined => {
  const settings = cluster.ha?.hactl.verdicts;
  if (!settings) return undefined;
  const {rise, damping, dynamicWeight} = settings;
  return {rise, dynamicWeight, ...(damping ? {damping} : {})};
};

/** Makes the core for a first configuration. */
export function makeSupervisor(ports: Ports, first: Loaded) {
  const {clock, log} = ports;
  const startedAt: Instant = clock.now();
  let loaded = first;
  const reports = new Map<string, CheckReport>();
  const roles = new Map<number, Role>();
  const transitions: Transition[] = [];
  let engineStatus: EngineStatus | undefined;
  let engineAt: Instant = 0;
  /** Services that this run put into the kernel or took over: only these are ever deleted. */
  const owned = new Set<string>();
  let ready = {ready: false, reason: 'starting'};
  let tableApplied = false;
  let ipvsProblem: string | undefined;
  let observed: readonly ObservedService[] = [];
  let busy = false;
  let again = false;
  let closing = false;
  let sync: SyncStatus | undefined;
  /** What the engine has while the peer still has other intervals. */
  let settling: EngineConfig | undefined;
  let warmth: Warmth = new Map();
  let counting: Counting = {};
  /** When the table is looked at again because a real's weight grows. */
  let warmAt: Instant = -Infinity;

  const virtuals = (): readonly VirtualService[] =>
    loaded.cluster.ldirectord.flatMap((file) => file.virtuals);
  const judged = () => judgedReports(reports, ports.held(), startedAt);

  function specs(): CheckSpec[] {
    const all: CheckSpec[] = [];
    const settings = verdictsOf(loaded);
    for (const virtual of virtuals())
      for (const real of virtual.reals) {
        const known = reports.get(checkId(virtual, real))?.state;
        const spec = checkSpec(virtual, real, known === 'up' || known === 'down' ? known : undefined);
        // A virtual's own hactl_rise counts before ha.cf's.
        all.push({...settings, ...spec});
      }
    return all;
  }

  const anyActive = (): boolean => [...roles.values()].includes('Active');
  const checksWanted = (): boolean =>
    loaded.cluster.ha === undefined || loaded.cluster.ha.hactl.standbyChecks || anyActive();

  function configureChecks(): void {
    ports.toChecks({type: 'configure', specs: checksWanted() ? specs() : []});
  }

  function updateReadiness(): void {
    const waiting = checksWanted()
      ? specs().filter((spec) => (reports.get(spec.id)?.state ?? 'unknown') === 'unknown').length
      : 0;
    const late = clock.now() - startedAt > FIRST_ROUND_LIMIT;
    let next = {ready: true, reason: 'first round of checks done, table programmed'};
    if (virtuals().length === 0) next = {ready: true, reason: 'no virtual services'};
    else if (ipvsProblem !== undefined) next = {ready: late, reason: `IPVS: ${ipvsProblem}`};
    else if (waiting > 0) next = {ready: late, reason: `${waiting} reals not checked yet`};
    else if (!tableApplied) next = {ready: late, reason: 'IPVS table not programmed yet'};
    const wanted =
      loaded.engine !== undefined && syncGroups(loaded.cluster.haresources.groups, roles).length > 0;
    const limit = loaded.cluster.ha?.hactl.syncDeadline ?? 0;
    const syncing = syncReadiness(wanted, sync, clock.now() - startedAt, limit, ports.syncTrusted);
    // A joining director has the peer's connections before it may take an address.
    if (next.ready && !syncing.ready) next = syncing;
    if (next.ready === ready.ready && next.reason === ready.reason) return;
    ready = next;
    ports.toEngine({type: 'readiness', ...ready});
  }

  /** Finds the weights that count now; while a real warms up the table is looked at again. */
  function weigh(reports: ReadonlyMap<string, CheckReport>): void {
    const settings = loaded.cluster.ha?.hactl.verdicts;
    const now = clock.now();
    const found = weightsNow({
      virtuals: virtuals(),
      reports,
      ordered: ports.weights(),
      settings,
      warmth,
      now,
    });
    ({warmth} = found);
    counting = {weights: found.weights, ...(settings?.quorum ? {quorum: settings.quorum} : {})};
    if (found.nextAt === undefined || (warmAt > now && warmAt <= found.nextAt)) return;
    warmAt = found.nextAt;
    ports.later(found.nextAt - now, () => void reconcile());
  }

  async function applyOnce(ipvs: IpvsClient): Promise<void> {
    observed = await ipvs.list();
    const current: VirtualTable[] = observed.map(({service, destinations}) => ({service, destinations}));
    const known = judged();
    const verdicts = new Map([...known].map(([id, report]) => [id, report.state]));
    weigh(known);
    const wanted = loaded.cluster.ldirectord.flatMap((file) =>
      desiredTable({
        virtuals: file.virtuals,
        verdicts,
        current,
        ...counting,
        readdQuiescent: file.readdQuiescent,
      }),
    );
    for (const virtual of virtuals()) owned.add(serviceName(serviceKey(virtual)));
    const operations: readonly Operation[] = plan(current, wanted, {
      owned: (key) => owned.has(serviceName(key)),
    });
    for (const operation of operations) {
      // oxlint-disable-next-line no-await-in-loop -- the plan's order is a promise: new servers before old ones go.
      await ipvs.apply(operation);
      log('info', describeOperation(operation));
      ports.record(ofOperation(operation));
    }
    const kept = new Set(virtuals().map((virtual) => serviceName(serviceKey(virtual))));
    for (const name of owned) if (!kept.has(name)) owned.delete(name);
    tableApplied = true;
  }

  /** Brings the kernel's table to what is wanted. Calls while one runs are joined into one more run. */
  async function reconcile(): Promise<void> {
    if (closing) return;
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again && !closing) {
        again = false;
        const ipvs = ports.ipvs();
        if (!ipvs) {
          if (virtuals().length > 0) ports.later(RETRY_TABLE, () => void reconcile());
          break;
        }
        // oxlint-disable-next-line no-await-in-loop -- one change of the table at a time.
        await applyOnce(ipvs);
        ipvsProblem = undefined;
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== ipvsProblem) log('error', `IPVS table: ${problem}; trying again every second`);
      ipvsProblem = problem;
      ports.later(RETRY_TABLE, () => void reconcile());
    } finally {
      busy = false;
    }
    updateReadiness();
    ports.changed();
  }

  function onChecks(message: FromChecks): void {
    if (message.type === 'ready') configureChecks();
    else if (message.type === 'log') log(message.level, `checks: ${message.message}`);
    else if (message.type === 'reports') {
      for (const report of message.reports) if (report.state !== 'unknown') reports.set(report.id, report);
    } else if (message.type === 'verdict') {
      const before = reports.get(message.report.id)?.state ?? 'unknown';
      reports.set(message.report.id, message.report);
      if (before !== message.report.state) {
        const level = message.report.state === 'down' ? 'warn' : 'info';
        log(level, `${message.report.id} is ${message.report.state}: ${message.report.reason}`);
        // The first round finds all of them: that a server is up then is in the table's events.
        if (before !== 'unknown' || message.report.state === 'down') ports.record(ofVerdict(message.report));
      }
      void reconcile();
    }
  }

  function remember(transition: Transition): void {
    transitions.push(transition);
    transitions.splice(0, Math.max(0, transitions.length - TRANSITIONS_KEPT));
    ports.record(ofTransition(transition));
  }

  async function onTransition(transition: Transition): Promise<void> {
    remember(transition);
    const hadChecks = checksWanted();
    roles.set(transition.vrid, transition.to);
    log('info', `${transition.group}: ${transition.from} -> ${transition.to}: ${transition.reason}`);
    ports.roles(roles);
    ports.changed();
    if (checksWanted() !== hadChecks) configureChecks();
    if (transition.to === 'Active') await ports.scripts(transition.vrid, 'start-late');
    // Also where an earlier life of the engine, or of this process, had it.
    else if (transition.to === 'Backup') await ports.scripts(transition.vrid, 'stop');
  }

  function onEngine(message: FromEngine): void {
    switch (message.type) {
      case 'ready':
        if (loaded.engine) ports.toEngine({type: 'configure', config: settling ?? loaded.engine});
        ports.toEngine({type: 'readiness', ...ready});
        log('info', `failover engine runs: ${message.realtime}`);
        break;
      case 'status':
        engineStatus = message.status;
        engineAt = clock.now();
        if (settling && loaded.engine && peersHave(loaded.digest, engineStatus)) {
          settling = undefined;
          log('info', 'the peer has the same configuration: the new intervals are in force');
          ports.toEngine({type: 'configure', config: loaded.engine});
        }
        for (const group of message.status.groups) roles.set(group.vrid, group.role);
        break;
      case 'transition':
        void onTransition(message.transition);
        break;
      case 'prepare':
        void ports
          .scripts(message.vrid, 'start')
          .then(({ok, reason}) => ports.toEngine({type: 'prepared', vrid: message.vrid, ok, reason}));
        break;
      case 'event':
        log(message.level, `failover: ${message.message}`);
        break;
      case 'move-done':
      case 'stopped':
        break;
    }
  }

  /** The engine died: what it said last is not true any more. */
  function onEngineDeath(): void {
    for (const [vrid, role] of roles) {
      if (role === 'Initialize') continue;
      const group = loaded.engine?.groups.find((one) => one.vrid === vrid);
      remember({
        vrid,
        group: group?.name ?? String(vrid),
        from: role,
        to: 'Initialize',
        reason: 'the failover engine died',
        at: clock.now(),
        wall: clock.wall(),
      });
      roles.set(vrid, 'Initialize');
    }
    engineStatus = undefined;
    ports.roles(roles);
  }

  /** Takes a new configuration into use. What did not change keeps its state. */
  function reload(next: Loaded): void {
    const running = loaded.engine;
    loaded = next;
    const ids = new Set(specs().map((spec) => spec.id));
    for (const id of reports.keys()) if (!ids.has(id)) reports.delete(id);
    if (next.engine) {
      const before = settling;
      settling = settlingConfig(before ?? running, next.engine);
      if (settling && !before)
        log('info', 'the new intervals wait until the peer has the same configuration');
      ports.toEngine({type: 'configure', config: settling ?? next.engine});
    }
    ports.roles(roles);
    configureChecks();
    void reconcile();
  }

  /** ldirectord's cleanstop: removes what this run put into the table. */
  async function cleanStop(): Promise<void> {
    closing = true;
    const ipvs = ports.ipvs();
    if (!ipvs) return;
    for (const virtual of virtuals().filter((one) => one.cleanStop)) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- netlink requests go one after another.
        await ipvs.apply({type: 'del-service', key: serviceKey(virtual)});
        log('info', `Deleted virtual server: ${virtualName(virtual)}`);
      } catch (error) {
        log(
          'warn',
          `cannot delete ${virtualName(virtual)}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }

  /** The parts of the status that the core knows; reads the kernel's table anew. */
  async function status(): Promise<
    Pick<StatusSnapshot, 'virtuals' | 'ipvs' | 'transitions' | 'ready' | 'engine' | 'engineAge' | 'uptime'>
  > {
    const ipvs = ports.ipvs();
    let version: string | undefined;
    let problem = ipvsProblem;
    if (ipvs) {
      try {
        observed = await ipvs.list();
        version = (await ipvs.version()).version;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    } else observed = [];
    const known = judged();
    return {
      virtuals: virtuals().map((virtual) =>
        virtualStatus(virtual, observed, known, clock.now(), counting.weights ?? ports.weights()),
      ),
      ipvs: {
        available: ipvs !== undefined,
        ...(problem === undefined ? {} : {problem}),
        ...(version === undefined ? {} : {version}),
      },
      transitions,
      ready,
      ...(engineStatus === undefined ? {} : {engine: engineStatus, engineAge: clock.now() - engineAt}),
      uptime: clock.now() - startedAt,
    };
  }

  return {
    onChecks,
    onEngine,
    onEngineDeath,
    reconcile,
    reload,
    cleanStop,
    status,
    judged,
    counting: (): Counting => counting,
    updateReadiness,
    onSync: (status: SyncStatus): void => {
      sync = status;
      updateReadiness();
    },
    noteIpvsProblem: (problem: string): void => {
      ipvsProblem = problem;
      updateReadiness();
    },
    /** Does this director serve, so that it speaks for the pair? */
    get acting(): boolean {
      return loaded.cluster.ha === undefined || anyActive();
    },
    get loaded(): Loaded {
      return loaded;
    },
    get roles(): ReadonlyMap<number, Role> {
      return roles;
    },
    get engineStatus(): EngineStatus | undefined {
      return engineStatus;
    },
    get peerLives(): boolean {
      return engineStatus?.peers.some((peer) => peer.state === 'up' || peer.state === 'late') ?? false;
    },
  };
}
