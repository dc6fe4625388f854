/** Shared by every conversation with a real server: one verdict, one deadline, and a progress text that begins each reason. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {spendingOf} from '../spending.ts';
import type {ProbeResult} from '../verdict.ts';
import {shortageOf} from './connect.ts';
import {startDeadline} from './deadline.ts';
import {Meter} from './meter.ts';

export interface Talk<Farewell> {
  /** Called by the reader before each piece. */
  readonly meter: Meter;
  readonly over: () => boolean;
  /** Appends to the progress text. */
  readonly note: (words: string) => void;
  /** Sets the current step, which the reason names if the limit is reached. */
  readonly phase: (what: string) => void;
  /** The current step. */
  readonly doing: () => string;
  /** Sets the verdict; only the first call has an effect. `farewell` is for cleanup. */
  readonly end: (passed: boolean, words: string, farewell?: Farewell) => void;
  /** The same for an error; `words` replaces the error's message. */
  readonly fail: (error: unknown, words?: string) => void;
}

/** Runs `begin` until it or the limit ends the conversation; always resolves. The function returned by `begin` closes everything and is called once. */
export function oneVerdict<Farewell = never>(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  begin: (talk: Talk<Farewell>) => (farewell?: Farewell) => void,
  late: (phase: string) => string = (phase) => `no answer within ${limit} ms (${phase})`,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const story: string[] = [];
    let [doing, over] = ['connecting', false];
    const end = (
      passed: boolean,
      words: string,
      farewell?: Farewell,
      more: Partial<ProbeResult> = {},
    ): void => {
      if (over) return;
      over = true;
      meter.finish();
      deadline.clear();
      // `begin` may end the conversation before it returns the closing function.
      setImmediate(() => close(farewell));
      resolve({passed, reason: [...story, words].join(', '), took: clock.now() - started, ...more});
    };
    const deadline = startDeadline(clock, limit, () => end(false, late(doing)));
    const meter = new Meter((reason) => end(false, reason), spendingOf(spec));
    const close = begin({
      meter,
      over: () => over,
      note: (words) => void story.push(words),
      phase: (what) => void (doing = what),
      doing: () => doing,
      end: (passed, words, farewell) => end(passed, words, farewell),
      fail: (error, words = error instanceof Error ? error.message : String(error)) =>
        end(false, words, undefined, shortageOf(error)),
    });
  });
}
