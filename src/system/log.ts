import type {ClusterConfig} from '@hactl/config';
import winston from 'winston';
import {openSyslog, type Syslog} from './syslog.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';
export type Log = (level: Level, message: string) => void;

/** Rotation of log files: five files of 10 MB. */
const MAX_SIZE = 10 * 1024 * 1024;
const MAX_FILES = 5;

/** journald reads `<N>` in front of a line as its syslog priority (sd-daemon(3)). */
const journalPriority: Readonly<Record<string, number>> = {error: 3, warn: 4, info: 6, debug: 7};

const {combine, timestamp, printf, json} = winston.format;
// winston reads this part only when it is named, and a supervisor that takes over has better things to do then.
const {File} = winston.transports;

const human = combine(
  timestamp(),
  printf((entry) => `${String(entry.timestamp)} ${entry.level.toUpperCase()} ${String(entry.message)}`),
);
const journal = printf((entry) => `<${journalPriority[entry.level] ?? 6}>${String(entry.message)}`);

export interface LogOptions {
  readonly level: Level;
  readonly format: 'human' | 'json';
  /** systemd sets JOURNAL_STREAM for a service whose stderr goes to the journal. */
  readonly underJournal: boolean;
}

/** The logger of the supervisor: the console from the first moment, files as soon as the configuration names them. */
export interface Logger {
  readonly log: Log;
  /** The log files and syslog facilities of heartbeat and of each ldirectord file, opened or replaced. */
  configure(cluster: Pick<ClusterConfig, 'ha' | 'ldirectord'>): void;
  close(): Promise<void>;
}

export function makeLogger(options: LogOptions): Logger {
  const consoleFormat =
    options.format === 'json' ? combine(timestamp(), json()) : options.underJournal ? journal : human;
  const logger = winston.createLogger({
    level: 'debug',
    transports: [
      new winston.transports.Console({
        level: options.level,
        format: consoleFormat,
        stderrLevels: ['error', 'warn', 'info', 'debug'],
      }),
    ],
  });
  const files = new Map<string, winston.transport>();
  const facilities = new Map<string, Syslog>();
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
  return {
    log: (level, message) => {
      logger.log(level, message);
      if (level !== 'debug') for (const syslog of facilities.values()) syslog.write(level, message);
    },
    configure: ({ha, ldirectord}) => {
      const named = ldirectord.map((file) => file.logFile);
      const facility = ha?.logFacility;
      useFacilities(new Set([...named, facility ?? '/'].filter((name) => !name.startsWith('/'))));
      const wanted = new Map<string, Level>();
      if (ha?.logFile) wanted.set(ha.logFile, 'info');
      for (const name of named) if (name.startsWith('/')) wanted.set(name, 'info');
      if (ha?.debugFile) wanted.set(ha.debugFile, 'debug');
      for (const [path, transport] of files) {
        if (wanted.has(path)) continue;
        logger.remove(transport);
        files.delete(path);
      }
      for (const [path, level] of wanted) {
        if (files.has(path)) continue;
        const transport = new File({
          filename: path,
          level,
          maxsize: MAX_SIZE,
          maxFiles: MAX_FILES,
          tailable: true,
          format: options.format === 'json' ? combine(timestamp(), json()) : human,
        });
        // A log file that cannot be written must not end the director; the console still has every line.
        transport.on('error', (error) => {
          logger.remove(transport);
          logger.log('warn', `cannot write the log file ${path}: ${String(error)}`);
        });
        files.set(path, transport);
        logger.add(transport);
      }
    },
    close: () =>
      new Promise((resolve) => {
        useFacilities(new Set());
        logger.on('finish', () => resolve());
        logger.end();
      }),
  };
}
