import {existsSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  machineCodes,
  redactDiagnostic,
  type ClusterConfig,
  type Diagnostic,
  type Source,
} from '@hactl/config';
import {ask, ControlError} from '../../control/client.ts';
import type {ProcessStatus} from '../../control/protocol.ts';
import type {HostFinding} from '../../host/finding.ts';
import {judgeLog} from '../../host/director/log-judge.ts';
import {defaultPaths, readSocket} from '../../system/paths.ts';
import {unitSandbox} from '../../system/unit-sandbox.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {findingLines} from '../render/render-findings.ts';
import {jsonText} from '../render/shown.ts';
import {PROBE_LIMIT_MS} from '../../system/limits.ts';

export interface DoctorOptions {
  readonly configDir: string;
  readonly node?: string;
  readonly json?: boolean;
}

/** Whether the daemon runs, and its processes. */
async function askDaemon(
  socket: string,
): Promise<{readonly runs: boolean; readonly processes: readonly ProcessStatus[]}> {
  try {
    const {processes} = await ask(socket, {command: 'status'}, PROBE_LIMIT_MS);
    return {runs: true, processes};
  } catch (error) {
    if (error instanceof ControlError) return {runs: error.code !== 'no-daemon', processes: []};
    throw error;
  }
}

/** The most permissive modes allowed there (docs/security.md). */
const modes = (socket: string, stateDir: string): {readonly path: string; readonly most: number}[] => [
  {path: stateDir, most: 0o700},
  {path: path.dirname(socket), most: 0o755},
  {path: socket, most: 0o660},
  {path: readSocket(path.dirname(socket)), most: 0o660},
];

const machine: ReadonlySet<string> = new Set(machineCodes);

/** Requirements of the files that this machine does not meet, and weak keys. */
function machineFindings(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, Source>,
): HostFinding[] {
  return diagnostics
    .filter(({code}) => machine.has(code) || code === 'weak-authentication')
    .map((diagnostic): HostFinding => {
      const {message, help, severity, span} = redactDiagnostic(diagnostic, sources);
      return {
        level: severity === 'error' ? 'bad' : severity === 'warning' ? 'warning' : 'note',
        subject: path.basename(span.file),
        text: message,
        ...(help === undefined ? {} : {help}),
      };
    });
}

/** Logs name hosts, users and failures: not world-readable, and writable by root only. */
function logFindings({ha, ldirectord}: ClusterConfig): HostFinding[] {
  const logs = [ha?.logFile, ha?.debugFile, ...ldirectord.map(({logFile}) => logFile)];
  return [...new Set(logs)].flatMap((file): HostFinding[] => {
    const found = file?.startsWith('/') === true ? statSync(file, {throwIfNoEntry: false}) : undefined;
    return file !== undefined && found?.isFile() === true ? judgeLog(file, found) : [];
  });
}

/** `hactl doctor`. Exit status 0: nothing is bad, 1: something is, 2: the files cannot be read. */
export async function doctor(socket: string, options: DoctorOptions): Promise<number> {
  const node = options.node ?? os.hostname();
  if (!['ha.cf', 'ldirectord.cf'].some((name) => existsSync(path.join(options.configDir, name))))
    throw new CliError(
      exit.config,
      `${options.configDir} has no configuration yet`,
      'hactl init (hactl init --from /etc/keepalived/keepalived.conf takes over another one)',
    );
  // Loaded only here: other commands do not need netlink.
  const [{loadDirectory}, {findInterface}] = await Promise.all([
    import('../../configuration/load.ts'),
    import('../../daemon/kernel.ts'),
  ]);
  const {cluster, diagnostics, sources} = await loadDirectory({
    configDir: options.configDir,
    stateDir: defaultPaths.stateDir,
    sandbox: unitSandbox(),
    node,
    mode: 'lenient',
    findInterface,
    wall: Date.now(),
  });
  if (!cluster)
    throw new CliError(exit.config, `${options.configDir}: hactl check-config says what is missing`);
  const [{readHost}, {judgeHost}, {judgeHardening}, {readHardening}] = await Promise.all([
    import('../../host/director/host-driver.ts'),
    import('../../host/director/host-judge.ts'),
    import('../../host/director/hardening.ts'),
    import('../../host/director/hardening-facts.ts'),
  ]);
  const daemon = await askDaemon(socket);
  const errors = diagnostics.filter(({severity}) => severity === 'error').length;
  const hardening = readHardening(daemon.processes, modes(socket, defaultPaths.stateDir));
  const host = readHost(cluster, daemon.runs);
  const findings: HostFinding[] = [
    errors === 0
      ? {level: 'good', subject: 'files', text: 'no errors'}
      : {level: 'bad', subject: 'files', text: `${errors} errors`, help: 'hactl check-config shows them'},
    ...machineFindings(diagnostics, sources),
    ...logFindings(cluster),
    ...judgeHardening(cluster, {...hardening, firewall: host.firewall}),
    ...judgeHost(cluster, {...host, node}),
  ];
  const bad = findings.filter(({level}) => level === 'bad').length;
  if (options.json) process.stdout.write(jsonText({version: 1, bad, findings}, 2) + '\n');
  else process.stdout.write(findingLines(findings, paintFor(process.stdout)).join('\n') + '\n');
  return bad === 0 ? exit.ok : exit.failed;
}
