/**
 * The pair's Prometheus metrics. Cardinality is bounded: one series per path, group, virtual service and real server in the
 * configuration, at most SERVERS_MOST real servers; none per client or event.
 */
import {Counter, Gauge, Registry, collectDefaultMetrics} from 'prom-client';
import type {StatusSnapshot} from '../control/protocol.ts';

/** Real servers beyond this have no series of their own, only their service's. */
export const SERVERS_MOST = 2_000;

/** The registry, and a function that updates it from a status; `undefined`: the daemon is unreachable. */
export function makeMetrics(): {
  readonly registry: Registry;
  readonly set: (status: StatusSnapshot | undefined) => void;
} {
  const registry = new Registry();
  collectDefaultMetrics({register: registry, prefix: 'hactl_console_'});
  // Gauges whose names end like counters: promtool refuses them.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`hactl_console_nodejs_active_${kind}_total`);
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({name, help, labelNames: [...labelNames], registers: [registry]});
  /** Set from each status: the daemon counts, not the console. */
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({name, help, labelNames: [...labelNames], registers: [registry]});
  const up = gauge('hactl_up', '1: the daemon answers the console.');
  const uptime = gauge('hactl_uptime_seconds', 'Seconds since the daemon started.');
  const ready = gauge('hactl_ready', '1: this director is ready to take over.');
  const role = gauge('hactl_group_active', '1: the group is Active on this director.', ['group']);
  const since = gauge('hactl_transitions', 'Transitions in the daemon’s memory (the last hundred).');
  const peerUp = gauge('hactl_peer_up', '1: the peer’s adverts arrive in time.', ['peer']);
  const silence = gauge('hactl_peer_silence_seconds', 'Seconds since the last advert of the peer.', ['peer']);
  const received = counter('hactl_path_adverts_received_total', 'Adverts received on a path.', ['path']);
  const sent = counter('hactl_path_adverts_sent_total', 'Adverts sent on a path.', ['path']);
  const dropped = counter(
    'hactl_path_datagrams_dropped_total',
    "Datagrams that the kernel dropped on a path: strangers', or no room.",
    ['path'],
  );
  const hears = gauge('hactl_path_hears', '1: the peer’s adverts arrive on this path.', ['path']);
  const lateness = gauge('hactl_engine_lateness_seconds', 'Lateness of the engine’s timers.', ['percentile']);
  const faults = counter('hactl_engine_events_total', 'Refused datagrams and other events of the engine.', [
    'code',
  ]);
  const restarts = counter('hactl_process_restarts_total', 'Restarts of a process of the director.', [
    'process',
  ]);
  const inKernel = gauge('hactl_service_in_kernel', '1: the virtual service is in the IPVS table.', [
    'service',
  ]);
  const servers = gauge('hactl_service_servers', 'Real servers of a service by verdict.', [
    'service',
    'state',
  ]);
  const late = gauge('hactl_service_check_lateness_seconds', 'Recent lateness of a service’s checks.', [
    'service',
    'percentile',
  ]);
  const quarantined = gauge('hactl_service_quarantined_servers', 'Real servers checked in quarantine.', [
    'service',
  ]);
  const connections = counter('hactl_service_connections_total', 'Connections of a service.', ['service']);
  const labels = ['service', 'server'] as const;
  const serverUp = gauge('hactl_server_up', '1: the last verdict of the checks is up.', labels);
  const weight = gauge('hactl_server_weight', 'The weight in the kernel.', labels);
  const active = gauge('hactl_server_active_connections', 'Active connections in the kernel.', labels);
  const inactive = gauge('hactl_server_inactive_connections', 'Inactive connections in the kernel.', labels);
  const checkAge = gauge('hactl_server_check_age_seconds', 'Seconds since the last check ended.', labels);
  const local = gauge('hactl_sync_connections', 'Connections known to the sync process.', ['where']);
  const missing = gauge('hactl_sync_missing', 'Connections missing here or on the peer.', ['where']);
  const problems = gauge('hactl_problems', 'Problems listed by hactl status.');
  const differs = gauge('hactl_config_differs', '1: the configuration differs from the peer’s.');
  const all = [role, peerUp, silence, received, sent, dropped, hears, lateness, faults, restarts, inKernel, servers, late, quarantined, connections, serverUp, weight, active, inactive, checkAge, local, missing]; // prettier-ignore

  function set(status: StatusSnapshot | undefined): void {
    up.set(status ? 1 : 0);
    // No series may remain for objects that a reload removed.
    for (const gauge of all) gauge.reset();
    if (!status) return;
    uptime.set(status.uptime / 1_000);
    ready.set(status.ready.ready ? 1 : 0);
    since.set(status.transitions.length);
    problems.set(status.problems.length);
    differs.set(status.configDifference ? 1 : 0);
    for (const {name, restarts: count} of status.processes) restarts.inc({process: name}, count);
    setEngine(status);
    setTable(status);
    const {report} = status.sync;
    if (!report) return;
    local.set({where: 'here'}, report.here);
    missing.set({where: 'here'}, report.missingHere);
    if (report.there !== undefined) local.set({where: 'peer'}, report.there);
    if (report.missingThere !== undefined) missing.set({where: 'peer'}, report.missingThere);
  }

  function setEngine({engine}: StatusSnapshot): void {
    if (!engine) return;
    for (const group of engine.groups) role.set({group: group.name}, group.role === 'Active' ? 1 : 0);
    for (const peer of engine.peers) {
      peerUp.set({peer: peer.name}, peer.state === 'up' ? 1 : 0);
      if (peer.lastHeardAgo !== undefined) silence.set({peer: peer.name}, peer.lastHeardAgo / 1_000);
    }
    for (const path of engine.paths) {
      received.inc({path: path.name}, path.received);
      sent.inc({path: path.name}, path.sent);
      dropped.inc({path: path.name}, path.dropped);
      hears.set({path: path.name}, path.hears ? 1 : 0);
    }
    for (const [code, count] of Object.entries(engine.counters)) faults.inc({code}, count);
    lateness.set({percentile: '50'}, engine.lateness.p50 / 1_000);
    lateness.set({percentile: '99'}, engine.lateness.p99 / 1_000);
    lateness.set({percentile: '100'}, engine.lateness.max / 1_000);
  }

  function setTable({virtuals}: StatusSnapshot): void {
    let remaining = SERVERS_MOST;
    for (const {name: service, inKernel: has, connections: count, reals, checkLateness} of virtuals) {
      inKernel.set({service}, has ? 1 : 0);
      quarantined.set({service}, reals.filter((real) => real.quarantined).length);
      if (checkLateness) {
        late.set({service, percentile: '50'}, checkLateness.p50 / 1_000);
        late.set({service, percentile: '99'}, checkLateness.p99 / 1_000);
        late.set({service, percentile: '100'}, checkLateness.max / 1_000);
      }
      connections.inc({service}, Number(count));
      for (const state of ['up', 'down', 'unknown'] as const)
        servers.set({service, state}, reals.filter(({check}) => check === state).length);
      for (const real of reals) {
        remaining -= 1;
        if (remaining < 0) break;
        const label = {service, server: real.name};
        serverUp.set(label, real.check === 'up' ? 1 : 0);
        if (real.weight !== undefined) weight.set(label, real.weight);
        active.set(label, real.activeConnections);
        inactive.set(label, real.inactiveConnections);
        if (real.checkedAgo !== undefined) checkAge.set(label, real.checkedAgo / 1_000);
      }
    }
  }
  return {registry, set};
}
