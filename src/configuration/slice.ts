/**
 * The configuration in use: which intervals wait for the peer, whether the peer has the same, and the configuration of each
 * process. Pure; the driver (configuration.ts) reads the files.
 */
import type {Instant, Millis, Moment} from '@hactl/base';
import type {CheckReport, CheckSpec, ToChecks} from '@hactl/checks';
import {CERT_DAYS, type Fact} from '@hactl/config';
import type {EngineConfig, EngineStatus, Role, ToEngine} from '@hactl/failover';
import type {ToSync} from '@hactl/sync';
import type {ConfigDifference} from '../control/protocol.ts';
import {checkId, checkSpec} from '../table/services.ts';
import {syncGroups, syncSettings} from '../table/sync-groups.ts';
import {differencesTo} from './config-peer.ts';
import {peersHave, settlingConfig} from './config-settle.ts';
import type {Loaded} from './loaded.ts';

interface SeenDifference {
  /** Both digests. */
  readonly key: string;
  readonly since: Instant;
  readonly askAt: Instant;
  readonly reported: boolean;
  readonly difference: ConfigDifference;
}

export interface ConfigurationState {
  readonly running: Loaded;
  /** The engine's intervals while the peer still has other ones. */
  readonly settling?: EngineConfig;
  /** The peer's adverts carry another configuration's digest. */
  readonly seen?: SeenDifference;
}

export type ConfigurationEvent =
  | {readonly type: 'loaded'; readonly loaded: Loaded}
  | {readonly type: 'engine-ready'}
  | {readonly type: 'engine-status'; readonly status: EngineStatus}
  | {readonly type: 'peer-facts'; readonly facts: readonly Fact[]}
  | {readonly type: 'peer-facts-failed'; readonly problem: string}
  | {readonly type: 'tick'};

export type ConfigurationEffect =
  | {readonly type: 'to-engine'; readonly message: ToEngine}
  | {readonly type: 'ask-facts'}
  /** Facts. */
  | {readonly type: 'settling'; readonly over: boolean}
  | {readonly type: 'difference'; readonly difference: ConfigDifference};

export type ConfigurationTurn = [ConfigurationState, readonly ConfigurationEffect[]];

/** While one director reloads after the other they differ for a moment: not worth reporting. */
const PATIENCE: Millis = 2_000;
const ASK_AGAIN: Millis = 30_000;

export const initialConfiguration = (running: Loaded): ConfigurationState => ({running});

export const nextConfigurationDeadline = ({seen}: ConfigurationState): Instant => seen?.askAt ?? Infinity;

/** undefined: they agree, it is too early to say, or nothing is known about the peer. */
export const differenceOf = ({seen}: ConfigurationState, now: Instant): ConfigDifference | undefined =>
  seen && now - seen.since >= PATIENCE ? seen.difference : undefined;

export function reduceConfiguration(
  state: ConfigurationState,
  event: ConfigurationEvent,
  {now}: Moment,
): ConfigurationTurn {
  switch (event.type) {
    case 'loaded':
      return onLoaded(state, event.loaded);
    case 'engine-ready':
      return [state, configureEngine(state)];
    case 'engine-status': {
      const [settled, effects] = settle(state, event.status);
      return [withDifference(settled, event.status, now), effects];
    }
    case 'peer-facts': {
      const {seen, running} = state;
      if (!seen) return [state, []];
      const changes = differencesTo(running, event.facts);
      const [first] = changes;
      const {peer} = seen.difference;
      const difference = {peer, count: changes.length, ...(first ? {first} : {})};
      return [{...state, seen: {...seen, askAt: Infinity, difference}}, [{type: 'difference', difference}]];
    }
    case 'peer-facts-failed': {
      const {seen} = state;
      if (!seen) return [state, []];
      const difference = {...seen.difference, problem: event.problem};
      // Retried until it works, reported once.
      return [
        {...state, seen: {...seen, reported: true, difference}},
        seen.reported ? [] : [{type: 'difference', difference}],
      ];
    }
    case 'tick': {
      const {seen} = state;
      if (!seen || now < seen.askAt) return [state, []];
      return [{...state, seen: {...seen, askAt: now + ASK_AGAIN}}, [{type: 'ask-facts'}]];
    }
  }
}

function configureEngine({running, settling}: ConfigurationState): readonly ConfigurationEffect[] {
  const config = settling ?? running.engine;
  return config ? [{type: 'to-engine', message: {type: 'configure', config}}] : [];
}

function onLoaded(before: ConfigurationState, loaded: Loaded): ConfigurationTurn {
  const {settling: last, ...rest} = before;
  const settling = loaded.engine && settlingConfig(last ?? before.running.engine, loaded.engine);
  const state: ConfigurationState = {...rest, running: loaded, ...(settling ? {settling} : {})};
  const news: readonly ConfigurationEffect[] = settling && !last ? [{type: 'settling', over: false}] : [];
  return [state, [...news, ...configureEngine(state)]];
}

/** The new intervals take effect once the peer has the same configuration. */
function settle(before: ConfigurationState, status: EngineStatus): ConfigurationTurn {
  const {settling, ...state} = before;
  if (!settling || !peersHave(state.running.digest, status)) return [before, []];
  return [state, [{type: 'settling', over: true}, ...configureEngine(state)]];
}

function withDifference(before: ConfigurationState, status: EngineStatus, now: Instant): ConfigurationState {
  const {seen, ...state} = before;
  const {digest} = state.running;
  const differing = status.peers.find(
    (peer) =>
      (peer.state === 'up' || peer.state === 'late') &&
      peer.configDigest !== undefined &&
      peer.configDigest !== '' &&
      !digest.startsWith(peer.configDigest),
  );
  if (!differing) return state;
  const key = `${digest} ${differing.configDigest ?? ''}`;
  if (seen?.key === key) return before;
  const difference = {peer: differing.name, count: 0};
  return {...state, seen: {key, since: now, askAt: now + PATIENCE, reported: false, difference}};
}

/** The hactl settings that the checks need. */
function verdictSettings({
  cluster,
}: Loaded): Pick<CheckSpec, 'rise' | 'damping' | 'dynamicWeight' | 'certDays'> {
  const settings = cluster.ha?.hactl.verdicts;
  if (!settings) return {certDays: CERT_DAYS};
  const {rise, damping, dynamicWeight, certDays} = settings;
  return {rise, dynamicWeight, certDays, ...(damping ? {damping} : {})};
}

/** The checks of a configuration, each with its last report. */
export function checksOf(loaded: Loaded, report: (id: string) => CheckReport | undefined): ToChecks {
  const settings = verdictSettings(loaded);
  const specs = loaded.cluster.ldirectord.flatMap((file) =>
    file.virtuals.flatMap((virtual) =>
      virtual.reals.map((real): CheckSpec => {
        const known = report(checkId(virtual, real))?.state;
        const spec = checkSpec(virtual, real, known === 'up' || known === 'down' ? known : undefined);
        // A virtual service's hactl_rise overrides that of ha.cf.
        return {...settings, ...spec};
      }),
    ),
  );
  const {checkUser, scriptUser = loaded.scriptsAsRoot ? 'root' : undefined} = loaded.cluster.ha?.hactl ?? {};
  const identity = {...(checkUser ? {checkUser} : {}), ...(scriptUser ? {scriptUser} : {})};
  return {type: 'configure', specs, ...(Object.keys(identity).length > 0 ? {identity} : {})};
}

/** The sync process's configuration. */
export function syncOf(
  {cluster}: Loaded,
  roles: ReadonlyMap<number, Role>,
  node: string,
  stateDir: string,
): ToSync {
  const settings = syncSettings(cluster, node.toLowerCase(), stateDir);
  return {
    type: 'configure',
    groups: syncGroups(cluster.haresources.groups, roles),
    ...(settings ? {settings} : {}),
  };
}
