/** What an event of a drill acts on, and the bounds that the library's expectations share. */
import type {Program, Site} from '../lab/site.ts';
import {until} from '../lab/until.ts';
import {LOOK, type Cluster} from './cluster.ts';

/** Quiet time behind an event, in which nothing may be lost any more. */
export const QUIET = 3_000;
/**
 * Of the requests that are under way while the address moves, so many may be lost: the kernel's sync daemon tells the peer
 * of a connection from its third packet on, and up to two seconds late, so the peer does not know the youngest.
 */
export const YOUNG_LIMIT = 3;
/** A planned move is made before it is broken: both hold the address for an advert's way there and back. */
export const OVERLAP_LIMIT = 500;

/** Starts and ends the web server of a host. */
export interface Webs {
  start(host: string): Promise<void>;
  kill(host: string): Promise<void>;
  /** Stopped, or woken: it accepts connections and answers none. */
  freeze(host: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** What it answers from now on; undefined: the right page. */
  answer(host: string, page?: string): Promise<void>;
}

export interface Scene {
  readonly site: Site;
  readonly cluster: Cluster;
  readonly web: Webs;
  readonly client: Program;
  /** How long things may take before the drill gives up on them; emulation is slow. Milliseconds. */
  readonly limit: number;
  /** From the command until a director could serve: how slow this machine is. Milliseconds. */
  readonly coldStart: number;
  /** Fail when a daemon is not whole again in time; in a test run times judge nothing. */
  readonly judgeTimes: boolean;
  /** Until a crash is over nobody may share the VIP; what follows is a planned move, made before broken. Wall clock. */
  readonly crashOver: (at: number) => void;
  /** What an operator sees: the real command, at the moment of interest. */
  readonly showStatus: (name: string) => Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** When a director's kernel had the VIP, or had it no more, for the first time from then on. */
export const changeOf = (
  {cluster}: Pick<Scene, 'cluster'>,
  director: string,
  holds: boolean,
  from: number,
): number | undefined =>
  cluster.holdings.find((one) => one.director === director && one.holds === holds && one.at >= from)?.at;

/** Waits until a director has every real server up with its full weight. */
export const allWebsUp = async (
  {site, cluster, limit}: Pick<Scene, 'site' | 'cluster' | 'limit'>,
  name: string,
): Promise<void> => {
  await until(
    'all reals are up',
    limit,
    async () => {
      const snapshot = await cluster.status(name);
      const reals = snapshot?.virtuals[0]?.reals.filter((real) => real.check !== 'fallback') ?? [];
      return (
        reals.length === site.webs.length && reals.every((real) => real.check === 'up' && real.weight === 1)
      );
    },
    LOOK,
  );
};

/** Waits until a director has a real server out of service. */
export const webOut = async ({site, cluster, limit}: Scene, name: string, web: string): Promise<void> => {
  await until(
    `${web} gets no more connections`,
    limit,
    async () => {
      const snapshot = await cluster.status(name);
      const real = snapshot?.virtuals[0]?.reals.find((one) => one.name.startsWith(`${site.address(web)}:`));
      return real?.check === 'down' && (real.weight ?? 0) === 0;
    },
    LOOK,
  );
};

/** `hactl WORDS` on a director; throws with its output when it failed. */
export async function ordered({cluster}: Scene, name: string, words: readonly string[]): Promise<string> {
  const {stdout, stderr, status} = await cluster.hactl(name, words);
  if (status !== 0) throw new Error(`hactl ${words.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim().slice(0, 60);
}
