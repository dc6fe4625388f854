/** `hactl import FILE`: converts files of Piranha, keepalived or ipvsadm-save to ours, with a report about every statement. */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import {
  redactDiagnostic,
  renderDiagnostic,
  renderReport,
  renderSummary,
  type ImportKind,
} from '@hactl/config';
import {importSource, readText} from '../../setup/import-source.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {jsonText, shownLine} from '../render/shown.ts';

export interface ImportOptions {
  readonly out: string;
  readonly from?: ImportKind;
  readonly node?: string;
  readonly peer?: string;
  readonly as?: 'primary' | 'backup';
  readonly configId?: string;
  readonly peerFile?: string;
  readonly installDir: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const REPORT = 'import-report.txt';

export async function importFile(file: string, options: ImportOptions): Promise<number> {
  const text = readText(file);
  if (text === undefined) throw new CliError(exit.config, `cannot read ${file}`);
  const node = options.node ?? os.hostname();
  for (const name of [node, options.peer ?? ''])
    if (!/^[\w.-]*$/.test(name)) throw new CliError(exit.config, `"${name}" is not a valid node name`);
  if (options.peer?.toLowerCase() === node.toLowerCase())
    throw new CliError(exit.config, `--peer ${options.peer} is the name of this director (--node)`);
  const {peerFile, from, peer, as, configId, installDir} = options;
  const peerText = peerFile === undefined ? undefined : readText(peerFile);
  if (peerFile !== undefined && peerText === undefined)
    throw new CliError(exit.config, `cannot read ${peerFile}`);
  const result = await importSource(
    {path: file, text},
    {
      node,
      installDir,
      ...(from === undefined ? {} : {from}),
      ...(peer === undefined ? {} : {peer}),
      ...(as === undefined ? {} : {as}),
      ...(configId === undefined ? {} : {configId}),
      ...(peerFile === undefined || peerText === undefined
        ? {}
        : {peerSource: {path: peerFile, text: peerText}}),
    },
    randomBytes(32).toString('hex'),
  );
  const errors = result.diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const written: string[] = [];
  if (errors === 0) {
    const report = {name: REPORT, text: renderReport(result.report), mode: 0o640};
    const files = [...result.files, report].map((file) => ({
      ...file,
      destination: path.join(options.out, file.name),
    }));
    const existing = files
      .filter(({destination}) => existsSync(destination))
      .map(({destination}) => destination);
    if (existing.length > 0 && !options.force)
      throw new CliError(
        exit.failed,
        `files exist: ${existing.join(', ')}\nNothing was written. Choose another directory with --out, or overwrite with --force.`,
      );
    for (const file of files) {
      mkdirSync(path.dirname(file.destination), {recursive: true});
      replaceFile(file.destination, file.text, file.mode);
      written.push(file.destination);
    }
  }
  if (options.json)
    process.stdout.write(
      jsonText(
        {
          version: 1,
          kind: result.kind,
          errors,
          written,
          report: result.report,
          diagnostics: result.diagnostics.map((diagnostic) => redactDiagnostic(diagnostic, result.sources)),
        },
        2,
      ) + '\n',
    );
  else {
    for (const diagnostic of result.diagnostics)
      process.stdout.write(renderDiagnostic(diagnostic, result.sources) + '\n\n');
    if (errors > 0)
      process.stdout.write(
        `${shownLine(file)}: nothing was written: ${errors} ${errors === 1 ? 'error' : 'errors'}\n`,
      );
    else {
      process.stdout.write(
        `read as ${result.kind}; written:\n${written.map((text) => `  ${shownLine(text)}\n`).join('')}The full report about every statement is in ${shownLine(path.join(options.out, REPORT))}.\n`,
      );
      if (result.imported?.pair && result.imported.pair.secret === undefined)
        process.stdout.write(
          'The source has no usable key for authkeys: a new one was generated. Copy authkeys to the other director.\n',
        );
      process.stdout.write(`\n${renderSummary(result.report, (text) => paintFor(process.stdout).bad(text))}`);
    }
  }
  return errors === 0 ? exit.ok : exit.config;
}
