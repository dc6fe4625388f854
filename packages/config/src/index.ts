export {parseAuthkeys} from './authkeys.ts';
export {ipv4, ipv6, portNumber} from './addresses.ts';
export {crossCheck, NO_SERVICE} from './cross-check.ts';
export {
  applyFixes,
  diagnosticCodes,
  machineCodes,
  nearest,
  redactDiagnostic,
  renderDiagnostic,
  type Diagnostic,
  type DiagnosticCode,
  type MachineCode,
  type Fix,
  type Source,
} from './diagnostic.ts';
export {digestCluster} from './digest.ts';
export {compareFacts, type FactChange} from './facts-compare.ts';
export {timeText, virtualName, type Fact, type FactKind} from './fact.ts';
export {configFacts, pairFacts} from './facts.ts';
export {
  detectKind,
  importConfig,
  loadWritten,
  renderReport,
  renderSummary,
  countReport,
  type ImportContext,
  type ImportKind,
  type ImportResult,
  type ReportLine,
  type WrittenFile,
} from './import/index.ts';
export {groupIds} from './group-id.ts';
export {parseHaCf} from './ha-cf.ts';
export {stonithCommand} from './ha-outside.ts';
export {CERT_DAYS} from './ha-verdicts.ts';
export {parseHaresources} from './haresources.ts';
export {parseLdirectordCf} from './ldirectord-cf.ts';
export {
  checkFiles,
  loadCluster,
  candidatePaths,
  type LoadInput,
  type LoadResult,
  type ReadFile,
} from './load.ts';
export type * from './model.ts';
export {isOcf} from './resource-forms.ts';
export type {Resolver} from './reader.ts';
export {parseBoolean, parseTime} from './units.ts';
export {lineIndex, position, type LineIndex, type Position} from './line-index.ts';
export {localDirectives, withLocalLines} from './local-lines.ts';
export {characterName, printable} from './printable.ts';
export {hideArguments, hideSecrets, redactKeyLine, redactLine, secretPatterns} from './redact.ts';
export {
  editHaCf,
  editHaresources,
  editLdirectord,
  writtenGlobals,
  writtenHa,
  writtenVirtuals,
  type LdirectordEdit,
  type Setting,
  type WrittenVirtual,
} from './edit/index.ts';
