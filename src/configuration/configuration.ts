/**
 * The configuration while the director runs: reloaded on request, when a file with autoreload changed, or when a host name
 * moved. An error changes nothing and is reported until it is fixed.
 */
import {doubling, type Millis} from '@hactl/base';
import type {LdirectordConfig, ReadFile} from '@hactl/config';
import {describeChange, planChanges} from './changes.ts';
import {watchFiles} from './file-watch.ts';
import type {LoadOptions, LoadOutcome} from './load.ts';
import type {Log} from '../system/log.ts';
import {askResolver, movedNames, type LookUp, type NameCache} from './names.ts';
import {unattendedRefusal} from './unattended.ts';
import {isExecutable, runCommand} from '../system/shell.ts';
import type {Loaded} from './loaded.ts';

/** Interval at which host names are looked up again. */
const NAMES_EVERY = 60_000;
/** The first interval while a name has no address yet (then doubling), or when a start took the last known addresses. */
const NAMES_SOON = 5_000;

interface Ports {
  readonly log: Log;
  readonly configDir: string;
  readonly reader: Reader;
  /** The start's problem with the files. */
  readonly problem?: string | undefined;
  /** Names that did not exist at the start, if nothing else is wrong with the files. */
  readonly awaited?: readonly string[];
  readonly lookUp?: LookUp;
  /** Runs it after that time; the returned function cancels it. */
  readonly later?: (run: () => void, ms: Millis) => () => void;
  readonly running: () => Loaded;
  readonly apply: (next: Loaded, why: string) => Promise<void>;
  /** For the journal. */
  readonly report: (level: 'warn' | 'info', text: string) => void;
}

export interface Reloaded {
  readonly ok: boolean;
  readonly changes: readonly string[];
  readonly diagnostics: readonly string[];
}

/** Reads the files; remembers the host names' addresses of the last applied configuration. */
export interface Reader {
  /** `read`: files other than those on disk, for validation only. */
  readonly load: (read?: ReadFile) => Promise<LoadOutcome>;
  readonly names: NameCache;
}

export function makeReader(
  loadFiles: (more: Pick<LoadOptions, 'names' | 'read'>) => Promise<LoadOutcome>,
  begin: {readonly names: NameCache; readonly taken: (names: NameCache) => void},
): Reader {
  let {names} = begin;
  return {
    load: async (read) => {
      const cache = new Map(names);
      const outcome = await loadFiles({names: cache, ...(read === undefined ? {} : {read})});
      if (outcome.loaded && !read) {
        names = cache;
        begin.taken(cache);
      }
      return outcome;
    },
    get names() {
      return names;
    },
  };
}

const afterwards = (run: () => void, ms: Millis): (() => void) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

export function makeConfiguration(ports: Ports) {
  const {log, reader, lookUp = askResolver, later = afterwards} = ports;
  let {problem, awaited = []} = ports;
  let movedBefore = '';
  let failedLookUps = 0;
  let cancelLookUp = (): void => undefined;
  const cache = (): NameCache => new Map([...awaited.map((key) => [key, ''] as const), ...reader.names]);
  const lookLater = (): void => {
    cancelLookUp();
    failedLookUps = [...cache().values()].includes('') ? failedLookUps + 1 : 0;
    const pause =
      failedLookUps > 0 ? doubling(failedLookUps, {first: NAMES_SOON, most: NAMES_EVERY}) : NAMES_EVERY;
    cancelLookUp = later(() => void lookUpAgain(), pause);
  };

  /** `names`: those that do not exist yet, if nothing else is wrong. */
  const fails = (text: string, level: 'warn' | 'error' = 'warn', names: readonly string[] = []): void => {
    problem = text;
    awaited = names;
    log(level, text);
    ports.report('warn', text);
  };

  /** `unattended`: nobody requested it. */
  async function reload(why = 'reload', unattended = false): Promise<Reloaded> {
    runCallbacks(watch.look());
    const next = await reader.load();
    watch.follow(next.files);
    if (!next.loaded) {
      fails(
        `the files in ${ports.configDir} have errors; the running configuration stays (hactl check-config shows them)`,
        'error',
        // A requested reload that was refused must not be applied later by itself.
        unattended ? next.absentNames : [],
      );
      if (awaited.length > 0) lookLater();
      return {ok: false, changes: [], diagnostics: next.texts};
    }
    const planned = planChanges(ports.running(), next.loaded);
    const {rows} = planned;
    const refused =
      planned.refused ?? (unattended ? unattendedRefusal(ports.running(), next.loaded) : undefined);
    if (refused !== undefined) {
      fails(refused);
      return {ok: false, changes: [], diagnostics: [`error: ${refused}`]};
    }
    problem = undefined;
    awaited = [];
    await ports.apply(next.loaded, why);
    const changes = rows.map(describeChange);
    const text = `configuration reloaded: ${changes.join(', ') || 'no change'}`;
    log('info', text);
    ports.report('info', text);
    return {ok: true, changes, diagnostics: next.texts};
  }

  /** ldirectord's callback, whether the watch or an earlier requested reload found the change. */
  function runCallbacks(changed: readonly string[]): readonly LdirectordConfig[] {
    const ours = ports.running().cluster.ldirectord.filter((file) => changed.includes(file.path));
    for (const {callback, path: file} of ours)
      if (callback !== undefined && isExecutable(callback))
        void runCommand({file: callback, words: [file], name: `callback ${callback}`}, log);
    return ours;
  }

  /** ldirectord's autoreload: reloads a changed file; without it the change is at least reported. */
  function filesChanged(changed: readonly string[]): void {
    if (changed.length === 0) return;
    const ours = runCallbacks(changed);
    if (ours.some((file) => file.autoReload)) void reload('autoreload', true);
    else fails(`changed on disk, not in use: ${changed.join(', ')} (hactl reload applies it)`);
  }
  const watch = watchFiles(filesChanged);

  /** A real server given by host name may move to another address: ldirectord notices only at a restart. */
  async function lookUpAgain(): Promise<void> {
    const moved = await movedNames(cache(), lookUp);
    const summary = moved
      .map(({name, from, to}) =>
        from === '' ? `${name} is at ${to}` : `${name} moved from ${from} to ${to}`,
      )
      .join('; ');
    lookLater();
    if (summary === movedBefore) return;
    movedBefore = summary;
    if (summary === '') return;
    filesChanged(watch.look());
    const isUsed = problem === undefined || awaited.length > 0;
    log('info', `host name ${summary}${isUsed ? '' : ': used from the next reload on'}`);
    // Edits that nobody applied yet must not be applied by a name change.
    if (isUsed) void reload('a host name moved', true);
  }

  return {
    reload,
    get problem(): string | undefined {
      return problem;
    },
    /** Starts watching these files and their host names. */
    watch: (files: readonly string[]): void => {
      watch.follow(files);
      // The start took the last known addresses unchecked.
      cancelLookUp = later(() => void lookUpAgain(), NAMES_SOON);
    },
    stop: (): void => {
      watch.stop();
      cancelLookUp();
    },
  };
}
