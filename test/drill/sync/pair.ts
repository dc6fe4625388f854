/** The two directors of the drills, running hactl or keepalived. */
import type {StatusSnapshot} from '../../../src/control/protocol.ts';
import {makeCluster} from '../cluster.ts';
import type {Program} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import type {Network} from './network.ts';
import {basic, hactlFiles, keepalivedConf, VIP, type Service, type SyncWay} from './plan.ts';
import {compareTables, parseTable, type TableDifference, type TableLine} from './tables.ts';

/** Generous: emulation is slow, and so is listing 2,000 sockets. */
export const LIMIT = 600_000;

export type Director = 'director1' | 'director2';
const directors: readonly Director[] = ['director1', 'director2'];

export interface Pair {
  readonly name: string;
  /** Starts both; director1 is the preferred one. */
  start(): Promise<void>;
  powerOff(name: Director): Promise<void>;
  powerOn(name: Director): Promise<void>;
  stop(): Promise<void>;
  /** Planned moves of the address to the other director and back. */
  give?(name: Director): Promise<void>;
  takeBack?(name: Director): Promise<void>;
  /** Resolves when the director reports that nothing is missing; at once if it has no such report. */
  equal(): Promise<string>;
  /** The director's report on its connections, as lines. */
  word(name: Director): Promise<string[]>;
}

/** Shared by both kinds: the kernel's state. */
export const kernelOf = ({site}: Pick<Network, 'site'>) => {
  const holds = async (name: Director): Promise<boolean> =>
    (await site.run(name, ['ip', '-o', 'address', 'show', 'dev', 'eth0'])).stdout.includes(` ${VIP}/`);
  const table = async (name: Director): Promise<TableLine[]> =>
    parseTable((await site.run(name, ['ipvsadm', '-Lnc'])).stdout);
  return {
    /** Waits until only this director has the address. */
    taken: (name: Director) =>
      until(`only ${name} has the address`, LIMIT, async () => {
        const other = name === 'director1' ? 'director2' : 'director1';
        return (await holds(name)) && !(await holds(other));
      }),
    table,
    difference: async (): Promise<TableDifference> =>
      compareTables(await table('director1'), await table('director2')),
    /** The kernel's running sync daemons. */
    daemons: async (name: Director): Promise<string> =>
      (await site.run(name, ['ipvsadm', '-L', '--daemon'])).stdout.trim().replaceAll('\n', '; '),
  };
};

export interface HactlPair extends Pair {
  status(name: Director): Promise<StatusSnapshot | undefined>;
  /** The command's output. */
  hactl(name: Director, ...words: string[]): Promise<string>;
}

export function hactlPair(network: Network, way: SyncWay, served: readonly Service[]): HactlPair {
  const {site} = network;
  const cluster = makeCluster({site, keepalive: '500ms', deadtime: '3'});
  const {status, directory} = cluster;
  const hactl = async (name: Director, ...words: string[]): Promise<string> => {
    const {stdout, stderr, status: code} = await cluster.hactl(name, words);
    return `${stdout}${stderr}exit status ${code}`;
  };
  return {
    name: `hactl (${way.mode}, ${way.delay})`,
    status,
    hactl,
    start: async () => {
      for (const name of directors)
        for (const [file, text] of Object.entries(hactlFiles(way, served)))
          // oxlint-disable-next-line no-await-in-loop -- a few small files.
          await site.write(
            name,
            `${directory(name)}/ha.d/${file}`,
            text,
            file === 'authkeys' ? 0o600 : 0o644,
          );
      await cluster.start('director1');
      await cluster.whole('director1', LIMIT);
      await cluster.start('director2');
      for (const name of directors)
        // oxlint-disable-next-line no-await-in-loop -- one after the other.
        await cluster.whole(name, LIMIT);
    },
    powerOff: async (name) => {
      await cluster.powerOff(name);
      network.unplug(name);
    },
    powerOn: async (name) => {
      network.plugIn(name);
      // /run and the tmpfs of the state directory do not survive a boot; the configuration does.
      await site.run(name, [
        'rm',
        '-rf',
        `${directory(name)}/run`,
        `${directory(name)}/state/sync-last.json`,
      ]);
      await cluster.start(name);
    },
    give: async (name) => void (await hactl(name, 'standby')),
    takeBack: async (name) => void (await hactl(name, 'failback')),
    stop: () => cluster.stop(),
    word: async (name) => (await hactl(name, 'sync')).split('\n'),
    equal: async () => {
      let word = '';
      await until('both report that nothing is missing', LIMIT, async () => {
        const [one, other] = await Promise.all(
          directors.map(async (name) => (await status(name))?.sync.report),
        );
        word = [one, other]
          .map((report) =>
            report
              ? `${report.here} connections, ${report.missingHere} missing (${report.phase}; ${report.reason})`
              : 'no report',
          )
          .join(' and ');
        return (
          one?.here === other?.here &&
          [one, other].every((report) => report?.inSync && report.peer && report.missingHere === 0)
        );
      }).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : String(error)}: ${word}`);
      });
      return `by digest: ${word}`;
    },
  };
}

export function keepalivedPair(
  network: Network,
  preemptDelay: number,
  served: readonly Service[] = basic,
): Pair {
  const {site} = network;
  const programs = new Map<Director, Program>();
  const file = (name: Director): string => `${site.directory(name)}/${name}-keepalived`;
  const start = async (name: Director): Promise<void> => {
    // hactl's settings: with the kernel's defaults even more connections are lost.
    await site.run(name, [
      'sysctl',
      '-qw',
      'net.ipv4.vs.sync_threshold=0 2',
      'net.ipv4.vs.sync_refresh_period=10',
    ]);
    const pids = ['-p', '-r', '-c'].flatMap((option) => [option, `${file(name)}${option}.pid`]);
    await site.run(name, ['rm', '-f', ...pids.filter((word) => word.startsWith('/'))]);
    programs.set(
      name,
      await site.start(
        name,
        ['keepalived', '-n', '-l', '-D', '-f', `${file(name)}.conf`, ...pids],
        `${file(name)}.log`,
      ),
    );
  };
  const kernel = kernelOf(network);
  return {
    name: preemptDelay > 0 ? `keepalived, preempt_delay ${preemptDelay}` : 'keepalived',
    start: async () => {
      for (const name of directors)
        // oxlint-disable-next-line no-await-in-loop -- two small files.
        await site.write(
          name,
          `${file(name)}.conf`,
          keepalivedConf(name === 'director1', preemptDelay, served),
          0o644,
        );
      await start('director1');
      await kernel.taken('director1');
      await start('director2');
      await until('all real servers are up on both', LIMIT, async () => {
        const tables = await Promise.all(directors.map((name) => site.run(name, ['ipvsadm', '-Ln'])));
        return tables.every(({stdout}) => stdout.match(/(Route|Masq) +1 /g)?.length === 4);
      });
      await kernel.taken('director1');
    },
    powerOff: async (name) => {
      await site.cutLink(name);
      await programs.get(name)?.kill('SIGKILL', true);
      programs.delete(name);
      network.unplug(name);
    },
    powerOn: async (name) => {
      network.plugIn(name);
      await start(name);
    },
    give: async (name) => {
      await programs.get(name)?.kill('SIGTERM');
      programs.delete(name);
    },
    takeBack: start,
    stop: async () => {
      for (const program of programs.values())
        // oxlint-disable-next-line no-await-in-loop -- two programs.
        await program.kill('SIGKILL', true);
    },
    equal: () => Promise.resolve('keepalived does not compare'),
    word: () => Promise.resolve([]),
  };
}
