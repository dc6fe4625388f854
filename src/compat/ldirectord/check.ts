/** Validates the file before using it, and prints errors in ldirectord's format. */
import os from 'node:os';
import {printableText} from '@hactl/base/printable';
import {NO_SERVICE, position, redactDiagnostic, type Diagnostic} from '@hactl/config';
import {loadDirectory} from '../../configuration/load.ts';
import {readSource} from '../../configuration/read-source.ts';
import type {LdirectordConfig} from '@hactl/config';
import type {Paths} from '../../system/paths.ts';
import type {Instance} from './instance.ts';

/** `Error [PID] reading file F at line N: MESSAGE`, and what to do about it. */
function sentence({severity, span, message, help}: Diagnostic): string {
  const text = readSource(span.file)?.text ?? '';
  const word = severity === 'error' ? 'Error' : 'Warning';
  const {line} = position(text, span.start);
  return `${word} [${process.pid}] reading file ${span.file} at line ${line}: ${message}\n  (${help ?? ''})\n`;
}

/** The file's model; undefined: it has errors, which were printed. */
export async function checkFile(instance: Instance, paths: Paths): Promise<LdirectordConfig | undefined> {
  const outcome = await loadDirectory({
    configDir: paths.configDir,
    stateDir: instance.stateDir,
    node: os.hostname(),
    mode: 'lenient',
    only: instance.file,
    findInterface: () => Promise.resolve(() => undefined),
    wall: 0,
  });
  for (const diagnostic of outcome.diagnostics)
    // The original prints nothing for a file without services.
    if (diagnostic.severity !== 'notice' && diagnostic.message !== NO_SERVICE)
      process.stderr.write(printableText(sentence(redactDiagnostic(diagnostic, outcome.sources))));
  return outcome.loaded?.cluster.ldirectord[0];
}
