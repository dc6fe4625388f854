/**
 * The configuration to start with: the files on disk or, if they have errors, the last version in use. A badly edited file
 * must not cost an address when a process dies.
 */
import type {ServiceKey} from '@hactl/ipvs';
import type {Log} from '../system/log.ts';
import {serviceKey} from '../table/services.ts';
import {overlay} from './config-files.ts';
import type {ConfigStore, ConfigVersion} from './config-store.ts';
import {loadDirectory, type LoadOptions, type LoadOutcome} from './load.ts';
import type {Loaded} from './loaded.ts';
import {keepNames, readNames, type NameCache} from './names.ts';

/** A route may come up a moment after hactld, as at boot. */
const AGAIN_MS = 2_000;

/** `inUse`: judged as a configuration that was in use before; `leaveOutAbsent`: names that do not exist are left out. */
export type LoadHow = Pick<LoadOptions, 'read' | 'inUse' | 'leaveOutAbsent'>;

export interface FirstLoadOptions {
  readonly configDir: string;
  /** A single director's file. */
  readonly only?: string;
  readonly store: Pick<ConfigStore, 'versions'>;
  readonly log: Log;
  readonly print: (text: string) => void;
  readonly load: (how?: LoadHow) => Promise<LoadOutcome>;
  readonly wait?: (ms: number) => Promise<void>;
}

export interface FirstLoad {
  readonly outcome: LoadOutcome & {readonly loaded: NonNullable<LoadOutcome['loaded']>};
  /** Shown in the status until a reload fixes it. */
  readonly problem?: string;
  /** Names that do not exist yet: once they do, the files on disk can be used. */
  readonly awaited: readonly string[];
}

/** The last version in use, from the same directory (or the same single file). */
function lastVersion({
  store,
  configDir,
  only,
}: Pick<FirstLoadOptions, 'store' | 'configDir' | 'only'>): ConfigVersion | undefined {
  const last = store.versions().at(-1);
  if (!last) return undefined;
  const isOurs = ({path}: {readonly path: string}): boolean =>
    only === undefined ? path.startsWith(`${configDir}/`) : path === only || path.endsWith(`/${only}`);
  return last.files.some(isOurs) ? last : undefined;
}

const isUsable = (outcome: LoadOutcome): outcome is FirstLoad['outcome'] => outcome.loaded !== undefined;

/** Whether only routes are missing. */
const onlyRoutes = ({diagnostics}: LoadOutcome): boolean => {
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  return errors.length > 0 && errors.every(({code}) => code === 'no-route');
};

/** undefined: nothing to start with; the errors were printed. */
export async function firstLoad(options: FirstLoadOptions): Promise<FirstLoad | undefined> {
  const {configDir, log, print, load} = options;
  const wait = options.wait ?? ((ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms)));
  const outcome = await load();
  for (const text of outcome.texts) print(`${text}\n\n`);
  if (isUsable(outcome)) return {outcome, awaited: []};
  const version = lastVersion(options);
  const lean = outcome.absentNames.length > 0 ? await load({leaveOutAbsent: true}) : undefined;
  if (!version) {
    if (lean && isUsable(lean)) {
      log(
        'error',
        `names that do not exist are left out until they do: ${outcome.absentNames.map((key) => key.slice(2)).join(', ')}`,
      );
      return {outcome: lean, awaited: []};
    }
    log('error', `the configuration in ${configDir} has errors; nothing was started`);
    return undefined;
  }
  let before = await load({read: overlay(version.files), inUse: true});
  if (onlyRoutes(before)) {
    log('error', 'an address of this director had a route before and has none now: waiting for the network');
    while (onlyRoutes(before)) {
      // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
      await wait(AGAIN_MS);
      // oxlint-disable-next-line no-await-in-loop -- as above.
      const now = await load();
      if (isUsable(now)) return {outcome: now, awaited: []};
      // oxlint-disable-next-line no-await-in-loop -- as above.
      before = await load({read: overlay(version.files), inUse: true});
    }
  }
  if (!isUsable(before)) {
    for (const text of before.texts) print(`${text}\n\n`);
    log(
      'error',
      `the files in ${configDir} and version ${version.number}, the last in use, have errors; nothing was started`,
    );
    return undefined;
  }
  const since = new Date(version.wall).toISOString();
  const problem = `the files in ${configDir} have errors; version ${version.number} is in use, applied ${since} (hactl check-config shows the errors, hactl config diff what changed)`;
  log('error', problem);
  // The files on disk are watched: a change is noticed.
  return {
    outcome: {...before, files: [...new Set([...before.files, ...outcome.files])]},
    problem,
    awaited: outcome.absentNames,
  };
}

/** The configuration a director starts with. */
export interface Begin {
  readonly first: FirstLoad['outcome'];
  readonly problem?: string;
  /** The addresses of its host names. */
  readonly names: NameCache;
  /** Services of the version in use that are no longer in the files: a reload would delete them. */
  readonly left: readonly ServiceKey[];
  readonly awaited: readonly string[];
}

/** The first load of a director: no start depends on a name server that answered before. */
export async function begin(options: LoadOptions, store: ConfigStore, log: Log): Promise<Begin | undefined> {
  const {configDir, stateDir, only} = options;
  const known = readNames(stateDir);
  let names: NameCache = new Map();
  const began = await firstLoad({
    configDir,
    store,
    log,
    print: (text) => void process.stderr.write(text),
    load: async (how) => {
      names = new Map(known);
      return loadDirectory({...options, names, trustNames: true, ...how});
    },
    ...(only === undefined ? {} : {only}),
  });
  if (!began) return undefined;
  const {outcome, problem, awaited} = began;
  rememberNames(stateDir, names, log);
  const left = await leftServices(options, store, outcome.loaded, names);
  return {first: outcome, names, left, awaited, ...(problem === undefined ? {} : {problem})};
}

/** What was edited while no supervisor ran: the kernel still has the services that were in use. */
async function leftServices(
  options: LoadOptions,
  store: ConfigStore,
  loaded: Loaded,
  names: NameCache,
): Promise<readonly ServiceKey[]> {
  const {configDir, only} = options;
  const version = lastVersion({store, configDir, ...(only === undefined ? {} : {only})});
  if (!version || version.digest === loaded.digest) return [];
  const {cluster} = await loadDirectory({
    ...options,
    names: new Map(names),
    trustNames: true,
    inUse: true,
    read: overlay(version.files),
  });
  return (cluster?.ldirectord ?? []).flatMap(({virtuals}) => virtuals.map(serviceKey));
}

/** A full disk costs a lookup at the next start, not this start. */
export function rememberNames(stateDir: string, names: NameCache, log: Log): void {
  try {
    keepNames(stateDir, names);
  } catch (error) {
    log('warn', `the addresses of host names could not be saved: ${String(error)}`);
  }
}
