/** checktype=ping: up to `checkcount` echo requests, each with the whole time limit. */
import type {Clock, Millis} from '@hactl/base';
import type {Pinger} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {shortageOf} from './connect.ts';
import {startDeadline} from './deadline.ts';

/** A single answer passes. */
export async function probePing(
  spec: CheckSpec,
  limit: Millis,
  clock: Clock,
  pinger: Pinger,
): Promise<ProbeResult> {
  const started = clock.now();
  const attempts = Math.max(1, spec.checkCount);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- attempts follow one another.
    const answered = await once(spec.address, limit, clock, pinger);
    const took = clock.now() - started;
    if (answered === true) return {passed: true, reason: `answered a ping in ${took.toFixed(1)} ms`, took};
    if (answered !== false) return {passed: false, reason: answered.message, took, ...shortageOf(answered)};
  }
  return {
    passed: false,
    reason: `no answer to ${attempts} ping(s) of ${spec.address}, ${limit} ms each`,
    took: clock.now() - started,
  };
}

function once(address: string, limit: Millis, clock: Clock, pinger: Pinger): Promise<boolean | Error> {
  return new Promise((resolve) => {
    let forget = (): void => undefined;
    const deadline = startDeadline(clock, limit, () => {
      forget();
      resolve(false);
    });
    try {
      forget = pinger.ping(address, () => {
        deadline.clear();
        resolve(true);
      }) as () => void;
    } catch (error) {
      deadline.clear();
      resolve(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
