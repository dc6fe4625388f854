import {isIP} from 'node:net';
import os from 'node:os';
import {renderDiagnostic, type ClusterConfig} from '@hactl/config';
import type {Method} from '../../host/realserver/realserver-plan.ts';
import type {Finding, Target} from '../../host/realserver/verify-judge.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {findingLines} from '../render/render-findings.ts';
import {loadFiles} from './config-files.ts';
import {jsonText} from '../render/shown.ts';

export interface VerifyOptions {
  readonly configDir: string;
  readonly vip?: readonly string[];
  readonly real?: readonly string[];
  readonly method: Method;
  readonly port: string;
  readonly wait: string;
  readonly json?: boolean;
}

/** Every real server of the files, and notes on those that cannot be derived. */
export function targetsOf(cluster: ClusterConfig): {targets: Target[]; notes: string[]} {
  const notes = new Set<string>();
  const targets = cluster.ldirectord
    .flatMap((file) => file.virtuals)
    .flatMap(({address: virtual, reals}): Target[] => {
      if (virtual.kind === 'fwmark') {
        notes.add(`firewall mark ${virtual.mark}: its addresses are not in the files; say --vip and --real`);
        return [];
      }
      const {address: vip, port} = virtual;
      return reals.map(({address: real, method}) => ({vip, port, real, method}));
    });
  return {targets, notes: [...notes]};
}

/** `hactl realserver verify`. Exit status 0: no problems, 1: problems found, 2: nothing to probe. */
export async function verify(options: VerifyOptions): Promise<number> {
  const wait = Number(options.wait);
  if (!(wait >= 10 && wait <= 60_000)) throw new CliError(exit.config, '--wait is 10 to 60000 milliseconds');
  const {targets, notes} = options.vip && options.real ? byHand(options) : await byFiles(options.configDir);
  if (targets.length === 0)
    throw new CliError(exit.config, ['no real servers to look at', ...notes].join('\n'));
  // Loaded only here: other commands do not need netlink.
  const [{probe}, {judge}, {SystemError}] = await Promise.all([
    import('../../host/realserver/verify-driver.ts'),
    import('../../host/realserver/verify-judge.ts'),
    import('@hactl/net'),
  ]);
  const observed = await probe(targets, wait, process.pid & 0xffff).catch((error: unknown) => {
    if (error instanceof SystemError)
      throw new CliError(exit.failed, `${error.message}: probes need root (CAP_NET_RAW)`);
    throw error;
  });
  const findings = judge(targets, observed);
  const bad = findings.filter(({level}) => level === 'bad').length;
  if (options.json) process.stdout.write(jsonText({version: 1, bad, findings, notes}, 2) + '\n');
  else {
    const order: readonly Finding['level'][] = ['good', 'warning', 'bad'];
    const rows = findings
      .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
      .map((finding) => ({...finding, subject: finding.vip}));
    const lines = [...findingLines(rows, paintFor(process.stdout)), ...notes.map((note) => `note: ${note}`)];
    process.stdout.write(lines.join('\n') + '\n');
  }
  return bad === 0 ? exit.ok : exit.failed;
}

function byHand({vip = [], real = [], method, port}: VerifyOptions): {targets: Target[]; notes: string[]} {
  const targets = vip.flatMap((text) =>
    real
      .filter((real) => isIP(real) === isIP(text))
      .map((real) => ({vip: text, real, method, port: Number(port) || 0})),
  );
  const alone = [...vip, ...real].filter(
    (text) => !targets.some((pair) => pair.vip === text || pair.real === text),
  );
  return {targets, notes: alone.map((text) => `${text}: nothing of its address family to look at it with`)};
}

async function byFiles(dir: string): Promise<{targets: Target[]; notes: string[]}> {
  const {cluster, diagnostics, sources} = await loadFiles(dir, os.hostname().toLowerCase());
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  for (const error of errors) process.stderr.write(renderDiagnostic(error, sources) + '\n');
  if (!cluster) throw new CliError(exit.config, `nothing to read in ${dir}: say --vip and --real`);
  return targetsOf(cluster);
}
