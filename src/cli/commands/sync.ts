import type {SyncReport} from '@hactl/sync';
import {ask} from '../../control/client.ts';
import type {StatusSnapshot} from '../../control/protocol.ts';
import {exit} from '../exit.ts';
import {syncReportLines} from '../render/render-sync.ts';
import {jsonText, shownLine} from '../render/shown.ts';
import {ASK_LIMIT_MS, RESYNC_LIMIT_MS} from '../../system/limits.ts';

const LOOK_EVERY = 200;

const reportOf = async (socket: string): Promise<StatusSnapshot['sync']> =>
  (await ask(socket, {command: 'status'}, ASK_LIMIT_MS)).sync;

/** `hactl sync`: exit status 0 if this director may take over with all connections. */
export async function syncStatus(socket: string, options: {json?: boolean}): Promise<number> {
  const {report, problem, daemons} = await reportOf(socket);
  if (options.json) process.stdout.write(jsonText({version: 1, report, problem, daemons}) + '\n');
  else {
    const lines = report ? syncReportLines(report) : ['no connection sync'];
    if (problem !== undefined) lines.push(shownLine(problem));
    process.stdout.write(lines.join('\n') + '\n');
  }
  return report?.inSync && report.missingHere === 0 ? exit.ok : exit.failed;
}

/** `hactl sync resync`: requests the peer's whole table and waits for the result. */
export async function resync(socket: string): Promise<number> {
  const {resyncs} = await ask(socket, {command: 'resync'}, ASK_LIMIT_MS);
  const end = performance.now() + RESYNC_LIMIT_MS;
  const done = (report: SyncReport | undefined): report is SyncReport =>
    report !== undefined && report.resyncs > resyncs && ['in-sync', 'deadline'].includes(report.phase);
  while (performance.now() < end) {
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    const {report} = await reportOf(socket);
    if (done(report)) {
      process.stdout.write(syncReportLines(report).join('\n') + '\n');
      return report.phase === 'in-sync' ? exit.ok : exit.failed;
    }
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY);
    });
  }
  process.stderr.write('hactl: the resync has not finished; hactl sync shows its progress\n');
  return exit.failed;
}
