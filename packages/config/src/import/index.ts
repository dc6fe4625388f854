/** Converts a foreign configuration to our files and checks them with our own parsers. Pure. */
import {indexOf, type Diagnostic, type Source} from '../diagnostic.ts';
import {loadCluster} from '../load.ts';
import {redactLine} from '../redact.ts';
import type {ImportContext, Imported, ImportKind, ImportSource} from './imported.ts';
import {parseIpvsadmSave} from './ipvsadm-save.ts';
import {parseKeepalived} from './keepalived.ts';
import {parseLvsCf} from './lvs-cf.ts';
import {reportLines, type ReportLine} from './report.ts';
import {writeFiles, type WrittenFile} from './write.ts';

const marks: readonly (readonly [ImportKind, RegExp])[] = [
  ['ipvsadm', /^[ \t]*(?:\S*ipvsadm[ \t]+)?(?:-A|-a|--add-service|--add-server)[ \t]/gm],
  [
    'keepalived',
    /^[ \t]*(?:@\S+[ \t]+)?(?:global_defs|vrrp_\w+|virtual_server(?:_group)?|real_server|include[rmwba]?|static_\w+|\$\w+=|virtual_ipaddress|lb_algo|lvs_sched)(?![\w ]*=[ \t])/gm,
  ],
  [
    'lvs.cf',
    /^[ \t]*(?:(?:serial_no|primary|primary_private|backup|backup_active|service|network|heartbeat|heartbeat_port|keepalive|deadtime|active|address|scheduler|nat_router|vip_nmask|port)[ \t]*=|(?:virtual|server|failover)[ \t]+\S.*\{)/gm,
  ],
];

/** Detects the kind from the first words of lines; undefined: none of the three. */
export function detectKind(text: string): ImportKind | undefined {
  const scored = marks.map(([kind, pattern]) => ({kind, count: [...text.matchAll(pattern)].length}));
  const [best] = scored.toSorted((left, right) => right.count - left.count);
  return best && best.count > 0 ? best.kind : undefined;
}

const parsers = {'lvs.cf': parseLvsCf, keepalived: parseKeepalived, ipvsadm: parseIpvsadmSave} as const;

export interface ImportResult {
  readonly kind?: ImportKind;
  readonly imported?: Imported;
  /** Empty if there is an error. */
  readonly files: readonly WrittenFile[];
  readonly report: readonly ReportLine[];
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, Source>;
}

export interface ImportOptions {
  readonly kind?: ImportKind;
  readonly context: ImportContext;
  /** The key for authkeys if the source has none. */
  readonly secret: string;
}

export function importConfig(source: ImportSource, options: ImportOptions): ImportResult {
  const kind = options.kind ?? detectKind(source.text);
  if (kind === undefined) {
    const diagnostic: Diagnostic = {
      code: 'unknown-format',
      severity: 'error',
      span: {file: source.path, start: 0, end: 1},
      message: 'not an lvs.cf, a keepalived.conf or the output of ipvsadm-save',
      help: 'specify the kind: --from lvs.cf, --from keepalived or --from ipvsadm',
    };
    return {files: [], report: [], diagnostics: [diagnostic], sources: new Map([[source.path, source]])};
  }
  const {imported, diagnostics, sources} = parsers[kind](source, options.context);
  const report = reportLines(imported.notes, sources);
  if (
    !imported.pair &&
    imported.virtuals.length === 0 &&
    diagnostics.every((diagnostic) => diagnostic.severity !== 'error')
  ) {
    const nothing: Diagnostic = {
      code: 'unknown-format',
      severity: 'error',
      span: {file: source.path, start: 0, end: 1},
      message: `read as ${kind}, the file has neither directors nor virtual services to import`,
      help: 'if it is a file of another kind, specify it: --from lvs.cf, --from keepalived or --from ipvsadm',
    };
    return {kind, imported, files: [], report, diagnostics: [...diagnostics, nothing], sources};
  }
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error'))
    return {kind, imported, files: [], report, diagnostics, sources};
  const {installDir} = options.context;
  const files = writeFiles(imported, {origin: source.path, installDir, secret: options.secret});
  const checked = loadWritten(files, options.context);
  const fromWritten = checked.diagnostics
    .filter(({severity, code}) => severity !== 'notice' && code !== 'ignored-directive')
    .map((diagnostic) => atSource(diagnostic, files, checked.sources, {path: source.path, installDir}));
  const isUsable = fromWritten.every((diagnostic) => diagnostic.severity !== 'error');
  return {
    kind,
    imported,
    files: isUsable ? files : [],
    report,
    diagnostics: [...diagnostics, ...fromWritten],
    sources: new Map([...sources, ...checked.sources]),
  };
}

/** Moves a diagnostic about a line of our files to its line of the source: our files are not written yet. */
function atSource(
  diagnostic: Diagnostic,
  files: readonly WrittenFile[],
  sources: ReadonlyMap<string, Source>,
  {path, installDir}: {readonly path: string; readonly installDir: string},
): Diagnostic {
  const {span, message} = diagnostic;
  const name = span.file.startsWith(`${installDir}/`) ? span.file.slice(installDir.length + 1) : span.file;
  const source = sources.get(span.file);
  const index = source && indexOf(source);
  const line = index?.position(span.start).line ?? 1;
  const origin = files.find((file) => file.name === name)?.origins?.[line - 1];
  const quoted = name === 'authkeys' ? '' : `: ${redactLine(index?.line(line).trim() ?? '')}`;
  return {
    ...diagnostic,
    span: origin ?? {file: path, start: 0, end: 1},
    message: `${message} (in the ${name} that would be written${quoted})`,
  };
}

/** Parses the files as hactld would read them in `installDir`. */
export function loadWritten(
  files: readonly WrittenFile[],
  context: ImportContext,
): ReturnType<typeof loadCluster> {
  const dir = context.installDir;
  const byPath = new Map(files.map((file) => [`${dir}/${file.name}`, file]));
  return loadCluster({
    dir,
    read: (path) => byPath.get(path),
    mode: 'lenient',
    localNode: context.node.toLowerCase(),
    resolve: context.resolve,
  });
}

export type {Fate, ImportContext, Imported, ImportKind, ImportSource} from './imported.ts';
export {countReport, renderReport, renderSummary, type ReportLine} from './report.ts';
export type {WrittenFile} from './write.ts';
