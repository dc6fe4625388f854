import {copyFileSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  applyFixes,
  checkFiles,
  redactDiagnostic,
  renderDiagnostic,
  type Diagnostic,
  type Mode,
} from '@hactl/config';
import {replaceFiles} from '../../configuration/config-files.ts';
import {readSource} from '../../configuration/read-source.ts';
import {leftOut, withNames} from '../../configuration/names.ts';
import {defaultPaths} from '../../system/paths.ts';
import {unitSandbox} from '../../system/unit-sandbox.ts';
import {CliError, exit} from '../exit.ts';
import {jsonText, shownLine} from '../render/shown.ts';

export interface CheckConfigOptions {
  readonly configDir: string;
  readonly strict?: boolean;
  readonly fix?: boolean;
  readonly node?: string;
  readonly json?: boolean;
  /** The files are checked for another machine: this one is not checked. */
  readonly elsewhere?: boolean;
}

const isDirectory = (file: string): boolean =>
  statSync(file, {throwIfNoEntry: false})?.isDirectory() ?? false;

async function judgeFiles(paths: readonly string[], mode: Mode) {
  const unavailable = new Set<string>();
  const {diagnostics, sources} = await withNames(
    (resolve) => checkFiles({paths, read: readSource, mode, resolve}),
    {unavailable},
  );
  const judged = diagnostics.map((diagnostic) =>
    mode === 'strict' ? diagnostic : leftOut(diagnostic, sources, unavailable),
  );
  return {diagnostics: judged, sources};
}

/** Through the loader that hactld uses. Loaded only here: single files do not need netlink. */
async function judgeDirectory(configDir: string, mode: Mode, node: string, elsewhere: boolean) {
  const [{loadDirectory}, {findInterface}] = await Promise.all([
    import('../../configuration/load.ts'),
    import('../../daemon/kernel.ts'),
  ]);
  return loadDirectory({
    configDir,
    mode,
    node,
    findInterface,
    stateDir: defaultPaths.stateDir,
    sandbox: unitSandbox(),
    wall: Date.now(),
    ...(elsewhere ? {elsewhere: 'checked for another machine (--elsewhere)'} : {}),
  });
}

/** `hactl check-config`: every problem of every file; with --fix the repaired files are written. */
export async function checkConfig(files: readonly string[], options: CheckConfigOptions): Promise<number> {
  for (const file of files)
    if (!statSync(file, {throwIfNoEntry: false})) throw new CliError(exit.config, `no such file: ${file}`);
  const mode = options.strict ? 'strict' : 'lenient';
  const localNode = (options.node ?? os.hostname()).toLowerCase();
  const [first] = files;
  const dir = first === undefined ? options.configDir : isDirectory(first) ? first : undefined;
  const {diagnostics, sources} =
    dir === undefined
      ? await judgeFiles(files, mode)
      : await judgeDirectory(dir, mode, localNode, options.elsewhere === true);
  const count = (severity: Diagnostic['severity']): number =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
  const errors = count('error');

  const shown = diagnostics.map((diagnostic) => redactDiagnostic(diagnostic, sources));
  if (options.json)
    process.stdout.write(
      jsonText({version: 1, errors, files: [...sources.keys()], diagnostics: shown}, 2) + '\n',
    );
  else {
    for (const diagnostic of diagnostics)
      process.stdout.write(renderDiagnostic(diagnostic, sources) + '\n\n');
    const names = [...sources.keys()].map((name) => path.basename(name)).join(', ');
    process.stdout.write(
      `${shownLine(names)}: ${errors === 0 ? 'usable' : 'NOT usable'}: ${errors} errors, ${count('warning')} warnings, ${count('notice')} repairs and notices\n`,
    );
  }
  if (options.fix) fix(sources, diagnostics, options.json === true);
  return errors === 0 ? exit.ok : exit.config;
}

function fix(
  sources: ReadonlyMap<string, {readonly text: string}>,
  diagnostics: readonly Diagnostic[],
  quiet: boolean,
): void {
  for (const [file, source] of sources) {
    const ofFile = diagnostics.filter((diagnostic) => diagnostic.span.file === file);
    const repaired = applyFixes(source.text, ofFile);
    if (repaired === source.text) continue;
    copyFileSync(file, `${file}.orig`);
    replaceFiles([{path: file, text: repaired, mode: statSync(file).mode & 0o7777}]);
    if (!quiet)
      process.stdout.write(`${shownLine(`${file}: repaired (the file as it was is ${file}.orig)`)}\n`);
  }
}
