/**
 * `npm run package`: builds packages in dist/: a .deb per architecture, and an .rpm if rpmbuild is installed.
 * `-- --arch amd64` builds for one architecture, `--fast` packs quickly but larger. Builds are reproducible: `--check` builds
 * twice, compares, and checks the packages (check.ts).
 */
import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {bundle} from './bundle.ts';
import {checkLintian, checkRpm, checkSize, digest, type Check} from './check.ts';
import {makeDeb, type Release} from './deb.ts';
import {makeRpm} from './rpm.ts';
import {architectures, makePackageTree, type Architecture} from './tree.ts';

const root = path.resolve(import.meta.dirname, '../..');
const {values} = parseArgs({
  options: {
    arch: {type: 'string', multiple: true, default: Object.keys(architectures)},
    out: {type: 'string', default: path.join(root, 'dist')},
    fast: {type: 'boolean', default: false},
    check: {type: 'boolean', default: false},
  },
});
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {version: string};
/** Timestamp of every file: the day of the release. */
const date = Number(process.env.SOURCE_DATE_EPOCH ?? Date.UTC(2026, 10, 28) / 1_000);
const out = path.resolve(values.out);
const scratch = mkdtempSync(path.join(os.tmpdir(), 'hactl-package-'));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** SBOM of the package, by npm from the lock file, without fields that vary between runs. */
function billOfMaterials(): string {
  const words = ['sbom', '--omit=dev', '--sbom-format=cyclonedx', '--package-lock-only', '--loglevel=error'];
  const {status, stdout, stderr} = spawnSync('npm', words, {cwd: root, encoding: 'utf8', maxBuffer: 1 << 26});
  if (status !== 0)
    throw new Error(`npm sbom failed; it needs npm 10 or newer on the PATH (npm --version):\n${stderr}`);
  const sbom = JSON.parse(stdout) as {serialNumber?: string; metadata: {timestamp?: string; tools?: unknown}};
  delete sbom.serialNumber;
  delete sbom.metadata.timestamp;
  delete sbom.metadata.tools;
  return `${JSON.stringify(sbom, null, 1)}\n`;
}

/** Builds the packages for the given architectures into a folder. */
async function build(into: string, rpm: boolean): Promise<string[]> {
  const folder = mkdtempSync(path.join(scratch, 'build-'));
  mkdirSync(into, {recursive: true});
  const bundles = path.join(folder, 'bundles');
  await bundle(bundles);
  const sbom = billOfMaterials();
  const made: string[] = [];
  for (const architecture of values.arch as Architecture[]) {
    const release: Release = {
      version: manifest.version,
      architecture,
      date,
      fast: values.fast,
      summary: 'HA director pair for Linux Virtual Server',
    };
    const tree = path.join(scratch, architecture);
    const plan = {folder: tree, bundles, scratch, architecture, sbom, date} as const;
    makePackageTree({...plan, distribution: 'debian'});
    made.push(makeDeb(tree, into, release));
    if (rpm) {
      makePackageTree({...plan, distribution: 'rpm'});
      made.push(makeRpm(tree, into, scratch, release));
    }
    rmSync(tree, {recursive: true, force: true});
  }
  rmSync(folder, {recursive: true, force: true});
  return made;
}

/** Prints the result of each check; throws if one failed. */
function report(checks: readonly Check[]): void {
  for (const {name, note, problem} of checks)
    say(`check ${name}: ${problem === undefined ? 'ok' : 'FAILED'}: ${note}`);
  const failed = checks.flatMap(({name, problem}) => (problem === undefined ? [] : [`${name}: ${problem}`]));
  if (failed.length > 0) throw new Error(`the packages do not pass:\n${failed.join('\n')}`);
}

try {
  const unknown = values.arch.filter((name) => !(name in architectures));
  if (unknown.length > 0)
    throw new Error(`--arch ${unknown.join()}: one of ${Object.keys(architectures).join(', ')} was expected`);
  const rpm = spawnSync('rpmbuild', ['--version']).error === undefined;
  const made = await build(out, rpm);
  for (const file of made)
    say(`${path.relative(root, file)}  ${(statSync(file).size / 1e6).toFixed(1)} MB  sha256 ${digest(file)}`);
  if (values.check) {
    const again = await build(path.join(scratch, 'again'), rpm);
    const differing = made.filter((file, index) => digest(file) !== digest(again[index] ?? file));
    const rpms = made.filter((file) => file.endsWith('.x86_64.rpm'));
    report([
      {
        name: 'two builds',
        note: 'bit-identical',
        ...(differing.length === 0 ? {} : {problem: `they differ: ${differing.join(', ')}`}),
      },
      ...(values.fast ? [] : made.filter((file) => file.endsWith('.deb')).map(checkSize)),
      ...made.filter((file) => file.endsWith('_amd64.deb')).map(checkLintian),
      ...rpms.map((file) => checkRpm(file, scratch, manifest.version)),
    ]);
  }
  if (!rpm) say('no .rpm: rpmbuild is not installed (apt-get install rpm)');
} catch (error) {
  process.stderr.write(`package: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, {recursive: true, force: true});
}
