/**
 * What the files require of this machine: routes for addresses, programs, users, writable files, and that only root can change
 * what root reads or runs. Pure; machine-facts.ts reads the machine.
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
import {PACKAGE_USER} from '../system/users.ts';
import type {FindInterface} from './engine-config.ts';
import {externalChecks, filesOfCommand, placeOf, programs, quoted, wordIn} from './named-programs.ts';

export interface MachineFacts {
  readonly findInterface: FindInterface;
  /** The diagnostic for a resource that cannot be started here. */
  readonly missingAgent: (resource: Resource) => string | undefined;
  readonly programOf: (resource: Resource) => string | undefined;
  readonly hasUser: (name: string) => boolean;
  readonly isExecutable: (file: string) => boolean;
  readonly isFile: (file: string) => boolean;
  /** Why a file cannot be written; undefined: it can. */
  readonly unwritable: (file: string) => string | undefined;
  /** Why a user cannot run a program, or cannot read it; undefined: it can. */
  readonly unreachable: (file: string, user: string, need: 'run' | 'read') => string | undefined;
  /** Who besides root may change or replace a file; undefined: nobody. */
  readonly exposure: (file: string) => string | undefined;
}

export interface JudgeOptions {
  readonly configDir: string;
  readonly sources: ReadonlyMap<string, Source>;
  readonly mode: Mode;
  /** Scripts and checks run as this user, so they are no danger to root. */
  readonly scriptUser?: string;
}

export const ROOT_RUNS = 'root runs';

/**
 * External checks that their user cannot run. The package's user is nobody's choice, and ldirectord ran them as root: then
 * they run as root. A user whom ha.cf names runs them all the same, and they fail.
 */
function unreachableChecks(
  cluster: ClusterConfig,
  facts: MachineFacts,
  sources: ReadonlyMap<string, Source>,
): Diagnostic[] {
  const named = cluster.ha?.hactl.scriptUser;
  const user = named ?? (facts.hasUser(PACKAGE_USER) ? PACKAGE_USER : undefined);
  if (user === undefined) return [];
  const seen = new Set<string>();
  return externalChecks(cluster, sources).flatMap(({file, span, need}): Diagnostic[] => {
    const [program = ''] = filesOfCommand([file]);
    if (program === '' || seen.has(program) || !facts.isFile(program)) return [];
    seen.add(program);
    const problem = facts.unreachable(program, user, need);
    if (problem === undefined) return [];
    const consequence = named === undefined ? 'external checks run as root' : 'the check fails';
    const help =
      named === undefined
        ? `move it to a directory that ${user} may read, or write \`hactl_script_user root\` in ha.cf`
        : `move it to a directory that ${user} may read`;
    return [
      {
        severity: 'warning',
        code: 'unreachable-program',
        span,
        message: `${user} cannot run ${program} (${problem}): ${consequence}`,
        help,
      },
    ];
  });
}

/** Do external checks run as root because the package's user cannot run one of them? */
export const needsRoot = (cluster: ClusterConfig, diagnostics: readonly Diagnostic[]): boolean =>
  cluster.ha?.hactl.scriptUser === undefined && diagnostics.some(({code}) => code === 'unreachable-program');

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
        'ldirectord writes a line to it for each check: name a writable file',
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
          'install it on this director, or remove the resource from the line on both',
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
    // heartbeat refuses to start.
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
  for (const {path: file, virtuals} of cluster.ldirectord)
    for (const {span, mysqlKey} of virtuals)
      if (mysqlKey !== undefined && facts.isFile(mysqlKey))
        unsafe(
          mysqlKey,
          placeOf(sources, file, /^\s*hactl_mysql_key\s*=\s*(?<at>\S.*)$/, span.start),
          `the password is sent under the key in ${mysqlKey}`,
        );
  const missing = new Set(found.filter(({code}) => code === 'missing-program').map(({span}) => span.start));
  for (const {file, span, argument} of programs(cluster, facts.programOf, options, true))
    if (!argument && !facts.isFile(file) && !missing.has(span.start)) {
      missing.add(span.start);
      add('warning', 'missing-program', span, `there is no program ${file}`, `install it on this director`);
    }
  found.push(...unreachableChecks(cluster, facts, sources));
  for (const {file, span, argument} of programs(cluster, facts.programOf, options))
    if (facts.isFile(file) && (!argument || facts.isExecutable(file)))
      unsafe(file, span, `${ROOT_RUNS} ${file}`);
  return found;
}
