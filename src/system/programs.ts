/**
 * Paths of our programs and their files: TypeScript in a checkout; in the package bundles, all in one folder. No
 * other file depends on this difference.
 */
import {fileURLToPath} from 'node:url';

const sources = {
  hactl: '../hactl.ts',
  hactld: '../hactld.ts',
  'hactl-console': '../hactl-console.ts',
  heartbeat: '../heartbeat.ts',
  ldirectord: '../ldirectord.ts',
  supervisor: '../daemon/main.ts',
  director: '../daemon/supervisor.ts',
  failover: '../../packages/failover/src/main.ts',
  checks: '../../packages/checks/src/main.ts',
  sync: '../../packages/sync/src/main.ts',
  // Loaded by the supervisor when they are needed.
  'mail-library': '../system/mail-library.ts',
  'otlp-library': '../system/otlp-library.ts',
} as const;

export type ProgramName = keyof typeof sources;

/** Entry points of the programs, relative to the checkout, for the bundler. */
export const entries: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(sources).map(([name, source]) => [
    name,
    source.startsWith('../../') ? source.slice(6) : `src/${source.slice(3)}`,
  ]),
);

const bundled = !import.meta.url.endsWith('.ts');
const fileOf = (source: string, packed: string): string =>
  fileURLToPath(new URL(bundled ? packed : source, import.meta.url));

/** The file to run with Node for this program. */
export const programFile = (name: ProgramName): string => fileOf(sources[name], `${name}.mjs`);

/** Path of a document read by a program, such as `configuration.md`. */
export const documentFile = (name: string): string => fileOf(`../../docs/${name}`, `docs/${name}`);
