/** A file of its own in the package (programs.ts): few send their log to a collector. */
export {BatchLogRecordProcessor, LoggerProvider} from '@opentelemetry/sdk-logs';
export {OTLPLogExporter} from '@opentelemetry/exporter-logs-otlp-http';
export {resourceFromAttributes} from '@opentelemetry/resources';
