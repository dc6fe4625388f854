/**
 * Notifications to systemd (sd_notify): READY once the director may serve, STOPPING, a line of status, and that the loop is
 * alive. Without systemd nothing is sent; a lost message has no effect here.
 * Pure: the launcher, systemd's main process, forwards the messages.
 */
import {START_EXTENSION_MS} from './limits.ts';

export interface ServiceManager {
  /**
   * Whether this director may serve, with the reason; the first yes sends READY. `waited`: sends READY without it, because systemd
   * would otherwise kill a standby director whose start takes too long; the status still shows the reason for waiting.
   */
  readiness(ready: boolean, reason: string, waited?: boolean): void;
  /** Watchdog: to be called periodically from the event loop. Also extends the timeout of a start in progress. */
  alive(): void;
  stopping(): void;
}

/** `send` gets the text of one datagram in sd_notify's format. */
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
