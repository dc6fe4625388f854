/** ldirectord.cf → the model, with ldirectord 4.12's defaults and inheritance. Pure. */
import {cleanText} from './clean-text.ts';
import type {Diagnostic} from './diagnostic.ts';
import {emailOf, plainDefaults, parseShared} from './ldirectord-inherited.ts';
import type {Directive} from './ldirectord-line.ts';
import {splitLdirectord} from './ldirectord-lines.ts';
import {parseQuotedOrNone, parseText, parseWritten, parseYesNo} from './ldirectord-values.ts';
import {parseVirtual} from './ldirectord-virtual.ts';
import type {LdirectordConfig, Mode, VirtualService} from './model.ts';
import {Reporter, type Resolver} from './reader.ts';

/** Parses one file. If there is an error, the model is for display only. */
export function parseLdirectordCf(
  source: {readonly path: string; readonly text: string},
  options: {readonly mode: Mode; readonly resolve: Resolver},
): {model: LdirectordConfig; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode, {blankMark: false});
  const {globals, blocks} = splitLdirectord(cleanText(source.text, reporter) ?? '', reporter);
  const defaults = plainDefaults();
  const file = {
    autoReload: false,
    readdQuiescent: false,
    fork: false,
    supervised: false,
    logFile: '/var/log/ldirectord.log',
    execute: [] as string[],
    callback: undefined as string | undefined,
    maintenanceDir: undefined as string | undefined,
  };
  for (const directive of globals) {
    if (
      parseShared(directive, defaults, {family: 4, global: true, portNames: false}, options.resolve, reporter)
    )
      continue;
    switch (directive.name) {
      case 'autoreload':
        file.autoReload = parseYesNo(directive, reporter) ?? false;
        break;
      case 'readdquiescent':
        file.readdQuiescent = parseYesNo(directive, reporter) ?? false;
        break;
      case 'fork':
        file.fork = parseYesNo(directive, reporter) ?? false;
        explain(
          directive,
          file.fork,
          'checks never wait for one another: a process per virtual service is not needed',
          reporter,
        );
        break;
      case 'supervised':
        file.supervised = parseYesNo(directive, reporter) ?? false;
        explain(
          directive,
          file.supervised,
          'hactld always stays in the foreground; ldirectord start then does too',
          reporter,
        );
        break;
      case 'logfile':
        file.logFile = parseQuotedOrNone(directive, reporter) ?? file.logFile;
        break;
      case 'callback':
        file.callback = parseQuotedOrNone(directive, reporter);
        break;
      case 'execute':
        file.execute.push(parseText(directive));
        break;
      case 'maintenancedir':
        file.maintenanceDir = parseWritten(directive, reporter);
        break;
      case 'emailalertfrom': {
        const from = parseWritten(directive, reporter);
        if (from !== undefined) defaults.emailFrom = from;
        break;
      }
      default:
        reporter.error(
          'unknown-directive',
          directive.nameSpan,
          `Unknown command ${directive.name}`,
          'it belongs in a virtual service',
        );
    }
  }
  const virtuals = blocks.flatMap(
    (block) => parseVirtual(block, defaults, file.fork, options.resolve, reporter) ?? [],
  );
  duplicates(virtuals, reporter);
  return {
    model: {
      path: source.path,
      autoReload: file.autoReload,
      readdQuiescent: file.readdQuiescent,
      cleanStop: defaults.cleanStop,
      fork: file.fork,
      supervised: file.supervised,
      ...(file.callback === undefined ? {} : {callback: file.callback}),
      logFile: file.logFile,
      execute: file.execute,
      ...(file.maintenanceDir === undefined ? {} : {maintenanceDir: file.maintenanceDir}),
      email: emailOf(defaults),
      virtuals,
    },
    diagnostics: reporter.diagnostics,
  };
}

/** Reports a directive that is accepted and has no effect. */
function explain(directive: Directive, asked: boolean, why: string, reporter: Reporter): void {
  if (asked)
    reporter.add(
      'notice',
      'ignored-directive',
      directive.nameSpan,
      `${directive.name}=yes changes nothing`,
      why,
    );
}

function duplicates(virtuals: readonly VirtualService[], reporter: Reporter): void {
  const seen = new Set<string>();
  for (const {address, span} of virtuals) {
    const key = JSON.stringify(address);
    if (seen.has(key))
      reporter.error(
        'duplicate-virtual',
        span,
        'duplicate virtual server',
        'two virtual services with one address, port and protocol: merge them',
      );
    seen.add(key);
  }
}
