import os from 'node:os';
import {ask, ControlError} from '../../control/client.ts';
import type {HostFinding} from '../../host/finding.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {findingLines} from '../render/render-findings.ts';
import {loadFiles} from './config-files.ts';
import {jsonText} from '../render/shown.ts';

export interface DoctorOptions {
  readonly configDir: string;
  readonly node?: string;
  readonly json?: boolean;
}

const ASK_LIMIT = 2_000;

const daemonRuns = async (socket: string): Promise<boolean> => {
  try {
    await ask(socket, {command: 'status'}, ASK_LIMIT);
    return true;
  } catch (error) {
    if (error instanceof ControlError) return error.code !== 'no-daemon';
    throw error;
  }
};

/** `hactl doctor`. Exit status 0: nothing is bad, 1: something is, 2: the files cannot be read. */
export async function doctor(socket: string, options: DoctorOptions): Promise<number> {
  const node = options.node ?? os.hostname();
  const {cluster, diagnostics} = await loadFiles(options.configDir, node.toLowerCase());
  if (!cluster)
    throw new CliError(exit.config, `${options.configDir}: hactl check-config says what is missing`);
  // Loaded only here: other commands need no netlink.
  const [{readHost}, {judgeHost}] = await Promise.all([
    import('../../host/director/host-driver.ts'),
    import('../../host/director/host-judge.ts'),
  ]);
  const errors = diagnostics.filter(({severity}) => severity === 'error').length;
  const findings: HostFinding[] = [
    errors === 0
      ? {level: 'good', subject: 'files', text: 'no errors'}
      : {level: 'bad', subject: 'files', text: `${errors} errors`, help: 'hactl check-config shows them'},
    ...judgeHost(cluster, {...readHost(cluster, await daemonRuns(socket)), node}),
  ];
  const bad = findings.filter(({level}) => level === 'bad').length;
  if (options.json) process.stdout.write(jsonText({version: 1, bad, findings}, 2) + '\n');
  else process.stdout.write(findingLines(findings, paintFor(process.stdout)).join('\n') + '\n');
  return bad === 0 ? exit.ok : exit.failed;
}
