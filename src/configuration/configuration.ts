/**
 * The configuration while the director runs: read again when somebody asks, when a file changed that may take itself into
 * use, or when a host name moved; with an error nothing changes, and what is wrong is said until it is right.
 */
import {doubling, type Millis} from '@hactl/base';
import type {LdirectordConfig, ReadFile} from '@hactl/config';
import {describeChange, planChanges} from './changes.ts';
import {watchFiles} from './file-watch.ts';
import type {LoadOptions, LoadOutcome} from './load.ts';
import type {Log} from '../system/log.ts';
import {askResolver, movedNames, type LookUp, type NameBook} from './names.ts';
import {unattendedRefusal} from './unattended.ts';
import {isExecutable, runCommand} from '../system/shell.ts';
import type {Loaded} from './loaded.ts';

/** Host names are looked up again so often. */
const NAMES_EVERY = 60_000;
/** While one has no address yet, twice as late each time; and when a start took those of the last time. */
const NAMES_SOON = 5_000;

interface Ports {
  readonly log: Log;
  readonly configDir: string;
  readonly reader: Reader;
  /** What the start has to say of the files. */
  readonly problem?: string | undefined;
  /** Names that did not exist at the start, and are all that is wrong with the files. */
  readonly awaited?: readonly string[];
  readonly lookUp?: LookUp;
  /** Runs it after that time; the answer takes it back. */
  readonly later?: (run: () => void, ms: Millis) => () => void;
  readonly running: () => Loaded;
  readonly take: (next: Loaded, why: string) => Promise<void>;
  /** For the journal. */
  readonly tell: (level: 'warn' | 'info', text: string) => void;
}

export interface Reloaded {
  readonly ok: boolean;
  readonly changes: readonly string[];
  readonly diagnostics: readonly string[];
}

/** Reads the files; remembers which addresses the host names had in the configuration that was taken last. */
export interface Reader {
  /** `read`: other files than those on the disk, to be judged only. */
  readonly load: (read?: ReadFile) => Promise<LoadOutcome>;
  readonly names: NameBook;
}

export function makeReader(
  loadFiles: (more: Pick<LoadOptions, 'names' | 'read'>) => Promise<LoadOutcome>,
  begin: {readonly names: NameBook; readonly taken: (names: NameBook) => void},
): Reader {
  let {names} = begin;
  return {
    load: async (read) => {
      const book = new Map(names);
      const outcome = await loadFiles({names: book, ...(read === undefined ? {} : {read})});
      if (outcome.loaded && !read) {
        names = book;
        begin.taken(book);
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
  let inVain = 0;
  let takeBack = (): void => undefined;
  const book = (): NameBook => new Map([...awaited.map((key) => [key, ''] as const), ...reader.names]);
  const lookLater = (): void => {
    takeBack();
    inVain = [...book().values()].includes('') ? inVain + 1 : 0;
    const pause = inVain > 0 ? doubling(inVain, {first: NAMES_SOON, most: NAMES_EVERY}) : NAMES_EVERY;
    takeBack = later(() => void lookUpAgain(), pause);
  };

  /** `names`: that do not exist yet, when nothing else is wrong. */
  const fails = (text: string, level: 'warn' | 'error' = 'warn', names: readonly string[] = []): void => {
    problem = text;
    awaited = names;
    log(level, text);
    ports.tell('warn', text);
  };

  /** `unattended`: nobody asked for it. */
  async function reload(why = 'reload', unattended = false): Promise<Reloaded> {
    runCallbacks(watch.look());
    const next = await reader.load();
    watch.follow(next.files);
    if (!next.loaded) {
      fails(
        `the files in ${ports.configDir} have errors; the running configuration stays (hactl check-config shows them)`,
        'error',
        // What somebody asked for and was refused does not come in later by itself.
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
    await ports.take(next.loaded, why);
    const changes = rows.map(describeChange);
    const text = `configuration reloaded: ${changes.join(', ') || 'no change'}`;
    log('info', text);
    ports.tell('info', text);
    return {ok: true, changes, diagnostics: next.texts};
  }

  /** ldirectord's callback, whoever found the change: the watch, or the reload that was asked for before it looked. */
  function runCallbacks(changed: readonly string[]): readonly LdirectordConfig[] {
    const ours = ports.running().cluster.ldirectord.filter((file) => changed.includes(file.path));
    for (const {callback, path: file} of ours)
      if (callback !== undefined && isExecutable(callback))
        void runCommand({file: callback, words: [file], name: `callback ${callback}`}, log);
    return ours;
  }

  /** ldirectord's autoreload: a changed file is read again; without it the difference is at least said. */
  function filesChanged(changed: readonly string[]): void {
    if (changed.length === 0) return;
    const ours = runCallbacks(changed);
    if (ours.some((file) => file.autoReload)) void reload('autoreload', true);
    else fails(`changed on disk, not in use: ${changed.join(', ')} (hactl reload applies it)`);
  }
  const watch = watchFiles(filesChanged);

  /** A real server named by its host name may move to another address: ldirectord sees it only when it restarts. */
  async function lookUpAgain(): Promise<void> {
    const moved = await movedNames(book(), lookUp);
    const story = moved
      .map(({name, from, to}) =>
        from === '' ? `${name} is at ${to}` : `${name} moved from ${from} to ${to}`,
      )
      .join('; ');
    lookLater();
    if (story === movedBefore) return;
    movedBefore = story;
    if (story === '') return;
    filesChanged(watch.look());
    const isUsed = problem === undefined || awaited.length > 0;
    log('info', `host name ${story}${isUsed ? '' : ': used from the next reload on'}`);
    // What was edited and not yet applied must not come in by this door.
    if (isUsed) void reload('a host name moved', true);
  }

  return {
    reload,
    get problem(): string | undefined {
      return problem;
    },
    /** From now on changes of these files, and names that move, are seen. */
    watch: (files: readonly string[]): void => {
      watch.follow(files);
      // The start took the addresses of the last time as they were.
      takeBack = later(() => void lookUpAgain(), NAMES_SOON);
    },
    stop: (): void => {
      watch.stop();
      takeBack();
    },
  };
}
