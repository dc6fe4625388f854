/** Debian's Tsung on the client of a drill, from vagrant/tsung.xml with the drill's VIP and rates. */
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {figuresOf, secondsOf} from '../../../src/drill/load.ts';
import type {TsungReport} from '../../../src/drill/load-report.ts';
import type {Site} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import type {Phase} from './schedule.ts';
import {parseTsungDump, parseTsungLog, parseTsungReport, tsungConfig} from './tsung-files.ts';

const SHIPPED = path.resolve(import.meta.dirname, '../../../vagrant/tsung.xml');
const STATS = '/usr/lib/x86_64-linux-gnu/tsung/bin/tsung_stats.pl';
/** Tsung ends when its last request does, and takes seconds for its own end. */
const END_LIMIT = 60_000;

/**
 * Shell: $1 is a folder, the rest the program. Erlang's nodes need a name that resolves; the host's own stays as it is. Tsung
 * wants a home it can write to.
 */
const WITH_NAME = `
hostname client
echo 127.0.0.1 client localhost >"$1/hosts"
mount --bind "$1/hosts" /etc/hosts
export HOME="$1"; shift
exec "$@"
`;

export type Tsung = Awaited<ReturnType<typeof startTsung>>;

/** Starts it and resolves when its first phase begins. */
export async function startTsung(site: Site, phases: readonly Phase[], limit: number) {
  const folder = `${site.directory('client')}/tsung`;
  const logs = `${folder}/log`;
  const named = (...argv: string[]): string[] => [
    'unshare', '--uts', '--mount', '--', 'sh', '-c', WITH_NAME, 'tsung', folder, ...argv,
  ]; // prettier-ignore
  const shell = async (script: string): Promise<string> =>
    (await site.run('client', ['sh', '-c', script])).stdout;
  const shipped = await readFile(SHIPPED, 'utf8');
  await site.write('client', `${folder}/tsung.xml`, tsungConfig(shipped, site.vip, phases), 0o644);
  const program = await site.start(
    'client',
    named('tsung', '-n', '-l', logs, '-f', `${folder}/tsung.xml`, 'start'),
    `${folder}/output.log`,
  );
  const gone = async (): Promise<Error> =>
    new Error(`Tsung ended: ${program.lines.join('; ')}; ${await shell(`head -n 5 ${folder}/output.log`)}`);
  const kill = async (): Promise<void> => {
    await program.kill('SIGKILL', true);
    // Erlang's port mapper is a daemon of its own.
    await site.run('client', ['epmd', '-kill']);
  };
  await until(
    'Tsung starts',
    limit,
    async () => {
      if (!program.running) throw await gone();
      return (await shell(`cat ${logs}/*/tsung_controller@*.log`)).includes('Activate launcher');
    },
    500,
  ).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return {
    /** Waits for its end; `began` is the start of the drill (wall clock, milliseconds). */
    finish: async (began: number): Promise<TsungReport> => {
      const ended = await Promise.race([
        program.ended,
        new Promise((resolve) => setTimeout(resolve, END_LIMIT)),
      ]);
      if (ended === undefined)
        throw new Error(`Tsung is still running ${END_LIMIT / 1_000} s after its load`);
      const made = await shell(`cd ${logs}/* && ${STATS} --noplot >stats.log 2>&1 && cat report.html`);
      const [log, dump] = [await shell(`cat ${logs}/*/tsung.log`), await shell(`cat ${logs}/*/tsung.dump`)];
      const requests = parseTsungDump(dump);
      if (requests.samples.length === 0) throw await gone();
      const length = requests.samples.reduce((so, [due]) => Math.max(so, due), 0);
      return {
        log: parseTsungLog(log),
        figures: figuresOf(requests.samples),
        seconds: secondsOf({samples: requests.samples, began: requests.began - began, length}),
        tables: parseTsungReport(made),
      };
    },
    kill,
  };
}
