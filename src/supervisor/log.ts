import type {HaConfig} from '@hactl/config';
import winston from 'winston';

export type Level = 'error' | 'warn' | 'info' | 'debug';
export type Log = (level: Level, message: string) => void;

/** Rotation of log files: five files of 10 MB. */
const MAX_SIZE = 10 * 1024 * 1024;
const MAX_FILES = 5;

/** journald reads `<N>` in front of a line as its syslog priority (sd-daemon(3)). */
const journalPriority: Readonly<Record<string, number>> = {error: 3, warn: 4, info: 6, debug: 7};

const {combine, timestamp, printf, json} = winston.format;

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
  /** heartbeat's logfile and debugfile, opened or replaced. */
  configure(ha: HaConfig | undefined, extraFile: string | undefined): void;
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
  return {
    log: (level, message) => {
      logger.log(level, message);
    },
    configure: (ha, extraFile) => {
      const wanted = new Map<string, Level>();
      if (ha?.logFile) wanted.set(ha.logFile, 'info');
      if (extraFile?.startsWith('/')) wanted.set(extraFile, 'info');
      if (ha?.debugFile) wanted.set(ha.debugFile, 'debug');
      for (const [path, transport] of files) {
        if (wanted.has(path)) continue;
        logger.remove(transport);
        files.delete(path);
      }
      for (const [path, level] of wanted) {
        if (files.has(path)) continue;
        const transport = new winston.transports.File({
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
        logger.on('finish', () => resolve());
        logger.end();
      }),
  };
}
