/** The objects on which a drill's events act, and the shared bounds of their expectations. */
import type {Program, Site} from '../lab/site.ts';
import {until} from '../lab/until.ts';
import {LOOK, type Cluster} from './cluster.ts';

/** Quiet time after an event in which nothing may be lost. */
export const QUIET = 3_000;
/**
 * Maximum in-flight requests lost while the address moves: the kernel's sync daemon reports a connection from its third packet
 * on and up to two seconds late, so the peer does not know the youngest.
 */
export const YOUNG_LIMIT = 3;
/** A planned move is make-before-break: both hold the address for an advert's round trip. */
export const OVERLAP_LIMIT = 500;

/** Starts and stops the web server of a host. */
export interface Webs {
  start(host: string): Promise<void>;
  kill(host: string): Promise<void>;
  /** Suspends or resumes it: suspended, it accepts connections but does not answer. */
  freeze(host: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Sets its answer; undefined: the correct page. */
  answer(host: string, page?: string): Promise<void>;
}

export interface Scene {
  readonly site: Site;
  readonly cluster: Cluster;
  readonly web: Webs;
  readonly client: Program;
  /** Timeout of every wait, milliseconds; emulation is slow. */
  readonly limit: number;
  /** Time from start until a director is ready, milliseconds: a measure of the machine's speed. */
  readonly coldStart: number;
  /** Fail when a daemon is not whole again in time; in a test run times judge nothing. */
  readonly judgeTimes: boolean;
  /** Until a crash is over two holders are not allowed; the planned move after it is make-before-break. Wall clock. */
  readonly crashOver: (at: number) => void;
  /** Prints the real command's output at this moment, as an operator would see it. */
  readonly showStatus: (name: string) => Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** When a director's kernel first got (or lost) the VIP after an instant. */
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
    'all real servers are up',
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
