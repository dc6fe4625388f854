/**
 * Sends log lines to an OpenTelemetry collector, as OTLP over HTTP with JSON. The packages are loaded when the first collector is
 * configured; meanwhile lines are queued.
 */
import type {ReadableLogRecord} from '@opentelemetry/sdk-logs';
import type {HttpReceiver} from '@hactl/config';
import {OTLP_LIMIT_MS} from './limits.ts';
import {programFile} from './programs.ts';

/** OpenTelemetry's severity numbers of our levels (logs data model, SeverityNumber). */
const severities = {error: 17, warn: 13, info: 9, debug: 5} as const;
type Level = keyof typeof severities;
/** Maximum lines queued for the collector; later ones are dropped. */
const QUEUE_MAX = 2_048;
const BATCH_DELAY_MS = 1_000;
/** Default path of OTLP over HTTP, for a URL with only a host. */
const PATH = '/v1/logs';

export interface Otlp {
  write(level: Level, message: string): void;
  /** Flushes the queue, within the limit of one attempt. */
  close(): Promise<void>;
}

export interface OtlpOptions {
  readonly receiver: HttpReceiver;
  readonly node: string;
  readonly version: string;
  /** Called when lines can no longer be sent, and with undefined when they can again. */
  readonly changed: (problem: string | undefined) => void;
}

export function openOtlp({receiver, node, version, changed}: OtlpOptions): Otlp {
  let early: {readonly level: Level; readonly message: string; readonly at: number}[] = [];
  let failing = false;
  const note = (problem: string | undefined): void => {
    if (failing === (problem !== undefined)) return;
    failing = problem !== undefined;
    changed(problem);
  };

  async function open() {
    const {LoggerProvider, BatchLogRecordProcessor, OTLPLogExporter, resourceFromAttributes} = (await import(
      programFile('otlp-library')
    )) as typeof import('./otlp-library.ts');
    const url = new URL(receiver.url);
    if (url.pathname === '/') url.pathname = PATH;
    const exporter = new OTLPLogExporter({
      url: url.href,
      timeoutMillis: OTLP_LIMIT_MS,
      ...(receiver.token === undefined ? {} : {headers: {authorization: `Bearer ${receiver.token}`}}),
    });
    const watched = {
      export: (records: ReadableLogRecord[], done: Parameters<typeof exporter.export>[1]): void =>
        exporter.export(records, (result) => {
          note(result.code === 0 ? undefined : (result.error?.message ?? 'refused').split('\n')[0]);
          // Failures are reported once, by `changed`, and not by the package on the console.
          done({code: 0});
        }),
      shutdown: () => exporter.shutdown(),
      forceFlush: () => exporter.forceFlush(),
    };
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({
        'service.name': 'hactl',
        'service.version': version,
        'host.name': node,
      }),
      processors: [
        new BatchLogRecordProcessor({
          exporter: watched,
          maxQueueSize: QUEUE_MAX,
          scheduledDelayMillis: BATCH_DELAY_MS,
          exportTimeoutMillis: OTLP_LIMIT_MS,
        }),
      ],
    });
    return {provider, logger: provider.getLogger('hactld')};
  }

  const opened = open();
  let ready: Awaited<typeof opened> | undefined;
  const emit = (level: Level, message: string, time: number): void =>
    ready?.logger.emit({
      timestamp: time,
      severityNumber: severities[level],
      severityText: level.toUpperCase(),
      body: message,
    });
  opened.then(
    (found) => {
      ready = found;
      for (const {level, message, at} of early) emit(level, message, at);
      early = [];
    },
    (error: unknown) => note(error instanceof Error ? error.message : String(error)),
  );
  return {
    write: (level, message) => {
      const time = Date.now();
      if (ready) emit(level, message, time);
      else if (early.length < QUEUE_MAX) early.push({level, message, at: time});
    },
    close: async () => {
      await opened.then(
        ({provider}) => provider.shutdown(),
        () => undefined,
      );
    },
  };
}
