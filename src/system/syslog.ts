/**
 * Lines for syslog through logger(1): Node has no sockets of /dev/log's kind. One process for each facility, which
 * reads a priority in front of every line.
 */
import {spawn, type ChildProcessByStdio} from 'node:child_process';
import {realpathSync} from 'node:fs';
import type {Writable} from 'node:stream';

/** The facilities of syslog(3), by the names that logger takes. */
const facilities = new Map(
  ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'].map(
    (name, index) => [name, index],
  ),
);
for (let index = 0; index < 8; index += 1) facilities.set(`local${index}`, 16 + index);

const severities: Readonly<Record<string, number>> = {error: 3, warn: 4, info: 6, debug: 7};

/** The number in front of a line: facility and severity as RFC 5424 joins them. undefined: no such facility. */
export function priority(facility: string, level: string): number | undefined {
  const code = facilities.get(facility);
  return code === undefined ? undefined : code * 8 + (severities[level] ?? 6);
}

/** Whether journald reads /dev/log: its socket unit makes a link there (systemd-journald.service(8)). */
export function journalHasSyslog(device = '/dev/log'): boolean {
  try {
    return realpathSync(device).startsWith('/run/systemd/journal/');
  } catch {
    return false;
  }
}

export interface Syslog {
  /** Lines can still be written. */
  readonly works: boolean;
  write(level: string, message: string): void;
  close(): void;
}

/** `failed` is called once when lines can no longer be written. */
export function openSyslog(
  facility: string,
  failed: (reason: string) => void,
  command: readonly string[] = ['logger', '--tag', 'ldirectord', '--id', '--prio-prefix'],
): Syslog {
  let child: ChildProcessByStdio<Writable, null, null> | undefined;
  let broken = false;
  const fail = (reason: string): void => {
    child = undefined;
    if (!broken) failed(reason);
    broken = true;
  };
  if (priority(facility, 'info') === undefined) fail(`no such facility`);
  const open = (): void => {
    const [file = '', ...words] = command;
    const started = spawn(file, words, {stdio: ['pipe', 'ignore', 'ignore']});
    started.on('error', (error) => fail(error.message));
    started.on('exit', () => {
      if (child === started) child = undefined;
    });
    started.stdin.on('error', () => undefined);
    child = started;
  };
  return {
    get works() {
      return !broken;
    },
    write: (level, message) => {
      if (broken) return;
      if (!child) open();
      for (const line of message.split('\n')) child?.stdin.write(`<${priority(facility, level)}>${line}\n`);
    },
    close: () => child?.stdin.end(),
  };
}
