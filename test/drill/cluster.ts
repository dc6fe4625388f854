/** The two directors of a site: files, daemons, reported status and the kernel's state. */
import {readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
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
  /** Only the VIP, without virtual services: needs no IPVS, and nothing delays a preemption. */
  readonly vipOnly?: boolean;
  /** Additional lines of ha.cf. */
  readonly media?: string;
  /** The directors run the package under systemd with their own files; otherwise the drill starts this checkout's daemons. */
  readonly installed?: boolean;
}

/**
 * Polling interval of a director's state, milliseconds. Each poll costs the director a snapshot and us parsing it: at 50 ms,
 * a drill waiting for an emulated pair used up the CPU that the pair needed.
 */
export const LOOK = 200;

/** Boot timeout, milliseconds: an emulated machine takes a minute, on a busy host several. */
const BOOT_LIMIT = 400_000;

export type Cluster = ReturnType<typeof makeCluster>;

/** Whether it is ready to take over and its engine is running. */
export const couldServe = (
  snapshot: StatusSnapshot | undefined,
): snapshot is StatusSnapshot & Required<Pick<StatusSnapshot, 'engine'>> =>
  snapshot?.ready.ready === true && snapshot.engine !== undefined;

/** Sets up the pair on a site. */
export function makeCluster(options: ClusterOptions) {
  const {site, keepalive, deadtime, vipOnly = false, media = '', installed = false} = options;
  const daemons = new Map<string, Program>();
  const watches: Program[] = [];
  const holdings: Holding[] = [];
  /** Directors cut off from the LAN: their addresses are invisible to everybody else. */
  const isolated = new Set<string>();
  /** Each machine's boot id before its power loss or reboot. */
  const boots = new Map<string, string>();
  /** Directors whose daemon the drill has not stopped. */
  const living = new Set<string>();
  /** Directors for which the drill blocks the peer's adverts. */
  const deaf = new Set<string>();
  let starts = 0;
  const listeners: ((name: string, snapshot: StatusSnapshot | undefined) => void)[] = [];

  const directory = (name: string): string => `${site.directory(name)}/${name}`;
  // With shared files the lab may have bundled the programs.
  const entry = (name: 'hactl' | 'hactld'): string =>
    site.sharedFiles ? labProgram(name) : `${site.checkout}/src/${name}.ts`;
  const hactl = (name: string, words: readonly string[]): Promise<Outcome> =>
    installed
      ? site.run(name, ['hactl', ...words])
      : site.run(name, [
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
    living.add(name);
    if (installed) {
      await site.run(name, ['systemctl', 'start', 'hactld']);
      return;
    }
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

  /** How long systemd last waited for an installed daemon's READY, in ms: the pair may have run long before the drill. */
  async function startTook(name: string): Promise<number> {
    if (!installed) return 0;
    const keys = ['InactiveExitTimestampMonotonic', 'ActiveEnterTimestampMonotonic'];
    const {stdout} = await site.run(name, [
      'systemctl',
      'show',
      'hactld',
      ...keys.flatMap((key) => ['-p', key]),
    ]);
    const [begun = 0, ready = 0] = keys.map((key) =>
      Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(stdout)?.[1] ?? 0),
    );
    return Math.max(0, ready - begun) / 1_000;
  }

  /** Uses the control socket if the hosts share our files; a `hactl` process per poll costs a second under emulation. */
  async function status(name: string): Promise<StatusSnapshot | undefined> {
    const snapshot = site.sharedFiles
      ? await ask(controlSocket(`${directory(name)}/run`), {command: 'status'}, 10_000).catch(() => undefined)
      : await statusByCommand(name);
    for (const listener of listeners) listener(name, snapshot);
    return snapshot;
  }

  /** /proc/net/ip_vs of a director; needs no process if its daemon runs on this kernel. */
  async function kernelTable(name: string): Promise<string | undefined> {
    const pid = daemons.get(name)?.pid;
    if (pid !== undefined) return readFile(`/proc/${pid}/net/ip_vs`, 'utf8').catch(() => undefined);
    const {status: code, stdout} = await site.run(name, ['cat', '/proc/net/ip_vs']);
    return code === 0 ? stdout : undefined;
  }

  async function statusByCommand(name: string): Promise<StatusSnapshot | undefined> {
    const {status: code, stdout} = await hactl(name, ['status', '--json']);
    return code === 0 ? (JSON.parse(stdout) as StatusSnapshot) : undefined;
  }

  /** Monitors the VIP on a director. */
  async function watchHolder(name: string): Promise<void> {
    const ahead = (await site.clockAhead?.(name)) ?? 0;
    const program = await site.start(name, promptWatchCommand, `${directory(name)}/addresses.log`);
    watches.push(program);
    program.onLine((line) => {
      const change = addressChange(line, site.vip);
      if (change && !isolated.has(name)) holdings.push({...change, at: change.at - ahead, director: name});
    });
  }

  /** Whether the kernel of a director has the VIP. */
  async function holds(name: string): Promise<boolean> {
    const {stdout} = await site.run(name, ['ip', '-o', 'address', 'show', 'dev', site.device(name)]);
    return stdout.includes(` ${site.vip}/`);
  }

  /** Waits until a director is Active by its status and its kernel, with all processes working. */
  const whole = (name: string, limit: number): Promise<StatusSnapshot> =>
    until(
      `${name} is whole`,
      limit,
      async () => {
        const one = await status(name);
        if (!couldServe(one)) return undefined;
        if (one.processes.some((process) => process.state !== 'running')) return undefined;
        if (one.engine.groups.some((group) => group.role === 'Initialize')) return undefined;
        return one;
      },
      LOOK,
    );

  const active = (name: string, limit: number): Promise<StatusSnapshot> =>
    until(
      `${name} is Active`,
      limit,
      async () => {
        const one = await status(name);
        return one?.engine?.groups.every((group) => group.role === 'Active') && (await holds(name))
          ? one
          : undefined;
      },
      LOOK,
    );

  const noteBoot = async (name: string): Promise<void> => {
    boots.set(name, (await site.run(name, ['cat', '/proc/sys/kernel/random/boot_id'])).stdout);
  };

  /** Marks a director as cut off, whatever its kernel shows. */
  function cutOff(name: string): number {
    const at = Date.now();
    living.delete(name);
    isolated.add(name);
    holdings.push({at, director: name, holds: false});
    return at;
  }

  /** Sets the link of a running director up or down. */
  async function cutLink(name: string): Promise<void> {
    for (const one of directors) deaf.add(one);
    await site.cutLink(name);
  }

  async function restoreLink(name: string): Promise<void> {
    await site.restoreLink(name);
    deaf.clear();
  }

  /** Stops all processes of a director (SIGSTOP) until resumed. */
  function freeze(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    const daemon = daemons.get(name);
    if (!daemon) throw new Error(`no daemon of ${name} to send ${signal} to`);
    daemon.signal(signal);
    if (signal === 'SIGSTOP') living.delete(name);
    else living.add(name);
  }

  async function powerOff(name: string): Promise<number> {
    if (installed) {
      await noteBoot(name);
      // A separate machine: reset its kernel without a shutdown.
      await site.run(name, ['sh', '-c', '(sleep 0.3; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &']);
      await new Promise((resolve) => setTimeout(resolve, 300));
      site.forget?.(name);
      return cutOff(name);
    }
    // Cut the link first: a dying daemon must not send a last advert.
    await site.cutLink(name);
    const at = cutOff(name);
    await daemons.get(name)?.kill('SIGKILL', true);
    daemons.delete(name);
    return at;
  }

  async function powerOn(name: string): Promise<void> {
    if (installed) {
      await until(`${name} has booted`, BOOT_LIMIT, () => returned(name), 2_000);
      return;
    }
    // After a real boot there is no VIP; here the kernel drops the dead daemon's address when its lease expires.
    await until(`the lease on ${name} has expired`, 15_000, async () => !(await holds(name)), LOOK);
    isolated.delete(name);
    await site.restoreLink(name);
    await start(name);
  }

  /** A booted machine starts the package's daemon itself; only our address monitor must be restarted. */
  async function returned(name: string): Promise<boolean> {
    const {stdout, status: code} = await site.run(name, ['cat', '/proc/sys/kernel/random/boot_id']);
    if (code !== 0 || stdout === boots.get(name)) return false;
    const active = await site.run(name, ['systemctl', 'is-active', '--quiet', 'hactld']);
    if (active.status !== 0) return false;
    isolated.delete(name);
    living.add(name);
    await watchHolder(name);
    if (await holds(name)) holdings.push({at: Date.now(), director: name, holds: true});
    return true;
  }

  /** Only requests the reboot; `returned` reports when the machine is back. */
  async function reboot(name: string): Promise<void> {
    await noteBoot(name);
    await site.run(name, ['sh', '-c', '(sleep 0.3; systemctl reboot) >/dev/null 2>&1 &']);
    living.delete(name);
  }

  async function restart(name: string): Promise<void> {
    if (installed) {
      await site.run(name, ['systemctl', 'restart', 'hactld']);
      return;
    }
    await daemons.get(name)?.kill('SIGTERM');
    await start(name);
  }

  return {
    site,
    reboot,
    returned,
    restart,
    configDirectory: (name: string): string => (installed ? '/etc/ha.d' : `${directory(name)}/ha.d`),
    stateDirectory: (name: string): string => (installed ? '/var/lib/hactl' : `${directory(name)}/state`),
    cutLink,
    restoreLink,
    freeze,
    /** Records whether the peer's adverts reach it. */
    hear: (name: string, hears: boolean): void => {
      if (hears) deaf.delete(name);
      else deaf.add(name);
    },
    /** Whether it should report its peer as up. */
    hears: (name: string): boolean => !deaf.has(name),
    /** Whether `hactl status` should answer: the drill has not stopped the daemon. */
    lives: (name: string): boolean => living.has(name) && (installed || daemons.get(name)?.running === true),
    hactl,
    startTook,
    holdings,
    status,
    /** Called with each status that was requested; undefined: no answer. */
    onStatus: (listener: (name: string, snapshot: StatusSnapshot | undefined) => void): void => {
      listeners.push(listener);
    },
    kernelTable,
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
