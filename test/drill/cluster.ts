/** Two directors of a site: their files, their daemons, what they say and what the kernel says. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {ask} from '../../src/control/client.ts';
import {controlSocket} from '../../src/system/paths.ts';
import type {StatusSnapshot} from '../../src/control/protocol.ts';
import {drillConfig} from './config.ts';
import {addressChange, promptWatchCommand, type Holding} from '../lab/holders.ts';
import type {Outcome, Program, Site} from '../lab/site.ts';
import {labProgram} from '../lab/programs.ts';
import {until} from '../lab/until.ts';

export const directors = ['director1', 'director2'] as const;
export type DirectorName = (typeof directors)[number];

const seedFile = (name: string): string =>
  readFileSync(path.resolve(import.meta.dirname, '../../test/fixtures/seeds', name), 'utf8');

export interface ClusterOptions {
  readonly site: Site;
  readonly keepalive: string;
  readonly deadtime: string;
  /** The VIP alone: no virtual services, so no IPVS is needed, and nothing to wait for before a preemption. */
  readonly vipOnly?: boolean;
  /** More lines of ha.cf. */
  readonly media?: string;
}

export type Cluster = ReturnType<typeof makeCluster>;

/** May it take over, and does its engine run. */
export const couldServe = (
  said: StatusSnapshot | undefined,
): said is StatusSnapshot & Required<Pick<StatusSnapshot, 'engine'>> =>
  said?.ready.ready === true && said.engine !== undefined;

/** The pair on a site. */
export function makeCluster({site, keepalive, deadtime, vipOnly = false, media = ''}: ClusterOptions) {
  const daemons = new Map<string, Program>();
  const watches: Program[] = [];
  const holdings: Holding[] = [];
  /** Directors that are off the air: what happens to their addresses there concerns nobody on the LAN. */
  const isolated = new Set<string>();
  let starts = 0;

  const directory = (name: string): string => `${site.directory(name)}/${name}`;
  // Where the hosts share our files the lab may have the programs bundled.
  const entry = (name: 'hactl' | 'hactld'): string =>
    site.sharedFiles ? labProgram(name) : `${site.checkout}/src/${name}.ts`;
  const hactl = (name: string, words: readonly string[]): Promise<Outcome> =>
    site.run(name, [
      'env',
      `HACTL_STATE_DIR=${directory(name)}/state`,
      site.node,
      entry('hactl'),
      '--run-dir',
      `${directory(name)}/run`,
      ...words,
    ]);

  async function writeConfig(name: string): Promise<void> {
    const files = drillConfig({
      seeds: {
        haCf: seedFile('s001_ha.cf'),
        haresources: seedFile('s001_haresources'),
        authkeys: seedFile('s001_authkeys'),
        ldirectordCf: seedFile('s004_flat.cf'),
      },
      vip: site.vip,
      directors,
      webs: site.webs.map((web) => site.address(web)),
      device: site.device(name),
      keepalive,
      deadtime,
      preemptDelay: vipOnly ? '0' : '5',
    });
    const used = vipOnly
      ? {
          ...files,
          'ha.cf': `${files['ha.cf']}\n${media}`,
          haresources: `director1 IPaddr2::${site.vip}/24/${site.device(name)}\n`,
        }
      : files;
    const local = (text: string): string => text.replaceAll('/var/log/', `${directory(name)}/`);
    for (const [file, text] of Object.entries(used))
      // oxlint-disable-next-line no-await-in-loop -- four small files.
      await site.write(
        name,
        `${directory(name)}/ha.d/${file}`,
        local(text as string),
        file === 'authkeys' ? 0o600 : 0o644,
      );
  }

  async function start(name: string): Promise<void> {
    starts += 1;
    const program = await site.start(
      name,
      [
        site.node,
        entry('hactld'),
        '--config-dir',
        `${directory(name)}/ha.d`,
        '--run-dir',
        `${directory(name)}/run`,
        '--state-dir',
        `${directory(name)}/state`,
        '--node',
        name,
      ],
      `${directory(name)}/hactld-${starts}.log`,
    );
    daemons.set(name, program);
  }

  /** Over the control socket where the hosts share our files; a `hactl` process for each look costs an emulated second. */
  async function status(name: string): Promise<StatusSnapshot | undefined> {
    if (site.sharedFiles)
      return ask(controlSocket(`${directory(name)}/run`), {command: 'status'}, 3_000).catch(() => undefined);
    return statusByCommand(name);
  }

  async function statusByCommand(name: string): Promise<StatusSnapshot | undefined> {
    const {status: code, stdout} = await hactl(name, ['status', '--json']);
    return code === 0 ? (JSON.parse(stdout) as StatusSnapshot) : undefined;
  }

  /** Follows the VIP on a director. */
  async function watchHolder(name: string): Promise<void> {
    const program = await site.start(name, promptWatchCommand, `${directory(name)}/addresses.log`);
    watches.push(program);
    program.onLine((line) => {
      const change = addressChange(line, site.vip);
      if (change && !isolated.has(name)) holdings.push({...change, director: name});
    });
  }

  /** Does the kernel of a director have the VIP now. */
  async function holds(name: string): Promise<boolean> {
    const {stdout} = await site.run(name, ['ip', '-o', 'address', 'show', 'dev', site.device(name)]);
    return stdout.includes(` ${site.vip}/`);
  }

  /** Waits until a director says and its kernel shows that it is Active, and that all of it works. */
  const whole = (name: string, limit: number): Promise<StatusSnapshot> =>
    until(`${name} is whole`, limit, async () => {
      const one = await status(name);
      if (!couldServe(one)) return undefined;
      if (one.processes.some((process) => process.state !== 'running')) return undefined;
      if (one.engine.groups.some((group) => group.role === 'Initialize')) return undefined;
      return one;
    });

  const active = (name: string, limit: number): Promise<StatusSnapshot> =>
    until(`${name} is Active`, limit, async () => {
      const one = await status(name);
      return one?.engine?.groups.every((group) => group.role === 'Active') && (await holds(name))
        ? one
        : undefined;
    });

  async function powerOff(name: string): Promise<number> {
    // The link first: a dying daemon must not get a last word out.
    await site.cutLink(name);
    const at = Date.now();
    isolated.add(name);
    holdings.push({at, director: name, holds: false});
    await daemons.get(name)?.kill('SIGKILL', true);
    daemons.delete(name);
    return at;
  }

  async function powerOn(name: string): Promise<void> {
    // A machine that boots has no address of ours: what the dead daemon left is the kernel's to drop by its lease.
    await until(`the lease on ${name} has run out`, 15_000, async () => !(await holds(name)));
    isolated.delete(name);
    await site.restoreLink(name);
    await start(name);
  }

  return {
    site,
    hactl,
    holdings,
    status,
    holds,
    whole,
    active,
    start,
    writeConfig,
    watchHolder,
    powerOff,
    powerOn,
    directory,
    daemon: (name: string): Program | undefined => daemons.get(name),
    stop: async (): Promise<void> => {
      for (const watch of watches)
        // oxlint-disable-next-line no-await-in-loop -- a handful of programs.
        await watch.kill('SIGTERM');
      for (const program of daemons.values())
        // oxlint-disable-next-line no-await-in-loop -- a handful of programs.
        await program.kill('SIGKILL', true);
    },
  };
}
