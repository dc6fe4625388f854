/**
 * The only entry point to the configuration: reads the directory into a configuration that the supervisor can run, or into
 * diagnostics. hactld, plan, push, rollback, check-config, heartbeat and ldirectord all use it. It creates and changes
 * nothing.
 */
import {createHash} from 'node:crypto';
import {
  digestCluster,
  loadCluster,
  renderDiagnostic,
  type ClusterConfig,
  type Diagnostic,
  type Mode,
  type ReadFile,
  type Source,
} from '@hactl/config';
import {engineConfig, type FindInterface} from './engine-config.ts';
import {machineFacts} from './machine-facts.ts';
import {judgeMachine, needsRoot, ROOT_RUNS} from './machine-judge.ts';
import {readSource} from './read-source.ts';
import type {Loaded} from './loaded.ts';
import type {UnitSandbox} from '../system/unit-sandbox.ts';
import {leftOut, withNames, type LookUp, type NameCache} from './names.ts';

export interface LoadOptions {
  readonly configDir: string;
  readonly stateDir: string;
  readonly node: string;
  readonly mode: Mode;
  /** A single director with this file only. */
  readonly only?: string;
  /** Reads the routes; called only for an address without interface or prefix length. */
  readonly findInterface: () => Promise<FindInterface>;
  readonly wall: number;
  /** How files are read: from disk, unless validating a configuration that is not on disk yet. */
  readonly read?: ReadFile;
  /** How host names are resolved; the machine's resolver by default. */
  readonly lookUp?: LookUp;
  /** The addresses of host names in use; updated in place. */
  readonly names?: NameCache;
  /** At a start: names with an address in the cache are not looked up. */
  readonly trustNames?: boolean;
  /**
   * Names that do not exist are left out like those that no name server answers for: at a start, better than no service at all.
   */
  readonly leaveOutAbsent?: boolean;
  /**
   * For a configuration that was in use already: machine problems that may pass, and those of files not read now, are warnings.
   */
  readonly inUse?: boolean;
  /** Why this machine is not checked (it is not a director of these files); reported as a notice. */
  readonly elsewhere?: string;
  /** What the daemon's unit forbids, for whoever judges from outside of it. */
  readonly sandbox?: UnitSandbox;
}

export interface LoadOutcome {
  /** undefined: there are errors, nothing must change. */
  readonly loaded?: Loaded;
  readonly diagnostics: readonly Diagnostic[];
  /** The same, rendered as text. */
  readonly texts: readonly string[];
  /** Every file that was read, to be watched for changes. */
  readonly files: readonly string[];
  readonly sources: ReadonlyMap<string, Source>;
  /** Names that do not exist, as keys of the name cache, if nothing else is wrong. */
  readonly absentNames: readonly string[];
  /** What was read, with whatever errors; undefined: a required file is missing. */
  readonly cluster?: ClusterConfig;
}

const withoutPlace = (cluster: ClusterConfig): boolean =>
  cluster.haresources.groups.some((group) =>
    group.resources.some(({vip}) => vip && (vip.device === undefined || vip.prefixLength === undefined)),
  );

/** Reads and validates all files, and checks what they require of this machine. */
export async function loadDirectory(options: LoadOptions): Promise<LoadOutcome> {
  const {configDir, mode} = options;
  const node = options.node.toLowerCase();
  const unavailable = new Set<string>();
  const absent = new Set<string>();
  const {cluster, sources, diagnostics} = await withNames(
    (resolve) =>
      loadCluster({
        dir: configDir,
        read: options.read ?? readSource,
        mode,
        localNode: node,
        resolve,
        ...(options.only === undefined ? {} : {only: options.only}),
      }),
    {
      unavailable,
      absent,
      ...(options.leaveOutAbsent === undefined ? {} : {leaveOutAbsent: options.leaveOutAbsent}),
      ...(options.lookUp === undefined ? {} : {ask: options.lookUp}),
      ...(options.names === undefined ? {} : {cache: options.names}),
      ...(options.trustNames === undefined ? {} : {trustCache: options.trustNames}),
    },
  );
  const nodes = cluster?.ha?.nodes.map(({name}) => name) ?? [node];
  const elsewhere =
    options.elsewhere ?? (nodes.includes(node) ? undefined : `this machine (${node}) is not a node of ha.cf`);
  const find =
    cluster && elsewhere === undefined && withoutPlace(cluster)
      ? await options.findInterface()
      : () => undefined;
  const all: readonly Diagnostic[] = [
    ...diagnostics.map((diagnostic) =>
      mode === 'strict' ? diagnostic : leftOut(diagnostic, sources, unavailable),
    ),
    ...(!cluster
      ? []
      : elsewhere === undefined
        ? judgeMachine(cluster, machineFacts({configDir}, find, options.sandbox), {
            configDir,
            sources,
            mode,
          }).map((diagnostic) => (options.inUse === true ? asWarning(diagnostic) : diagnostic))
        : [notJudged(configDir, elsewhere)]),
  ];
  const outcome = {
    diagnostics: all,
    texts: all.map((diagnostic) => renderDiagnostic(diagnostic, sources)),
    files: [...sources.keys()],
    sources,
    absentNames: all.every(({severity, code}) => severity !== 'error' || code === 'unresolved-name')
      ? [...absent]
      : [],
    ...(cluster ? {cluster} : {}),
  };
  if (!cluster || all.some(({severity}) => severity === 'error')) return outcome;
  // A path of ha.cf whose name does not exist is left out: the name is retried.
  for (const key of absent) options.names?.set(key, '');
  const digest = createHash('sha256').update(digestCluster(cluster)).digest('hex');
  const base = {
    cluster,
    digest,
    notices: all.length,
    at: options.wall,
    ...(needsRoot(cluster, all) ? {scriptsAsRoot: true as const} : {}),
  };
  if (!cluster.ha) return {...outcome, loaded: base};
  const {config} = engineConfig({
    ha: cluster.ha,
    cluster,
    node,
    digest,
    stateDir: options.stateDir,
    findInterface: find,
  });
  return {...outcome, loaded: {...base, engine: config}};
}

/** The files on disk are not read in that case; a program that others may change is not run anyway. */
const asWarning = (diagnostic: Diagnostic): Diagnostic =>
  diagnostic.severity !== 'error' ||
  diagnostic.code === 'no-route' ||
  (diagnostic.code === 'unsafe-permissions' && diagnostic.message.startsWith(ROOT_RUNS))
    ? diagnostic
    : {...diagnostic, severity: 'warning'};

const notJudged = (configDir: string, reason: string): Diagnostic => ({
  severity: 'notice',
  code: 'not-judged',
  span: {file: configDir, start: 0, end: 1},
  message: `${reason}: routes, programs, users, writable files and permissions were not checked`,
  help: 'run hactl check-config on each director',
});
