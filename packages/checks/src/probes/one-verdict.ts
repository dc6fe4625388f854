/** What every conversation with a real server has: one verdict, one deadline, and a story that each reason begins with. */
import type {Clock, Millis} from '@hactl/base';
import type {ProbeResult} from '../verdict.ts';

/** Characters of a reason. */
const REASON_MAX = 300;

/** A reason as it may stand in logs and on terminals: what servers say is shown, but commands nothing. */
export const printable = (reason: string): string =>
  reason.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]+/gu, '?').slice(0, REASON_MAX);

export interface Talk<Farewell> {
  readonly over: () => boolean;
  /** Adds to the story. */
  readonly note: (words: string) => void;
  /** What is done from now on: named when the limit is reached meanwhile. */
  readonly phase: (what: string) => void;
  /** What is done now. */
  readonly doing: () => string;
  /** The verdict; only the first one counts. `farewell` is for those who clean up. */
  readonly end: (passed: boolean, words: string, farewell?: Farewell) => void;
  /** The same for what went wrong, in words. */
  readonly fail: (error: unknown) => void;
}

/** Runs `begin` until it or the limit ends the talk; always resolves. What `begin` returns closes everything, once. */
export function oneVerdict<Farewell = never>(
  limit: Millis,
  clock: Clock,
  begin: (talk: Talk<Farewell>) => (farewell?: Farewell) => void,
  late: (phase: string) => string = (phase) => `no answer within ${limit} ms (${phase})`,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const story: string[] = [];
    let [doing, over] = ['connecting', false];
    const end = (passed: boolean, words: string, farewell?: Farewell): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      // `begin` may end the talk before it returns what closes it.
      setImmediate(() => close(farewell));
      resolve({passed, reason: printable([...story, words].join(', ')), took: clock.now() - started});
    };
    const timer = setTimeout(() => end(false, late(doing)), limit);
    const close = begin({
      over: () => over,
      note: (words) => void story.push(words),
      phase: (what) => void (doing = what),
      doing: () => doing,
      end,
      fail: (error) => end(false, error instanceof Error ? error.message : String(error)),
    });
  });
}
