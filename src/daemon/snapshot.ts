/** What `hactl status` shows: the machine's state, the kernel's current table, the processes. */
import type {Clock} from '@hactl/base';
import type {IpvsClient, ObservedService} from '@hactl/ipvs';
import {differenceText} from '../configuration/config-peer.ts';
import {differenceOf} from '../configuration/slice.ts';
import type {ProcessStatus, StatusSnapshot} from '../control/protocol.ts';
import {PROTOCOL_VERSION} from '../control/protocol.ts';
import {orderViews} from '../operators/orders.ts';
import type {ResourceReport} from '../resources/resource-unit.ts';
import {VERSION} from '../system/paths.ts';
import {describeRefusal} from '../table/describe.ts';
import {virtualStatus} from '../table/snapshot.ts';
import {judgedOf} from '../table/slice.ts';
import type {CoreState} from './core.ts';

/** The kernel's current table. */
export interface Observed {
  readonly services: readonly ObservedService[];
  readonly version?: string;
  readonly problem?: string;
}

/** Reads the kernel's table. */
export async function observe(ipvs: IpvsClient | undefined): Promise<Observed> {
  if (!ipvs) return {services: []};
  try {
    const services = await ipvs.list();
    return {services, version: (await ipvs.version()).version};
  } catch (error) {
    return {services: [], problem: error instanceof Error ? error.message : String(error)};
  }
}

/** Inputs from outside the state machine. */
export interface Surroundings {
  readonly node: string;
  readonly configDir: string;
  readonly clock: Clock;
  /** The problem with the files on disk. */
  readonly configProblem: string | undefined;
  readonly available: boolean;
  readonly observed: Observed;
  readonly supervisor: ProcessStatus;
  readonly children: readonly ProcessStatus[];
  readonly resources: readonly ResourceReport[];
  readonly accessProblems: readonly string[];
}

/** Pure, apart from the clock. */
export function snapshotOf(state: CoreState, around: Surroundings): StatusSnapshot {
  const {clock, observed, children} = around;
  const now = clock.now();
  const {running} = state.configuration;
  const {config, counting, refusals, problem = observed.problem} = state.table;
  const {engine, transitions, readiness} = state.roles;
  const {daemons = [], report, problem: syncProblem} = state.sync ?? {};
  const {orders, checkTargets, heldByFile} = state.operators;
  const difference = differenceOf(state.configuration, now);
  const judged = judgedOf(state.table);
  const weights = counting.weights ?? state.operators.weights;
  const virtuals = config.files.flatMap((file) => file.virtuals);
  return {
    version: PROTOCOL_VERSION,
    node: around.node,
    daemonVersion: VERSION,
    wall: clock.wall(),
    uptime: now - state.startedAt,
    configDir: around.configDir,
    configLoaded: running.at,
    configNotices: running.notices,
    ...(around.configProblem === undefined ? {} : {configProblem: around.configProblem}),
    configDigest: running.digest,
    ...(difference ? {configDifference: difference} : {}),
    ldirectord: running.cluster.ldirectord.map((file) => file.path),
    ready: readiness,
    processes: [around.supervisor, ...children],
    ...(engine === undefined ? {} : {engine: engine.status, engineAge: now - engine.at}),
    ipvs: {
      available: around.available,
      ...(problem === undefined ? {} : {problem}),
      ...(observed.version === undefined ? {} : {version: observed.version}),
    },
    virtuals: virtuals.map((virtual) =>
      virtualStatus(virtual, observed.services, judged, now, weights, state.table),
    ),
    sync: {
      daemons,
      ...(report === undefined ? {} : {report}),
      ...(syncProblem === undefined ? {} : {problem: syncProblem}),
    },
    orders: orderViews(orders.orders, checkTargets, heldByFile),
    transitions,
    problems: [
      ...children.flatMap((child) => (child.state === 'dead' ? [`process ${child.name} is dead`] : [])),
      ...(difference ? [differenceText(difference)] : []),
      ...[...refusals.values()].map((refusal) => describeRefusal(refusal, false)),
      ...around.resources.flatMap(({phase, name, reason}) =>
        phase === 'failed' ? [`resource ${name}: ${reason}`] : [],
      ),
      ...around.accessProblems,
    ],
  };
}
