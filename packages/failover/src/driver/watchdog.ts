/**
 * The kernel's watchdog: fed from the engine's own loop, so that a machine whose engine hangs for the device's time (60 s for
 * softdog) is reset by the kernel. After a crash it keeps running for the successor to feed; a graceful stop writes the magic
 * `V` (Documentation/watchdog/watchdog-api.rst), and the kernel disarms it.
 */
import {closeSync, constants, openSync, writeSync} from 'node:fs';

/** Far below any device's time, in milliseconds. */
const FEED_EVERY = 1_000;

export type Complain = (message: string) => void;

/** Nothing is open until `use` names a device. */
export function makeWatchdog(complain: Complain, every = FEED_EVERY) {
  let open: {readonly path: string; readonly fd: number; readonly timer: NodeJS.Timeout} | undefined;

  function feed(path: string, fd: number): void {
    try {
      writeSync(fd, 'h');
    } catch (error) {
      complain(`cannot feed the watchdog ${path}: ${String(error)}`);
    }
  }

  /** Disarms the watchdog. */
  function release(): void {
    if (!open) return;
    const {path, fd, timer} = open;
    open = undefined;
    clearInterval(timer);
    try {
      writeSync(fd, 'V');
    } catch (error) {
      complain(`cannot stop the watchdog ${path}: ${String(error)}`);
    }
    closeSync(fd);
  }

  /** The device to feed from now on; undefined: none. */
  function use(path: string | undefined): void {
    if (path === open?.path) return;
    release();
    if (path === undefined) return;
    try {
      // Never created: a regular file instead of a missing device would be useless.
      const fd = openSync(path, constants.O_WRONLY);
      feed(path, fd);
      open = {path, fd, timer: setInterval(() => feed(path, fd), every)};
    } catch (error) {
      complain(`no watchdog: ${String(error)}`);
    }
  }

  return {use, release};
}
