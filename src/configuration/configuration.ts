/**
 * The configuration while the director runs: read again when somebody asks, when a file changed that may take itself into
 * use, or when a host name moved; with an error nothing changes, and what is wrong is said until it is right.
 */
import type {LdirectordConfig, ReadFile} from '@hactl/config';
import {describeChange, planChanges} from './changes.ts';
import {watchFiles} from './file-watch.ts';
import type {LoadOptions, LoadOutcome} from './load.ts';
import type {Log} from '../system/log.ts';
import {movedNames, type NameBook} from './names.ts';
import {isExecutable, runCommand} from '../system/shell.ts';
import type {Loaded} from './loaded.ts';

/** Host names are looked up again so often. */
const NAMES_EVERY = 60_000;

interface Ports {
  readonly log: Log;
  readonly configDir: string;
  readonly reader: Reader;
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
): Reader {
  let names: NameBook = new Map();
  return {
    load: async (read) => {
      const book = new Map(names);
      const outcome = await loadFiles({names: book, ...(read === undefined ? {} : {read})});
      if (outcome.loaded && !read) names = book;
      return outcome;
    },
    get names() {
      return names;
    },
  };
}

export function makeConfiguration(ports: Ports) {
  const {log, reader} = ports;
  let problem: string | undefined;
  let movedBefore = '';
  let lookingUp: NodeJS.Timeout | undefined;

  const fails = (text: string, level: 'warn' | 'error' = 'warn'): void => {
    problem = text;
    log(level, text);
    ports.tell('warn', text);
  };

  async function reload(why = 'reload'): Promise<Reloaded> {
    runCallbacks(watch.look());
    const next = await reader.load();
    watch.follow(next.files);
    if (!next.loaded) {
      fails(
        `the files in ${ports.configDir} have errors; the running configuration stays (hactl check-config shows them)`,
        'error',
      );
      return {ok: false, changes: [], diagnostics: next.texts};
    }
    const {rows, refused} = planChanges(ports.running(), next.loaded);
    if (refused !== undefined) {
      fails(refused);
      return {ok: false, changes: [], diagnostics: [`error: ${refused}`]};
    }
    problem = undefined;
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
    if (ours.some((file) => file.autoReload)) void reload();
    else fails(`changed on disk, not in use: ${changed.join(', ')} (hactl reload takes it into use)`);
  }
  const watch = watchFiles(filesChanged);

  /** A real named by its host name may move to another address: ldirectord sees it only when it starts anew. */
  async function lookUpAgain(): Promise<void> {
    const moved = await movedNames(reader.names);
    const story = moved.map(({name, from, to}) => `${name} is at ${to} now, no more at ${from}`).join('; ');
    if (story === movedBefore) return;
    movedBefore = story;
    if (story === '') return;
    filesChanged(watch.look());
    log('info', `host name ${story}${problem === undefined ? '' : ': used from the next reload on'}`);
    // What was edited and not yet taken into use must not come in by this door.
    if (problem === undefined) void reload('a host name moved');
  }

  return {
    reload,
    get problem(): string | undefined {
      return problem;
    },
    /** From now on changes of these files, and names that move, are seen. */
    watch: (files: readonly string[]): void => {
      watch.follow(files);
      lookingUp = setInterval(() => void lookUpAgain(), NAMES_EVERY);
    },
    stop: (): void => {
      watch.stop();
      clearInterval(lookingUp);
    },
  };
}
