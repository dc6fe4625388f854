/** The subjects of the failover benchmark: Debian's keepalived at its best settings, and hactl, on the same namespaces. */
import {readFileSync} from 'node:fs';
import {makeCluster, type Cluster} from '../drill/cluster.ts';
import type {Program, Site} from '../lab/site.ts';
import {treeOf} from './process-tree.ts';
import {libraries, toolPath, type Lab} from '../lab/packages.ts';

export type Director = 'director1' | 'director2';
export const directors: readonly Director[] = ['director1', 'director2'];

export interface Subject {
  readonly name: string;
  /** Milliseconds after a start until all standby processes are ready. */
  readonly settle: number;
  prepare(): Promise<void>;
  start(director: Director): Promise<void>;
  /** Whether it would take over from the other: with a busy machine that may take longer than `settle`. */
  standsBy(director: Director): Promise<boolean>;
  /** SIGTERM, as systemd stops it; resolves when it has ended. */
  stop(director: Director): Promise<void>;
  /** SIGKILL of only the process that handles failover. */
  killEngine(director: Director): Promise<void>;
  /** SIGKILL of every process at once. */
  killAll(director: Director): Promise<void>;
  /** SIGSTOP or SIGCONT to every process. */
  freeze(director: Director, signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** An nft expression that matches the adverts of a director. */
  adverts(address: string): string;
  end(): Promise<void>;
}

export interface KeepalivedOptions {
  readonly interval: number;
  /** Missed adverts after which the master is declared dead; two is the minimum without flapping. */
  readonly missed: number;
}

/** Removes the address left by a killed daemon: a rebooted machine would not have it. */
export async function dropVip(site: Site, director: Director): Promise<void> {
  await site.run(director, ['ip', 'address', 'del', `${site.vip}/24`, 'dev', 'eth0']);
}

/** keepalived from the lab's tree, VRRPv3, real-time, short advert interval: the best settings measured. */
export function keepalived(site: Site, lab: Lab, {interval, missed}: KeepalivedOptions): Subject {
  const programs = new Map<Director, Program>();
  const file = (director: Director): string => `${site.directory(director)}/${director}-keepalived`;
  return {
    name: `keepalived ${interval} ms × ${missed}`,
    settle: 1_500,
    prepare: async () => {
      for (const [at, director] of directors.entries())
        // oxlint-disable-next-line no-await-in-loop -- two small files.
        await site.write(
          director,
          `${file(director)}.conf`,
          `global_defs {
  vrrp_version 3
  vrrp_rt_priority 50
  vrrp_min_garp true
}
vrrp_instance vip {
  state ${at === 0 ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 51
  priority ${at === 0 ? 150 : 100}
  advert_int ${interval / 1_000}
  down_timer_adverts ${missed}
  virtual_ipaddress {
    ${site.vip}/24
  }
}
`,
          0o644,
        );
    },
    start: async (director) => {
      await dropVip(site, director);
      await site.run(director, ['rm', '-f', `${file(director)}.pid`, `${file(director)}.vrrp.pid`]);
      programs.set(
        director,
        await site.start(
          director,
          [
            'env',
            `LD_LIBRARY_PATH=${libraries(lab.tree).LD_LIBRARY_PATH}`,
            toolPath(lab.tree, 'keepalived'),
            '-n',
            '-P',
            '-l',
            '-f',
            `${file(director)}.conf`,
            '-p',
            `${file(director)}.pid`,
            '-r',
            `${file(director)}.vrrp.pid`,
          ],
          `${file(director)}.log`,
        ),
      );
    },
    // Its start takes some milliseconds.
    standsBy: () => Promise.resolve(true),
    stop: async (director) => {
      process.kill(Number(readFileSync(`${file(director)}.pid`, 'utf8')), 'SIGTERM');
      await programs.get(director)?.ended;
    },
    killEngine: (director) => {
      const parent = Number(readFileSync(`${file(director)}.pid`, 'utf8'));
      for (const pid of treeOf(parent).slice(1)) process.kill(pid, 'SIGKILL');
      return Promise.resolve();
    },
    killAll: async (director) => {
      await programs.get(director)?.kill('SIGKILL', true);
    },
    freeze: (director, signal) => programs.get(director)?.signal(signal),
    adverts: (address) => `ip saddr ${address} ip protocol 112`,
    end: async () => {
      for (const program of programs.values())
        // oxlint-disable-next-line no-await-in-loop -- two programs.
        await program.kill('SIGKILL', true);
      for (const director of directors)
        // oxlint-disable-next-line no-await-in-loop -- two directors.
        await dropVip(site, director);
    },
  };
}

export interface OursOptions {
  readonly keepalive: string;
  readonly deadtime: string;
  /** Additional `ha.cf` lines: a second heartbeat path. */
  readonly media?: string;
}

/** hactld with only the VIP. */
export function ours(site: Site, {keepalive, deadtime, media}: OursOptions): Subject & {cluster: Cluster} {
  const cluster = makeCluster({site, keepalive, deadtime, vipOnly: true, ...(media === undefined ? {} : {media})});
  return {
    cluster,
    name: `hactl ${keepalive} / ${deadtime}${media === undefined ? '' : ', two paths'}`,
    // The spare processes are ready a few seconds after a start.
    settle: 6_000,
    prepare: async () => {
      // oxlint-disable-next-line no-await-in-loop -- two directors.
      for (const director of directors) await cluster.writeConfig(director);
    },
    start: async (director) => {
      await dropVip(site, director);
      await cluster.start(director);
    },
    standsBy: async (director) => {
      const groups = (await cluster.status(director))?.engine?.groups;
      return groups?.every(({role}) => role === 'Backup') === true;
    },
    stop: async (director) => {
      await cluster.daemon(director)?.kill('SIGTERM');
    },
    killEngine: async (director) => {
      const snapshot = await cluster.status(director);
      const pid = snapshot?.processes.find((process) => process.name === 'failover')?.pid;
      if (pid === undefined) throw new Error(`${director} reports no failover process`);
      process.kill(pid, 'SIGKILL');
    },
    killAll: async (director) => {
      await cluster.daemon(director)?.kill('SIGKILL', true);
    },
    freeze: (director, signal) => cluster.daemon(director)?.signal(signal),
    adverts: (address) => `ip saddr ${address} udp dport 694`,
    end: async () => {
      await cluster.stop();
      // oxlint-disable-next-line no-await-in-loop -- two directors.
      for (const director of directors) await dropVip(site, director);
    },
  };
} // prettier-ignore
