/** Runs a configuration directory, or single files, through the parsers and the cross-file rules. Pure apart from `read`. */
import {posix} from 'node:path';
import {parseAuthkeys} from './authkeys.ts';
import {crossCheck, NO_SERVICE, NO_SERVICE_HELP} from './cross-check.ts';
import type {Diagnostic, Source} from './diagnostic.ts';
import {parseHaCf} from './ha-cf.ts';
import {parseHaresources} from './haresources.ts';
import {parseLdirectordCf} from './ldirectord-cf.ts';
import type {ClusterConfig, LdirectordConfig, Mode, Span} from './model.ts';
import type {Resolver} from './reader.ts';

/** `realPath` is the path with links resolved: two names of one file are one instance. */
export type ReadFile = (
  path: string,
) => {readonly text: string; readonly mode: number; readonly realPath?: string} | undefined;

/** The directory that names in haresources are relative to. */
const STANDARD = '/etc/ha.d/';

export interface LoadInput {
  /** /etc/ha.d on an ordinary machine. */
  readonly dir: string;
  readonly read: ReadFile;
  readonly mode: Mode;
  readonly localNode?: string;
  readonly resolve: Resolver;
  /** A single director with this ldirectord.cf, whatever else is in the directory. */
  readonly only?: string;
}

export interface LoadResult {
  /** undefined when a required file is missing. */
  readonly cluster?: ClusterConfig;
  readonly sources: ReadonlyMap<string, Source>;
  readonly diagnostics: readonly Diagnostic[];
}

const nowhere = (file: string): Span => ({file, start: 0, end: 1});

/**
 * The paths where an ldirectord configuration file is searched, in order. A directory other than /etc/ha.d holds the future
 * content of /etc/ha.d: its copy comes before the machine's own file.
 */
export function candidatePaths(name: string, dir: string): string[] {
  if (!name.startsWith('/')) return [`${dir}/${name}`, `${dir}/conf/${name}`, name];
  const home = name.startsWith(STANDARD) ? `${dir}/${name.slice(STANDARD.length)}` : undefined;
  const copy = `${dir}/${name.split('/').at(-1)}`;
  return [...new Set(home === undefined ? [name, copy] : [home, copy, name])];
}

/** Reads a directory: a pair when it has ha.cf, a single director when it has nothing but ldirectord.cf. */
export function loadCluster(input: LoadInput): LoadResult {
  const {dir, read, mode} = input;
  const sources = new Map<string, Source>();
  const diagnostics: Diagnostic[] = [];
  const open = (path: string, secret = false) => {
    const file = read(path);
    if (file) sources.set(path, {text: file.text, ...(secret ? {secret} : {})});
    return file
      ? {path, text: file.text, mode: file.mode, realPath: file.realPath ?? posix.normalize(path)}
      : undefined;
  };
  const missing = (path: string, help: string): void => {
    diagnostics.push({
      severity: 'error',
      code: 'missing-file',
      span: nowhere(path),
      message: 'no such file',
      help,
    });
  };
  const take = <T>(parsed: {model: T; diagnostics: Diagnostic[]}): T => {
    diagnostics.push(...parsed.diagnostics);
    return parsed.model;
  };
  const taken = new Set<string>();
  /** The name that a copy in the directory stands for: two files with the same base name are not the same. */
  const copies = new Map<string, string>();
  /** Reads a file and those that it executes, each once. */
  const ldirectord = (name: string, span: Span | undefined): LdirectordConfig[] => {
    const home = name.startsWith(STANDARD) ? name.slice(STANDARD.length) : name;
    const copy = name.startsWith('/') ? `${dir}/${posix.basename(name)}` : undefined;
    const candidates = candidatePaths(name, dir).filter(
      (text) => text !== copy || (copies.get(text) ?? home) === home,
    );
    const found = candidates.find((text) => read(text) !== undefined);
    const file = found === undefined ? undefined : open(found);
    if (file) copies.set(file.path, home);
    if (file) {
      if (taken.has(file.realPath)) return [];
      taken.add(file.realPath);
      const model = take(parseLdirectordCf(file, {mode, resolve: input.resolve}));
      return [model, ...model.execute.flatMap((executed) => ldirectord(executed, nowhere(file.path)))];
    }
    if (span)
      diagnostics.push({
        severity: 'error',
        code: 'missing-file',
        span,
        message: `Config file ${name} not found`,
        help: `looked for ${candidates.join(', ')}`,
      });
    return [];
  };

  const haFile = input.only === undefined ? open(`${dir}/ha.cf`) : undefined;
  if (!haFile) {
    const {only} = input;
    const single = ldirectord(only ?? 'ldirectord.cf', only === undefined ? undefined : nowhere(only));
    if (single.length === 0) {
      if (only !== undefined) return {sources, diagnostics};
      missing(
        `${dir}/ha.cf`,
        `a pair needs ha.cf, haresources and authkeys in ${dir}; a single director needs ldirectord.cf; hactl init makes them`,
      );
      return {sources, diagnostics};
    }
    const none = {path: `${dir}/haresources`, groups: []};
    const cluster: ClusterConfig = {
      haresources: none,
      authkeys: {path: `${dir}/authkeys`, active: 0, keys: []},
      ldirectord: single,
    };
    diagnostics.push(...crossCheck(cluster, undefined));
    return {cluster, sources, diagnostics};
  }
  const ha = take(parseHaCf(haFile, {mode, resolve: input.resolve}));
  const resourcesFile = open(`${dir}/haresources`);
  if (!resourcesFile)
    missing(
      `${dir}/haresources`,
      'it groups resources and names their preferred node; it must be the same on both directors',
    );
  const haresources = resourcesFile
    ? take(parseHaresources(resourcesFile, {mode}))
    : {path: `${dir}/haresources`, groups: []};
  const keysFile = open(`${dir}/authkeys`, true);
  if (!keysFile) missing(`${dir}/authkeys`, `two lines, mode 600: "auth 1" and "1 sha256 SECRET"`);
  const authkeys = keysFile
    ? take(parseAuthkeys(keysFile, {mode}))
    : {path: `${dir}/authkeys`, active: 0, keys: []};
  const files: LdirectordConfig[] = [];
  for (const group of haresources.groups)
    for (const resource of group.resources) {
      if (resource.type !== 'ldirectord') continue;
      files.push(...ldirectord(resource.args[0] ?? 'ldirectord.cf', resource.span));
    }
  const cluster: ClusterConfig = {ha, haresources, authkeys, ldirectord: files};
  diagnostics.push(...crossCheck(cluster, input.localNode));
  return {cluster, sources, diagnostics};
}

/** Checks single files; the kind is derived from the name, or from the first words if the name is not known. */
export function checkFiles(input: {
  readonly paths: readonly string[];
  readonly read: ReadFile;
  readonly mode: Mode;
  readonly resolve: Resolver;
}): LoadResult {
  const sources = new Map<string, Source>();
  const diagnostics: Diagnostic[] = [];
  for (const path of input.paths) {
    const file = input.read(path);
    if (!file) {
      diagnostics.push({
        severity: 'error',
        code: 'missing-file',
        span: nowhere(path),
        message: 'no such file',
        help: 'check the name',
      });
      continue;
    }
    const isKeyFile = /authkeys/.test(path.split('/').at(-1) ?? '');
    sources.set(path, {text: file.text, ...(isKeyFile ? {secret: true} : {})});
    const source = {path, text: file.text, mode: file.mode};
    const {mode} = input;
    const name = path.split('/').at(-1) ?? '';
    const parsed = /haresources/.test(name)
      ? parseHaresources(source, {mode})
      : isKeyFile
        ? parseAuthkeys(source, {mode})
        : name.endsWith('ha.cf')
          ? parseHaCf(source, {mode, resolve: input.resolve})
          : parseLdirectordCf(source, {mode, resolve: input.resolve});
    diagnostics.push(...parsed.diagnostics);
    const isBare = file.text.split('\n').every((line) => /^\s*(#|$)/.test(line));
    if (isBare && 'virtuals' in parsed.model)
      diagnostics.push({
        severity: 'warning',
        code: 'missing-value',
        span: nowhere(path),
        message: NO_SERVICE,
        help: NO_SERVICE_HELP,
      });
  }
  return {sources, diagnostics};
}
