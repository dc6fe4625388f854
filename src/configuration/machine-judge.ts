/**
 * What the files ask of the machine that they are read on: routes for addresses, programs, users, files to write, and
 * that nobody but root could change what root reads or runs. Pure; machine-facts.ts looks.
 */
import {
  redactLine,
  type ClusterConfig,
  type Diagnostic,
  type MachineCode,
  type Mode,
  type Resource,
  type Source,
  type Span,
} from '@hactl/config';
import type {FindInterface} from './engine-config.ts';

export interface MachineFacts {
  readonly findInterface: FindInterface;
  /** The diagnostic for a resource that cannot be started here. */
  readonly missingAgent: (resource: Resource) => string | undefined;
  readonly programOf: (resource: Resource) => string | undefined;
  readonly hasUser: (name: string) => boolean;
  readonly isExecutable: (file: string) => boolean;
  readonly isFile: (file: string) => boolean;
  /** Why nothing can be written to a file; undefined: it can. */
  readonly unwritable: (file: string) => string | undefined;
  /** Who but root may change a file, or put another in its place; undefined: nobody. */
  readonly exposure: (file: string) => string | undefined;
}

export interface JudgeOptions {
  readonly configDir: string;
  readonly sources: ReadonlyMap<string, Source>;
  readonly mode: Mode;
  /** Scripts and checks run as this user: what they are is no danger to root. */
  readonly scriptUser?: string;
}

export const ROOT_RUNS = 'root runs';

/** A program that the files name, and where they do. */
interface NamedProgram {
  readonly file: string;
  readonly span: Span;
}

/** The place of the first line that matches, its value if the expression has a group `at`. */
function placeOf(sources: ReadonlyMap<string, Source>, file: string, line: RegExp, from = 0): Span {
  const text = sources.get(file)?.text ?? '';
  const search = new RegExp(line.source, 'dgim');
  search.lastIndex = from;
  const found = search.exec(text);
  const [start, end] = found?.indices?.groups?.at ?? found?.indices?.[0] ?? [from, from + 1];
  return {file, start, end};
}

/** A word's place within a span. */
function wordIn(sources: ReadonlyMap<string, Source>, span: Span, word: string): Span {
  const at = sources.get(span.file)?.text.indexOf(word, span.start) ?? -1;
  return at < 0 || at >= span.end ? span : {file: span.file, start: at, end: at + word.length};
}

const quoted = (word: string): string => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** These run the rest of their arguments. */
const interpreters =
  /^(?:(?:ba|da|k|z)?sh|perl[\d.]*|python[\d.]*|ruby[\d.]*|node|lua[\d.]*|tclsh|env|sudo|nice|ionice|timeout|setpriv|nohup|exec)$/;

/** The files that a command runs: its program, and the script that an interpreter is given. */
export function filesOfCommand(words: readonly string[]): string[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  const candidates = first.startsWith('/') ? [first] : [];
  if (!interpreters.test(first.split('/').at(-1) ?? '')) return candidates;
  const next = rest.findIndex(
    (word) => !word.startsWith('-') && !/^\w+=/.test(word) && !/^[\d.]+[smh]?$/.test(word),
  );
  return next < 0 ? candidates : [...candidates, ...filesOfCommand(rest.slice(next))];
}

/** Words of a shell's line: enough to find the program. */
const shellWords = (line: string): string[] => line.trim().split(/[\s;|&]+/);

/** Every program that root would run for these files; `isAll`: those of another user too. */
function programs(
  cluster: ClusterConfig,
  facts: MachineFacts,
  {sources, scriptUser}: JudgeOptions,
  isAll = false,
): NamedProgram[] {
  const {ha} = cluster;
  const asRoot = isAll || scriptUser === undefined || scriptUser === 'root';
  const found: NamedProgram[] = [];
  const add = (words: readonly string[], span: Span): void => {
    for (const file of filesOfCommand(words)) found.push({file, span});
  };
  const inHa = (directive: string, word: string): Span =>
    placeOf(sources, ha?.path ?? '', new RegExp(`^[^#\\n]*${directive}\\b.*?(?<at>${quoted(word)})`));
  if (ha) {
    const {fence, trackScripts, alerts} = ha.hactl;
    if (fence !== undefined) add(shellWords(fence), inHa('hactl_fence', shellWords(fence)[0] ?? ''));
    for (const {words} of asRoot ? trackScripts : []) add(words, inHa('hactl_track_script', words[0] ?? ''));
    for (const words of asRoot ? (alerts?.commands ?? []) : [])
      add(words, inHa('hactl_alert_command', words[0] ?? ''));
    for (const {user, command, span} of ha.respawns)
      if (user === 'root') add(command, wordIn(sources, span, command[0] ?? ''));
  }
  for (const {resources} of cluster.haresources.groups)
    for (const resource of resources) {
      const file = facts.programOf(resource);
      if (file !== undefined) found.push({file, span: resource.span});
    }
  for (const {path: file, callback, virtuals} of cluster.ldirectord) {
    const at = (name: string, from?: number): Span =>
      placeOf(sources, file, new RegExp(`^\\s*${name}\\s*=\\s*(?<at>\\S.*)$`), from);
    if (callback !== undefined) add([callback], at('callback'));
    for (const {span, reals, fallbackCommand, checkCommand, checkType} of virtuals) {
      for (const {check} of asRoot ? reals : [])
        if (check?.checkCommand !== undefined) add([check.checkCommand], at('hactl_check', span.start));
      if (fallbackCommand !== undefined) add(shellWords(fallbackCommand), at('fallbackcommand', span.start));
      if (asRoot && (checkType.kind === 'external' || checkType.kind === 'external-perl'))
        add([checkCommand], at('checkcommand', span.start));
    }
  }
  return found;
}

/** Everything that the machine reports, in the order of the files. */
export function judgeMachine(
  cluster: ClusterConfig,
  facts: MachineFacts,
  options: JudgeOptions,
): Diagnostic[] {
  const {configDir, sources, mode} = options;
  const found: Diagnostic[] = [];
  const add = (
    severity: Diagnostic['severity'],
    code: MachineCode,
    span: Span,
    message: string,
    help: string,
  ): void => {
    found.push({severity, code, span, message, help});
  };
  const top = (file: string): Span => ({file, start: 0, end: 1});

  for (const {path: file, virtuals} of cluster.ldirectord)
    for (const {span, monitorFile} of virtuals) {
      const problem = monitorFile === undefined ? undefined : facts.unwritable(monitorFile);
      if (monitorFile === undefined || problem === undefined) continue;
      const line = new RegExp(`^\\s*monitorfile\\s*=\\s*(?<at>"?${quoted(monitorFile)}"?)`);
      const location = placeOf(sources, file, line, span.start);
      add(
        'error',
        'unwritable-file',
        location.end > location.start + 1 ? location : placeOf(sources, file, line),
        `unable to open monitorfile ${monitorFile}: ${problem}`,
        'ldirectord writes a line to it for each check: name a file that can be written',
      );
    }
  for (const group of cluster.haresources.groups)
    for (const resource of group.resources) {
      const {vip, span} = resource;
      const missing = facts.missingAgent(resource);
      if (missing !== undefined)
        add(
          'warning',
          'missing-program',
          span,
          `group ${redactLine(group.name)} cannot be started here: ${missing}`,
          'install it on this director, or take the resource out of the line on both',
        );
      if (
        vip &&
        (vip.device === undefined || vip.prefixLength === undefined) &&
        !facts.findInterface(vip.address, vip.family)
      )
        add(
          'error',
          'no-route',
          span,
          `no interface for address ${vip.address} of group ${redactLine(group.name)}: no route leads to it`,
          `write ${vip.address}/PREFIX/INTERFACE in haresources`,
        );
    }
  for (const {
    span,
    user,
    command: [file = ''],
  } of cluster.ha?.respawns ?? []) {
    // heartbeat does not start at all.
    const severity = mode === 'strict' ? 'error' : 'warning';
    if (!facts.hasUser(user))
      add(
        severity,
        'unknown-user',
        wordIn(sources, span, user),
        `respawn ${file}: there is no user ${user}`,
        `useradd -r ${user}, or name another user`,
      );
    else if (!facts.isExecutable(file))
      add(
        severity,
        'missing-program',
        wordIn(sources, span, file),
        `respawn ${file}: it is not executable`,
        `install it, or chmod +x ${file}`,
      );
  }

  const seen = new Set<string>();
  const unsafe = (file: string, span: Span, what: string): void => {
    const problem = seen.has(file) ? undefined : facts.exposure(file);
    seen.add(file);
    if (problem !== undefined)
      add(
        'error',
        'unsafe-permissions',
        span,
        `${what}: ${problem}`,
        'only root may be able to change what root reads and runs: chown root, chmod go-w',
      );
  };
  unsafe(configDir, top(configDir), `configuration directory ${configDir}`);
  for (const file of sources.keys()) unsafe(file, top(file), `configuration file ${file}`);
  const missing = new Set(found.filter(({code}) => code === 'missing-program').map(({span}) => span.start));
  for (const {file, span} of programs(cluster, facts, options, true))
    if (!facts.isFile(file) && !missing.has(span.start)) {
      missing.add(span.start);
      add('warning', 'missing-program', span, `there is no program ${file}`, `install it on this director`);
    }
  for (const {file, span} of programs(cluster, facts, options))
    if (facts.isFile(file)) unsafe(file, span, `${ROOT_RUNS} ${file}`);
  return found;
}
