/** Reads the configuration directory into something the supervisor can run, or into diagnostics. */
import {createHash} from 'node:crypto';
import {closeSync, openSync} from 'node:fs';
import {
  digestCluster,
  loadCluster,
  renderDiagnostic,
  type Diagnostic,
  type Mode,
  type ReadFile,
  type VirtualService,
} from '@hactl/config';
import {engineConfig, type FindInterface} from './engine-config.ts';
import {missingAgents} from '../resources/resource-agents.ts';
import {respawnProblems} from '../resources/respawn.ts';
import {readSource} from './read-source.ts';
import type {Loaded} from './loaded.ts';
import {withNames, type LookUp, type NameBook} from './names.ts';

export interface LoadOptions {
  readonly configDir: string;
  readonly stateDir: string;
  readonly node: string;
  readonly mode: Mode;
  /** A single director with this file only. */
  readonly only?: string;
  /** Reads the routes; asked only when an address was written without its interface or prefix length. */
  readonly findInterface: () => Promise<FindInterface>;
  readonly wall: number;
  /** How files are read: from the disk unless a configuration that is not there yet is judged. */
  readonly read?: ReadFile;
  /** How host names are found; the machine's resolver unless told otherwise. */
  readonly lookUp?: LookUp;
  /** The addresses of host names that are in use; brought up to date. */
  readonly names?: NameBook;
}

export interface LoadOutcome {
  /** undefined: there are errors, nothing may be changed. */
  readonly loaded?: Loaded;
  readonly diagnostics: readonly Diagnostic[];
  /** The same, as people read them. */
  readonly texts: readonly string[];
  /** Every file that was read: watched for changes. */
  readonly files: readonly string[];
}

/** A monitorfile must be writable before anything starts, as in ldirectord, which makes it if it is missing. */
function monitorProblem({monitorFile}: VirtualService): string[] {
  if (monitorFile === undefined) return [];
  try {
    closeSync(openSync(monitorFile, 'a'));
    return [];
  } catch (error) {
    return [`error: unable to open monitorfile ${monitorFile}: ${String(error)}`];
  }
}

/** Reads and judges all files; decides nothing and changes nothing. */
export async function loadDirectory(options: LoadOptions): Promise<LoadOutcome> {
  const outcome = await withNames(
    (resolve) =>
      loadCluster({
        dir: options.configDir,
        read: options.read ?? readSource,
        mode: options.mode,
        localNode: options.node.toLowerCase(),
        resolve,
        ...(options.only === undefined ? {} : {only: options.only}),
      }),
    options.lookUp,
    options.names,
  );
  const texts = outcome.diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, outcome.sources));
  const files = [...outcome.sources.keys()];
  const failed = outcome.diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  const {cluster} = outcome;
  if (failed || !cluster) return {diagnostics: outcome.diagnostics, texts, files};

  const unwritable = cluster.ldirectord.flatMap((file) => file.virtuals.flatMap(monitorProblem));
  if (unwritable.length > 0)
    return {diagnostics: outcome.diagnostics, texts: [...texts, ...unwritable], files};
  for (const group of cluster.haresources.groups)
    for (const missing of missingAgents(group, {configDir: options.configDir}))
      texts.push(`warning: group ${group.name} cannot be started here: ${missing}`);
  const respawns = respawnProblems(cluster.ha?.respawns ?? []);
  for (const problem of respawns)
    texts.push(`${options.mode === 'strict' ? 'error' : 'warning'}: ${problem}`);
  // heartbeat does not start at all.
  if (respawns.length > 0 && options.mode === 'strict')
    return {diagnostics: outcome.diagnostics, texts, files};
  const digest = createHash('sha256').update(digestCluster(cluster)).digest('hex');
  const base = {cluster, digest, notices: texts.length, at: options.wall};
  if (!cluster.ha) return {loaded: base, diagnostics: outcome.diagnostics, texts, files};
  const bare = cluster.haresources.groups.some((group) =>
    group.resources.some(({vip}) => vip && (vip.device === undefined || vip.prefixLength === undefined)),
  );
  const {config, unplaced} = engineConfig({
    ha: cluster.ha,
    cluster,
    node: options.node.toLowerCase(),
    digest,
    stateDir: options.stateDir,
    findInterface: bare ? await options.findInterface() : () => undefined,
  });
  if (unplaced.length > 0) {
    for (const {address, group} of unplaced)
      texts.push(
        `error: no interface for address ${address} of group ${group}: no route leads to it; write ${address}/PREFIX/INTERFACE in haresources`,
      );
    return {diagnostics: outcome.diagnostics, texts, files};
  }
  return {loaded: {...base, engine: config}, diagnostics: outcome.diagnostics, texts, files};
}
