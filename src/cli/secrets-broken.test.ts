/**
 * Files full of secrets, with every line broken in every way a typo can: no diagnostic, as text or JSON, no plan and no diff
 * shows one.
 */
import test from 'ava';
import {
  checkFiles,
  compareFacts,
  configFacts,
  loadCluster,
  redactDiagnostic,
  renderDiagnostic,
  type ReadFile,
} from '@hactl/config';
import {diffText} from '../configuration/config-diff.ts';
import {PLANTED, plantedFiles} from './planted.fixture.ts';

const resolve = {host: () => undefined, service: () => undefined};
const DIR = '/etc/ha.d';
const files = plantedFiles({folder: '/srv', echo: '10.99.0.11', vip: '10.99.0.100'});
type Breakage = (line: string) => string;

/** Typical damage to a line by typos and editors. */
const breakages: Readonly<Record<string, Breakage>> = {
  'the first letter is missing': (line) => line.replace(/\S/, ''),
  'a letter is doubled': (line) => line.replace(/(\s*.)(\w)/, '$1$2$2'),
  'two letters changed places': (line) => line.replace(/(\w)(\w)(?=\w*\s*[= ])/, '$2$1'),
  capitals: (line) => line.replace(/^\s*[\w]+/, (word) => word.toUpperCase()),
  'no equals sign': (line) => line.replace('=', ' '),
  'two equals signs': (line) => line.replace('=', '=='),
  'a colon for the equals sign': (line) => line.replace(/=/, ': '),
  'blanks around the equals sign': (line) => line.replace('=', ' = '),
  'no quotes': (line) => line.replaceAll('"', ''),
  'the last quote is missing': (line) => line.replace(/"(?=[^"]*$)/, ''),
  'single quotes': (line) => line.replaceAll('"', "'"),
  'quotes of a word processor': (line) => line.replace(/"([^"]*)"/g, '“$1”'),
  'more behind it': (line) => `${line} and more`,
  'a comment behind it': (line) => `${line} # a comment`,
  'it is indented': (line) => `    ${line}`,
  'it is not indented': (line) => line.trimStart(),
  'a no-break space': (line) => line.replace(/ /, '\u00a0'),
  'a control character': (line) => line.replace(/(S\d\d)/, '$1\u0007'),
  'nothing behind the first word': (line) => line.replace(/(S\d\d-[\w-]+)/, '$1\\'),
  'twice on a line': (line) => `${line} ${line.trim()}`,
  'a word in front': (line) => line.replace(/\S/, 'set $&'),
  'a hyphen in the word': (line) => line.replace(/_/, '-'),
};

const readOf =
  (texts: Readonly<Record<string, string>>): ReadFile =>
  (path) => {
    const text = texts[path.slice(DIR.length + 1)];
    return text === undefined ? undefined : {text, mode: 0o600, realPath: path};
  };
const clusterOf = (texts: Readonly<Record<string, string>>) =>
  loadCluster({dir: DIR, read: readOf(texts), mode: 'lenient', resolve, localNode: 'director1'});

/** All output about these files. */
function shownOf(texts: Readonly<Record<string, string>>, name: string): string {
  const {diagnostics, sources} = checkFiles({
    paths: Object.keys(texts).map((file) => `${DIR}/${file}`),
    read: readOf(texts),
    mode: 'lenient',
    resolve,
  });
  const [before, after] = [clusterOf(files), clusterOf(texts)];
  return [
    ...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources)),
    ...[...diagnostics, ...after.diagnostics].map((diagnostic) =>
      JSON.stringify(redactDiagnostic(diagnostic, sources)),
    ),
    ...after.diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, after.sources)),
    ...(before.cluster && after.cluster
      ? compareFacts(configFacts(before.cluster), configFacts(after.cluster)).map((fact) =>
          JSON.stringify(fact),
        )
      : []),
    ...diffText(name, files[name], texts[name]),
  ].join('\n');
}

for (const [what, broken] of Object.entries(breakages))
  test(`${what}: no secret is shown`, (t) => {
    const leaks: string[] = [];
    for (const [name, text] of Object.entries(files)) {
      const lines = text.split('\n');
      for (const [index, line] of lines.entries()) {
        if (line.search(PLANTED) < 0) continue;
        const changed = lines.with(index, broken(line)).join('\n');
        if (changed === text) continue;
        const shown = shownOf({...files, [name]: changed}, name);
        const found = new Set(shown.match(PLANTED));
        if (found.size > 0)
          leaks.push(`${name}: ${broken(line)}: ${[...found].join(', ')}\n${shown.split('\n').filter((text) => text.search(PLANTED) >= 0).join('\n')}`); // prettier-ignore
      }
    }
    t.deepEqual(leaks, []);
  });
