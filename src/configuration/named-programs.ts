/** The programs that a configuration names, each with its place: what root runs, and what external checks run. Pure. */
import type {ClusterConfig, Resource, Source, Span} from '@hactl/config';

/** A program that the files name, and where they do. */
interface NamedProgram {
  readonly file: string;
  readonly span: Span;
  /** It is an argument: a program only if it is executable. */
  readonly argument?: true;
}

/** The place of the first line that matches, its value if the expression has a group `at`. */
export function placeOf(sources: ReadonlyMap<string, Source>, file: string, line: RegExp, from = 0): Span {
  const text = sources.get(file)?.text ?? '';
  const search = new RegExp(line.source, 'dgim');
  search.lastIndex = from;
  const found = search.exec(text);
  const [start, end] = found?.indices?.groups?.at ?? found?.indices?.[0] ?? [from, from + 1];
  return {file, start, end};
}

/** A word's place within a span. */
export function wordIn(sources: ReadonlyMap<string, Source>, span: Span, word: string): Span {
  const index = sources.get(span.file)?.text.indexOf(word, span.start) ?? -1;
  return index < 0 || index >= span.end ? span : {file: span.file, start: index, end: index + word.length};
}

export const quoted = (word: string): string => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** These run the rest of their arguments. */
const interpreters =
  /^(?:(?:ba|da|k|z)?sh|perl[\d.]*|python[\d.]*|ruby[\d.]*|node[\d.]*|lua[\d.]*|php[\d.]*|[gm]?awk|t?csh|ash|fish|busybox|java|expect|Rscript|tclsh|env|sudo|nice|ionice|timeout|setpriv|nohup|exec)$/;

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

/** A shell's word without its quotes and brackets. */
const bare = (word: string): string => word.replaceAll(/^["'`$({]+|["'`)}]+$/g, '');

/** Words of a shell's line: enough to find the program. */
const shellWords = (line: string): string[] =>
  line
    .trim()
    .split(/[\s;|&]+/)
    .map(bare);

/** Absolute paths among the words, also behind `NAME=`: what a shell, a wrapper or an option runs stands there. */
const pathsIn = (words: readonly string[]): string[] =>
  words.map((word) => bare(bare(word).replace(/^-*\w+=/, ''))).filter((word) => word.startsWith('/'));

/** Every program that root would run for these files; `isAll`: those of another user too. */
export function programs(
  cluster: ClusterConfig,
  programOf: (resource: Resource) => string | undefined,
  {sources, scriptUser}: {readonly sources: ReadonlyMap<string, Source>; readonly scriptUser?: string},
  isAll = false,
): NamedProgram[] {
  const {ha} = cluster;
  const asRoot = isAll || scriptUser === undefined || scriptUser === 'root';
  const found: NamedProgram[] = [];
  const add = (words: readonly string[], span: Span): void => {
    const files = filesOfCommand(words);
    for (const file of files) found.push({file, span});
    for (const file of pathsIn(words)) if (!files.includes(file)) found.push({file, span, argument: true});
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
      const file = programOf(resource);
      if (file !== undefined) found.push({file, span: resource.span});
      if (file !== undefined) add(['', ...resource.args], resource.span);
    }
  for (const {path: file, callback, virtuals} of cluster.ldirectord) {
    if (callback !== undefined) add(shellWords(callback), settingAt(sources, file, 'callback'));
    for (const {span, fallbackCommand} of virtuals)
      if (fallbackCommand !== undefined)
        add(shellWords(fallbackCommand), settingAt(sources, file, 'fallbackcommand', span.start));
  }
  if (asRoot) for (const {words, span} of externalChecks(cluster, sources)) add(words, span);
  return found;
}

/** The place of a setting's value in ldirectord.cf. */
const settingAt = (sources: ReadonlyMap<string, Source>, file: string, name: string, from?: number): Span =>
  placeOf(sources, file, new RegExp(`^\\s*${name}\\s*=\\s*(?<at>\\S.*)$`), from);

interface ExternalCheck extends NamedProgram {
  /** perl reads its script; it need not be executable. */
  readonly need: 'run' | 'read';
  /** The command. */
  readonly words: readonly string[];
}

/** The programs of external checks, of Piranha's sending programs too. */
export function externalChecks(
  cluster: ClusterConfig,
  sources: ReadonlyMap<string, Source>,
): ExternalCheck[] {
  return cluster.ldirectord.flatMap(({path: file, virtuals}) =>
    virtuals.flatMap(({span, reals, checkCommand, checkType, sendProgram}): ExternalCheck[] => {
      const needOf = (kind: string): 'run' | 'read' => (kind === 'external-perl' ? 'read' : 'run');
      const own = reals.flatMap(({check}) =>
        check?.checkCommand === undefined
          ? []
          : [
              {
                file: check.checkCommand,
                words: [check.checkCommand],
                span: settingAt(sources, file, 'hactl_check', span.start),
                need: needOf((check.checkType ?? checkType).kind),
              },
            ],
      );
      if (checkType.kind !== 'external' && checkType.kind !== 'external-perl') return own;
      const name = sendProgram ? 'hactl_send_program' : 'checkcommand';
      const common = {
        file: checkCommand,
        words: sendProgram ? sendProgram.command.trim().split(/\s+/) : [checkCommand],
        span: settingAt(sources, file, name, span.start),
        need: needOf(checkType.kind),
      };
      return [...own, common];
    }),
  );
}
