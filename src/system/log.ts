import {printableText} from '@hactl/base/printable';
import type {ClusterConfig, HttpReceiver} from '@hactl/config';
import winston from 'winston';
import {openLogFile, type LogFile} from './log-file.ts';
import {openOtlp, type Otlp} from './otlp.ts';
import {VERSION} from './paths.ts';
import {shownUrl} from './shown.ts';
import {openSyslog, type Syslog} from './syslog.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';
export type Log = (level: Level, message: string) => void;

/** journald reads `<N>` in front of a line as its syslog priority (sd-daemon(3)). */
const journalPriority: Readonly<Record<string, number>> = {error: 3, warn: 4, info: 6, debug: 7};

/** Where winston keeps a line's level (triple-beam). */
const LEVEL = Symbol.for('level');

const {combine, timestamp, printf, json} = winston.format;

const humanLine = (level: string, message: string, time: string): string =>
  `${time} ${level.toUpperCase()} ${message}`;
const human = combine(
  timestamp(),
  printf((entry) => humanLine(entry.level, String(entry.message), String(entry.timestamp))),
);
const journal = printf((entry) => `<${journalPriority[entry.level] ?? 6}>${String(entry.message)}`);

/**
 * Messages contain text from scripts, servers, operators and the peer. It must not control a terminal, nor start a line that looks
 * like a separate message or has another priority.
 */
export const logText = (message: string): string =>
  printableText(
    message
      .trimEnd()
      .replaceAll('\t', ' ')
      .replaceAll(/\n(?! {2})/g, '\n  '),
  );

export interface LogOptions {
  readonly level: Level;
  readonly format: 'human' | 'json';
  /** The service name sent to a collector. */
  readonly node: string;
  /** systemd sets JOURNAL_STREAM for a service whose stderr goes to the journal. */
  readonly underJournal: boolean;
  /** journald also receives what goes to syslog: without this a line would be in the journal twice. */
  readonly journalHasSyslog: boolean;
}

/** The supervisor's logger: the console from the start, files once the configuration is loaded. */
export interface Logger {
  readonly log: Log;
  /** Opens or replaces the configured log files, syslog facilities and collector. */
  configure(cluster: Pick<ClusterConfig, 'ha' | 'ldirectord'>): void;
  /** Formats a line and forgets it: the first is formatted slowly. */
  rehearse(): void;
  /** Reopens all log files after logrotate moved them (SIGHUP, `hactl reload`). */
  reopen(): void;
  close(): Promise<void>;
}

interface OpenFile {
  readonly level: Level;
  readonly file: LogFile;
}

const ranks: Readonly<Record<Level, number>> = {error: 0, warn: 1, info: 2, debug: 3};

export function makeLogger(options: LogOptions): Logger {
  const consoleFormat =
    options.format === 'json' ? combine(timestamp(), json()) : options.underJournal ? journal : human;
  const logger = winston.createLogger({
    level: 'debug',
    // The console's own is used; by default every line is made JSON first.
    format: winston.format((info) => info)(),
    transports: [
      new winston.transports.Console({
        level: options.level,
        format: consoleFormat,
        stderrLevels: ['error', 'warn', 'info', 'debug'],
      }),
    ],
  });
  const files = new Map<string, OpenFile>();
  const facilities = new Map<string, Syslog>();
  let collector: {readonly key: string; readonly otlp: Otlp} | undefined;
  /** A replaced collector still sends its queue. */
  const useCollector = (receiver: HttpReceiver | undefined): Promise<void> | undefined => {
    const key = JSON.stringify(receiver);
    if (collector?.key === key) return undefined;
    const closed = collector?.otlp.close();
    collector = undefined;
    if (receiver === undefined) return closed;
    const changed = (problem: string | undefined): void =>
      void logger.log(
        'warn',
        problem === undefined
          ? `the collector ${shownUrl(receiver.url)} takes log lines again`
          : `cannot send log lines to the collector ${shownUrl(receiver.url)}: ${problem}`,
      );
    collector = {key, otlp: openOtlp({receiver, node: options.node, version: VERSION, changed})};
    return closed;
  };
  const useFacilities = (names: ReadonlySet<string>): void => {
    for (const [name, syslog] of facilities) {
      if (names.has(name)) continue;
      syslog.close();
      facilities.delete(name);
    }
    for (const name of names) {
      if (facilities.has(name)) continue;
      const failed = (reason: string) =>
        logger.log('warn', `cannot write to syslog facility ${name}: ${reason}`);
      facilities.set(name, openSyslog(name, failed));
    }
  };
  const isInJournal = (level: Level): boolean =>
    options.underJournal &&
    options.journalHasSyslog &&
    level !== 'debug' &&
    [...facilities.values()].some(({works}) => works);
  return {
    log: (level, text) => {
      const message = logText(text);
      if (!isInJournal(level)) logger.log(level, message);
      const time = new Date().toISOString();
      const line =
        options.format === 'json'
          ? JSON.stringify({level, message, timestamp: time})
          : humanLine(level, message, time);
      for (const open of files.values()) if (ranks[level] <= ranks[open.level]) open.file.append(line);
      if (level !== 'debug') collector?.otlp.write(level, message);
      if (level !== 'debug') for (const syslog of facilities.values()) syslog.write(level, message);
    },
    configure: ({ha, ldirectord}) => {
      void useCollector(ha?.hactl.otlp);
      const named = ldirectord.map((file) => file.logFile);
      const facility = ha?.logFacility;
      useFacilities(new Set([...named, facility ?? '/'].filter((name) => !name.startsWith('/'))));
      const wanted = new Map<string, Level>();
      if (ha?.logFile) wanted.set(ha.logFile, 'info');
      for (const name of named) if (name.startsWith('/')) wanted.set(name, 'info');
      if (ha?.debugFile) wanted.set(ha.debugFile, 'debug');
      for (const [path, {file}] of files) {
        if (wanted.has(path)) continue;
        file.close();
        files.delete(path);
      }
      for (const [path, level] of wanted) {
        const known = files.get(path);
        // A reload reopens the files, like SIGHUP.
        known?.file.reopen();
        // A log file that cannot be written must not end the director; the console still has every line.
        const file =
          known?.file ??
          openLogFile(path, {
            changed: (problem) =>
              logger.log(
                'warn',
                problem === undefined
                  ? `the log file ${path} is written again`
                  : `cannot write the log file ${path}: ${problem}; it is tried again, and the lines are kept`,
              ),
          });
        files.set(path, {level, file});
      }
    },
    rehearse: () => {
      const info = {level: 'info', message: logText('rehearsal'), [LEVEL]: 'info'};
      consoleFormat.transform(info, consoleFormat.options);
    },
    reopen: () => {
      for (const {file} of files.values()) file.reopen();
    },
    close: async () => {
      await useCollector(undefined);
      await new Promise<void>((resolve) => {
        useFacilities(new Set());
        for (const {file} of files.values()) file.close();
        files.clear();
        logger.on('finish', () => resolve());
        logger.end();
      });
    },
  };
}
