/** Runs jobs one after another with pauses, so that a lane takes at most half a processor. */

/** A pause is as long as the job before it, at most this many ms: one slow answer delays nobody for long. */
const PAUSE_MOST = 50;

export type Lane = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs jobs in order of arrival. */
export function makeLane(): Lane {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    let started = 0;
    const result = last.then(() => {
      started = performance.now();
      return work();
    });
    const pause = (): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, Math.min(performance.now() - started, PAUSE_MOST)));
    last = result.then(pause, pause);
    return result;
  };
}
