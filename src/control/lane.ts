/** One piece of work after another, with pauses: all that a lane serves takes at most half a processor. */

/** A pause is as long as the work before it, and at most this, in ms: one slow answer delays nobody for long. */
const PAUSE_MOST = 50;

export type Lane = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs what it is given in the order of arrival. */
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
