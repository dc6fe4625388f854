/**
 * Notifications to systemd (sd_notify): READY once the director may serve, STOPPING, a line of status, and that the loop is
 * alive. Nothing of it without systemd; a message that does not arrive changes nothing here.
 * Pure: the launcher, systemd's main process, passes the words on.
 */
import {START_EXTENSION_MS} from './limits.ts';

export interface ServiceManager {
  /**
   * Whether this director may serve, with the reason: the first yes is systemd's READY. `waited`: READY comes without it, for
   * systemd would end a start that takes too long, and with it a director that stands by; the status still says what it waits for.
   */
  readiness(ready: boolean, reason: string, waited?: boolean): void;
  /** The process loop runs: to be called from it every now and then. A start that is under way gets more time with it. */
  alive(): void;
  stopping(): void;
}

/** `send` gets one datagram's text in sd_notify's form. */
export function openServiceManager(send: (text: string) => void): ServiceManager {
  let [started, ended, status] = [false, false, ''];
  const notify = (...words: readonly string[]): void => send(words.join('\n'));
  return {
    readiness(ready, reason, waited = false) {
      const line = `STATUS=${ready ? 'serves' : 'waits'}: ${reason}`.replaceAll(/[\n\r]+/g, ' ');
      const first = !started && (ready || waited);
      if (ended || (line === status && !first)) return;
      status = line;
      started ||= first;
      notify(...(first ? ['READY=1'] : []), line);
    },
    alive: () =>
      notify(
        'WATCHDOG=1',
        ...(started || ended ? [] : [`EXTEND_TIMEOUT_USEC=${START_EXTENSION_MS * 1_000}`]),
      ),
    stopping() {
      if (ended) return;
      ended = true;
      notify('STOPPING=1', 'STATUS=stopping: addresses go to the peer first');
    },
  };
}
